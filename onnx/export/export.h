// Models written as ONNX.
//
//     onnx::save("net.onnx", model, {x}, {.dynamic_axes = {{"x", {{0, "batch"}}}}});
//
// The model runs with the inputs given, with others and, for each dynamic axis, with larger ones, and what
// all runs did is written down: what depends on the data only through the values of tensors is the same in
// all. Control flow is what ran. Before it is given back, the file itself is run by onnx::Network with the
// same inputs, and has to give what the model gave.
#pragma once

#include <concepts>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <adjoint/nn/module.h>
#include <adjoint/onnx/format/file.h>

namespace adjoint::onnx {

/// The names of inputs and outputs.
struct ExportNames {
    std::vector<std::string> inputs = {}, outputs = {};
};

struct ExportOptions {
    /// Of the standard operators, 13 to 23.
    std::int64_t opset = 17;
    /// Sizes that a user of the file may choose, by input and axis: {{"x", {{0, "batch"}}}}. Axes of one name
    /// have one size. One that is 1 in the inputs is made 2, so that it is not taken for one that broadcasts.
    std::map<std::string, std::map<int, std::string>> dynamic_axes = {};
    /// By default x, or x_0, x_1, ..; y, or y_0, y_1, ..
    ExportNames names = {};
    std::map<std::string, std::string> metadata = {};
    /// Batch normalisation behind a convolution or linear layer becomes part of its weights.
    bool fold_batch_norm = false;
    /// The inputs of the second run; by default those of the first in reverse, shrunk a little, and
    /// with other sizes for the dynamic axes. Their dynamic sizes have to differ from those of the first.
    std::vector<Tensor> other_inputs = {};
    /// In which parameters and buffers are found, with their names; set by itself where a module is exported.
    const nn::Module* module = nullptr;
    WriteOptions file = {};
};

/// A model as a function of a list.
using ListFunction = std::function<std::vector<Tensor>(const std::vector<Tensor>&)>;

/// The model of what `function` does; all modules that it calls are in evaluation mode (nn::EvaluationMode).
/// Where elements are read on the host, as item() does, a warning says near which layer.
/// shapes: of the inputs; those that are no dynamic axes are fixed.
/// dtypes: all of ours; an operator that ONNX lacks for a type is refused by what runs the file.
/// errors: ValueError naming the operator and the layer for what has no form in ONNX, and for what depends on
/// its data in another way than through tensors.
/// source: docs/Operators.md in github.com/onnx/onnx.
ADJOINT_API Model to_model(const ListFunction& function, const std::vector<Tensor>& inputs,
                           const ExportOptions& options = {});

namespace detail {

/// What a model has given, with names where it is a struct.
struct Results {
    std::vector<Tensor> tensors;
    std::vector<std::string> names;
};

template <class F> struct Member {
    const char* name;
    F of;
};
template <class F> Member(const char*, F) -> Member<F>;
/// What the members of the structs are called that layers and functions of ours give.
inline constexpr std::tuple members{
    Member{"output", [](const auto& y) -> decltype((y.output)) { return y.output; }},
    Member{"weights", [](const auto& y) -> decltype((y.weights)) { return y.weights; }},
    Member{"h_n", [](const auto& y) -> decltype((y.h_n)) { return y.h_n; }},
    Member{"c_n", [](const auto& y) -> decltype((y.c_n)) { return y.c_n; }},
    Member{"h", [](const auto& y) -> decltype((y.h)) { return y.h; }},
    Member{"c", [](const auto& y) -> decltype((y.c)) { return y.c; }},
    Member{"values", [](const auto& y) -> decltype((y.values)) { return y.values; }},
    Member{"indices", [](const auto& y) -> decltype((y.indices)) { return y.indices; }}};

/// How many of these Y has.
template <class Y>
inline constexpr std::size_t member_count = std::apply(
    [](const auto&... member) {
        return (std::size_t{std::is_invocable_v<decltype(member.of), const Y&>} + ...);
    },
    members);

template <class Y> void append(Results& to, const Y& y) {
    if constexpr (std::convertible_to<const Y&, Tensor>) {
        to.tensors.push_back(y);
    } else if constexpr (std::same_as<Y, std::vector<Tensor>>) {
        to.tensors.insert(to.tensors.end(), y.begin(), y.end());
    } else if constexpr (requires { std::tuple_size<Y>::value; }) {
        std::apply([&](const auto&... parts) { (append(to, parts), ...); }, y);
    } else {
        static_assert(
            sizeof(Y) == member_count<Y> * sizeof(Tensor),
            "a model gives a tensor, a list, a tuple, or a struct of tensors called as those of our "
            "layers; export a function that makes one of these of what this model gives");
        const auto take = [&](const auto& member) {
            if constexpr (std::is_invocable_v<decltype(member.of), const Y&>) {
                if (!member.of(y).defined()) return;  // it was not asked for
                to.tensors.push_back(member.of(y));
                to.names.emplace_back(member.name);
            }
        };
        std::apply([&](const auto&... member) { (take(member), ...); }, members);
    }
}

[[noreturn]] ADJOINT_API void throw_input_count(std::size_t given);

// f(inputs[0], .., inputs[N - 1]) for the N that is the number of inputs.
template <class F, std::size_t... I>
bool call_with(const F& f, const std::vector<Tensor>& in, Results& out, std::index_sequence<I...>) {
    if constexpr (std::is_invocable_v<const F&, decltype((static_cast<void>(I), in[0]))...>) {
        if (in.size() != sizeof...(I)) return false;
        append(out, f(in[I]...));
        return true;
    }
    return false;
}

template <class F> Results call_with_list(const F& f, const std::vector<Tensor>& in) {
    Results out;
    if constexpr (std::is_invocable_v<const F&, const std::vector<Tensor>&>) {
        append(out, f(in));
        return out;
    } else {
        const bool done = [&]<std::size_t... N>(std::index_sequence<N...>) {
            return (call_with(f, in, out, std::make_index_sequence<N>()) || ...);
        }
        (std::make_index_sequence<9>());
        if (!done) throw_input_count(in.size());
        return out;
    }
}

}  // namespace detail

/// The same for a module, or anything that is called with tensors or a list of them and gives a tensor, a
/// list, a tuple, or what a recurrent layer gives, whose outputs are called output, h_n and c_n.
template <class F>
requires(!std::same_as<F, ListFunction>) Model
    to_model(const F& model, const std::vector<Tensor>& inputs, ExportOptions options = {}) {
    if constexpr (nn::IsModule<F>) options.module = &model;
    const bool named = !options.names.outputs.empty();
    return to_model(ListFunction([&](const std::vector<Tensor>& in) {
                        detail::Results results = detail::call_with_list(model, in);
                        if (!named && results.names.size() == results.tensors.size())
                            options.names.outputs = std::move(results.names);
                        return std::move(results.tensors);
                    }),
                    inputs, options);
}

/// Writes the model; an old file stays on any error.
/// errors: as to_model(); IoError.
template <class F>
void save(const std::string& path, const F& model, const std::vector<Tensor>& inputs,
          const ExportOptions& options = {}) {
    write(to_model(model, inputs, options), path, options.file);
}

}  // namespace adjoint::onnx
