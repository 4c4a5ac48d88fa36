// Hearing of every operation of a thread: for what wants to know how a result was computed, with the
// attributes of each function, and not only how its gradient is.
//
//     struct Print : Observer {
//         void heard(const Heard& call) override { fmt::print("{}\n", call.name); }
//     };
//     { Print print; model(x); }   // the name of every function that the model called
//
// A function that has attributes lists them, besides its forward and backward:
//
//     template <class V> void attributes(V& v) const { v("dim", dim); }
//
// A function or composition called by another that is heard is not heard itself.
#pragma once

#include <array>
#include <concepts>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include <adjoint/autograd/record/grad_mode.h>
#include <adjoint/core/contract/span.h>
#include <adjoint/core/tensor/tensor.h>

namespace adjoint {

/// The attributes of a call by name, in the order in which its function lists them.
class Attributes {
  public:
    /// A number, a flag, a word, sizes or places.
    using Value = std::variant<std::int64_t, double, bool, std::string_view, std::vector<std::int64_t>>;

    void operator()(const char* name, std::integral auto value) {
        if constexpr (std::same_as<decltype(value), bool>)
            add(name, Value(value));
        else
            add(name, Value(static_cast<std::int64_t>(value)));
    }
    void operator()(const char* name, double value) { add(name, Value(value)); }
    void operator()(const char* name, std::string_view value) { add(name, Value(value)); }
    void operator()(const char* name, std::span<const std::int64_t> values) {
        add(name, Value(std::vector<std::int64_t>(values.begin(), values.end())));
    }
    void operator()(const char* name, const Shape& values) {
        (*this)(name, std::span<const std::int64_t>(values.begin(), values.end()));
    }
    void operator()(const char* name, std::vector<std::int64_t> values) {
        add(name, Value(std::move(values)));
    }

    /// Null if there is none of that name.
    const Value* find(std::string_view name) const noexcept {
        for (const auto& [own, value] : list_)
            if (own == name) return &value;
        return nullptr;
    }
    const std::vector<std::pair<std::string_view, Value>>& list() const noexcept { return list_; }

  private:
    ADJOINT_API void add(std::string_view name, Value value);

    std::vector<std::pair<std::string_view, Value>> list_;
};

/// One call: an input may be undefined (an absent bias).
struct Heard {
    std::string_view name;
    std::string_view within;  ///< the function of ours that it is a part of, where that says so; else ""
    std::span<const Tensor> inputs;
    std::span<const Tensor> outputs;
    const Attributes& attributes;
};

/// Is told of every operation of its thread while it lives; of several the innermost is.
class ADJOINT_API Observer {
  public:
    Observer();
    virtual ~Observer();
    Observer(const Observer&) = delete;
    Observer& operator=(const Observer&) = delete;

    virtual void heard(const Heard& call) = 0;

  private:
    Observer* outer_;
    std::uint8_t mode_before_;
};

namespace detail {

inline bool is_observed() noexcept { return (mode & observed) != 0; }

/// Nothing on this thread is heard while it lives.
class Unheard {
  public:
    Unheard() noexcept : before_(mode) { mode = static_cast<std::uint8_t>(mode & ~observed); }
    ~Unheard() { mode = before_; }
    Unheard(const Unheard&) = delete;
    Unheard& operator=(const Unheard&) = delete;

  private:
    std::uint8_t before_;
};

/// What is heard while it lives is within `name`, of several within the outermost: for a composition whose
/// parts alone would not tell the caller which of his own calls is meant.
class Within {
  public:
    explicit Within(const char* name) noexcept : before_(is_observed() ? enter(name) : nullptr) {}
    ~Within() {
        if (before_ != nullptr) leave(before_);
    }
    Within(const Within&) = delete;
    Within& operator=(const Within&) = delete;

  private:
    static ADJOINT_API const char* enter(const char* name) noexcept;
    static ADJOINT_API void leave(const char* before) noexcept;

    const char* before_;
};

/// Tells the innermost observer.
ADJOINT_API void tell(std::string_view name, std::span<const Tensor> inputs, std::span<const Tensor> outputs,
                      const Attributes& attributes);

/// The tensors of a result: of one, of a list, or of a struct of values and where they stand.
inline std::span<const Tensor> results(const Tensor& result) { return {&result, 1}; }
inline std::span<const Tensor> results(const std::vector<Tensor>& list) { return list; }
template <class Pair>
requires requires(const Pair& p) { p.values, p.indices; }
std::array<Tensor, 2> results(const Pair& pair) { return {pair.values, pair.indices}; }

template <class Three>
requires requires(const Three& t) { t.values, t.inverse, t.counts; }
std::array<Tensor, 3> results(const Three& three) { return {three.values, three.inverse, three.counts}; }

/// Runs `call` as one span; what it calls is part of it.
template <class Call> auto run_timed(std::string_view name, Call&& call) {
    struct Untimed {
        Untimed() noexcept : before(mode) { mode = static_cast<std::uint8_t>(mode & ~timed); }
        ~Untimed() { mode = before; }
        std::uint8_t before;
    } const guard;
    const Span span(SpanKind::operation, name);
    return call();
}

/// While it lives, the operations of this thread are spans.
class Timed {
  public:
    Timed() noexcept : before_(mode) { mode = static_cast<std::uint8_t>(mode | timed); }
    ~Timed() { mode = before_; }
    Timed(const Timed&) = delete;
    Timed& operator=(const Timed&) = delete;

  private:
    std::uint8_t before_;
};

// Runs `call` unheard and tells of it as one.
template <class Call>
auto tell_of(std::string_view name, std::span<const Tensor> inputs, const Attributes& attributes,
             Call&& call) {
    auto result = [&] {
        const Unheard guard;
        return run_timed(name, call);
    }();
    const auto& outputs = results(result);
    tell(name, inputs, outputs, attributes);
    return result;
}

// composed() with an observer.
template <class List, class Compose, class... Inputs>
[[gnu::noinline, gnu::cold]] auto tell_of_composed(const char* name, const List& attributes,
                                                   const Compose& compose, const Inputs&... inputs) {
    if (!is_observed()) return run_timed(name, compose);
    Attributes listed;
    attributes(listed);
    const std::array<Tensor, sizeof...(Inputs)> in{inputs...};
    return tell_of(name, in, listed, compose);
}

}  // namespace detail

/// A composition of functions that is heard as one call, `name` of `inputs`: what `compose` gives.
/// `attributes` lists as the member of a function does.
template <class List, class Compose, std::same_as<Tensor>... Inputs>
auto composed(const char* name, const List& attributes, const Compose& compose, const Inputs&... inputs) {
    if (detail::mode >= detail::observed) [[unlikely]]
        return detail::tell_of_composed(name, attributes, compose, inputs...);
    return compose();
}

/// For a composition without attributes.
inline constexpr auto no_attributes = [](auto&) {};

}  // namespace adjoint
