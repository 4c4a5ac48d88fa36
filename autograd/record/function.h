// The one road into the graph: a function is a struct with forward and backward, recorded by record().
//
//     struct Cube : Function {
//         static constexpr auto name = "cube";
//         Saved x;
//         Tensor forward(const Tensor& input) { x = input; return input * input * input; }
//         Grads backward(const Tensor& g) { return {g * 3.0 * square(x.get())}; }
//     };
//     Tensor cube(const Tensor& x) { return record(Cube{}, x); }
//
// A loss that has made its gradients in the forward pass gives them as they are in `Grads backward_of_one()`,
// which is asked where the pass begins at it.
// Several outputs: forward returns std::vector<Tensor>, backward takes const Grads&. Inputs whose number is
// not fixed: forward takes std::span<const Tensor>, recorded by record(F{}, std::span). A function that has
// attributes lists them for observers (observer.h).
#pragma once

#include <array>
#include <concepts>
#include <cstdint>
#include <optional>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include <adjoint/autograd/record/grad_mode.h>
#include <adjoint/autograd/record/node.h>
#include <adjoint/autograd/record/observer.h>
#include <adjoint/core/base/error.h>

namespace adjoint {

/// A tensor kept for the backward pass. It remembers the version of the memory, so that an in-place write in
/// between is an AutogradError instead of a wrong gradient.
class ADJOINT_API Saved {
  public:
    Saved() = default;
    /// Keeps an input of the function.
    Saved& operator=(const Tensor& input);
    /// Keeps an output: a reference to it from its own producer would be a cycle.
    void keep_output(const Tensor& output, std::uint32_t index = 0);
    /// The tensor; when the backward pass is itself recorded, connected to the graph.
    /// errors: AutogradError naming the function if it was modified in place since, or dropped.
    Tensor get() const;
    bool defined() const noexcept { return tensor_.defined(); }
    void reset() noexcept { tensor_ = {}; }

  private:
    Tensor tensor_;
    std::uint32_t version_ = 0;
    std::uint32_t index_ = 0;
    bool is_output_ = false;
};

/// Base of a function: knows which inputs need a gradient, so that nobody computes the others.
class Function {
  public:
    /// Whether the gradient of input `i` is wanted.
    bool needs(std::size_t i) const noexcept { return needs_ >> (i < 63 ? i : 63) & 1; }
    /// Whether there will be a backward pass at all; driven by hand, there will.
    bool needs_any() const noexcept { return needs_ != 0; }
    void set_needs(std::uint64_t needs) noexcept { needs_ = needs; }

  private:
    std::uint64_t needs_ = ~std::uint64_t{0};
};

namespace detail {

/// Throws AutogradError if a floating result of a function holds NaN or Inf: one of its forward pass, or
/// the gradient of that input.
ADJOINT_API void check_anomaly(const char* name, const Tensor& result, std::optional<std::size_t> input = {});

template <class F> Grads call_backward(F& f, const Grads& outputs) {
    if constexpr (requires { f.backward(outputs); })
        return f.backward(outputs);
    else
        return f.backward(outputs[0]);
}

// Whether a function may go by another name than that of its kind: it says so in `called`.
template <class F> inline constexpr bool has_own_name = requires(const F& f) { f.called; };

template <class F> const char* caller(const F& f) noexcept {
    if constexpr (has_own_name<F>)
        return f.called;
    else
        return F::name;
}

template <class F, class Edges> class FunctionNode final : public Node {
  public:
    FunctionNode(F f, Edges edges) : f_(std::move(f)), edges_(std::move(edges)) {
        if constexpr (has_own_name<F>) called_ = f_->called;
        set_edges(edges_);
    }
    F& function() noexcept { return *f_; }
    const char* name() const noexcept override {
        if constexpr (has_own_name<F>)
            return called_;
        else
            return F::name;
    }
    bool released() const noexcept override { return !f_.has_value(); }
    void release_saved() noexcept override { f_.reset(); }
    Grads backward(const Grads& outputs) override { return call_backward(*f_, outputs); }
    std::optional<Grads> backward_of_one() override {
        if constexpr (requires { f_->backward_of_one(); })
            return f_->backward_of_one();
        else
            return std::nullopt;
    }
    void attach(std::size_t index, const Tensor& output) { add_output(index, output); }

  private:
    struct Nothing {};

    std::optional<F> f_;
    Edges edges_;
    // Outlives what is saved.
    [[no_unique_address]] std::conditional_t<has_own_name<F>, const char*, Nothing> called_{};
};

template <class F> void set_needs(F& f, std::uint64_t needs) noexcept {
    if constexpr (std::is_base_of_v<Function, F>) f.set_needs(needs);
}

template <class F, class Forward> decltype(auto) named_forward(F& f, Forward&& forward) {
    try {
        return forward();
    } catch (...) {
        rethrow_named(caller(f));
    }
}

// The attributes that a function lists.
template <class F> Attributes attributes_of(const F& f) {
    Attributes list;
    if constexpr (requires { f.attributes(list); }) f.attributes(list);
    return list;
}

template <class F, class... Inputs>
using Result = std::remove_cvref_t<decltype(std::declval<F&>().forward(std::declval<const Inputs&>()...))>;

inline bool wants_gradient(const Tensor& x) noexcept { return x.ref() && x.ref()->requires_grad; }

// A result that is an existing tensor (an input handed through) gets a handle of its own.
inline void own_handle(Tensor& output) {
    if (!output.impl().unique() || output.impl().producer) output = output.detach();
}

// NoGrad where gradients are recorded and nobody observes.
class Paused {
  public:
    Paused() noexcept { mode = 0; }
    ~Paused() { mode = recording; }
    Paused(const Paused&) = delete;
    Paused& operator=(const Paused&) = delete;
};

template <class F, class Edges, class Call> auto record_as(F&& f, Edges&& edges, Call&& call) {
    using Fn = std::remove_cvref_t<F>;
    auto* raw =
        new FunctionNode<Fn, std::remove_cvref_t<Edges>>(std::forward<F>(f), std::forward<Edges>(edges));
    const auto node = Ref<Producer>::adopt(raw);
    auto outputs = [&] {
        const Paused guard;
        return named_forward(raw->function(), [&] { return call(raw->function()); });
    }();
    if constexpr (std::is_same_v<decltype(outputs), Tensor>) {
        own_handle(outputs);
        raw->attach(0, outputs);
        if (anomaly_enabled()) [[unlikely]]
            check_anomaly(raw->name(), outputs);
    } else {
        for (std::size_t i = 0; i < outputs.size(); ++i) {
            own_handle(outputs[i]);
            raw->attach(i, outputs[i]);
            if (anomaly_enabled()) [[unlikely]]
                check_anomaly(raw->name(), outputs[i]);
        }
    }
    return outputs;
}

// record() with an observer, who is told of it, or a profile; apart, so that the way without stays short.
// It calls record() again, which is why that is inlined in any case: as when called from one place alone.
template <class F, class... Inputs>
[[gnu::noinline, gnu::cold]] Result<F, Inputs...> record_observed(F&& f, const Inputs&... inputs);

}  // namespace detail

/// Runs f.forward(inputs...) without recording and, if an input requires a gradient and recording is on,
/// makes the node that will run f.backward. Inputs may be undefined (an absent bias).
template <class F, std::same_as<Tensor>... Inputs>
[[gnu::always_inline]] inline detail::Result<F, Inputs...> record(F f, const Inputs&... inputs) {
    const std::uint8_t mode = detail::mode;
    if (mode != detail::recording || !(detail::wants_gradient(inputs) || ...)) {
        if (mode >= detail::observed) [[unlikely]]
            return detail::record_observed(std::move(f), inputs...);
        detail::set_needs(f, 0);
        return detail::named_forward(f, [&] {
            if (mode == 0) return f.forward(inputs...);
            const NoGrad guard;
            return f.forward(inputs...);
        });
    }
    std::uint64_t needs = 0, bit = 1;
    ((needs |= detail::wants_gradient(inputs) ? bit : 0, bit <<= 1), ...);
    detail::set_needs(f, needs);
    return detail::record_as(std::move(f), std::array<Edge, sizeof...(Inputs)>{Edge(inputs)...},
                             [&](F& function) { return function.forward(inputs...); });
}

/// The same for a function over a list of tensors.
template <class F> detail::Result<F, std::span<const Tensor>> record(F f, std::span<const Tensor> inputs) {
    if (detail::mode >= detail::observed) [[unlikely]]
        return detail::record_observed(std::move(f), inputs);
    std::uint64_t needs = 0;
    for (std::size_t i = 0; i < inputs.size(); ++i)
        if (detail::wants_gradient(inputs[i])) needs |= std::uint64_t{1} << (i < 63 ? i : 63);
    if (!grad_enabled()) needs = 0;
    detail::set_needs(f, needs);
    if (needs == 0) {
        const NoGrad guard;
        return detail::named_forward(f, [&] { return f.forward(inputs); });
    }
    std::vector<Edge> edges(inputs.begin(), inputs.end());
    return detail::record_as(std::move(f), std::move(edges),
                             [&](F& function) { return function.forward(inputs); });
}

namespace detail {

template <class F, class... Inputs> Result<F, Inputs...> record_observed(F&& f, const Inputs&... inputs) {
    const auto call = [&] { return record(std::move(f), inputs...); };
    if (!is_observed()) return run_timed(caller(f), call);
    const Attributes attributes = attributes_of(f);
    if constexpr ((std::is_same_v<Inputs, Tensor> && ...)) {
        const std::array<Tensor, sizeof...(Inputs)> in{inputs...};
        return tell_of(F::name, in, attributes, call);
    } else {
        return tell_of(F::name, inputs..., attributes, call);
    }
}

}  // namespace detail
}  // namespace adjoint
