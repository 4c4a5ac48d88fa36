// Models written as ONNX.
//
//     onnx::save("net.onnx", model, {x}, {.dynamic_axes = {{"x", {{0, "batch"}}}}});
//
// The model runs twice, with the inputs given and with others, and what both runs did is written down: what
// depends on the data only through the values of tensors is the same in both. Control flow is what ran.
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

struct ExportNames {
    std::vector<std::string> inputs = {}, outputs = {};
};

struct ExportOptions {
    /// Of the standard operators, 13 to 23.
    std::int64_t opset = 17;
    /// Sizes that a user of the file may choose, by input and axis: {{"x", {{0, "batch"}}}}. Axes of one name
    /// have one size.
    std::map<std::string, std::map<int, std::string>> dynamic_axes = {};
    /// By default x, or x_0, x_1, ..; y, or y_0, y_1, ..
    ExportNames names = {};
    std::map<std::string, std::string> metadata = {};
    /// Batch normalisation behind a convolution or linear layer becomes part of its weights.
    bool fold_batch_norm = false;
    /// The inputs of the second run; by default those of the first in reverse, shrunk a little, and
    /// with other sizes for the dynamic axes.
    std::vector<Tensor> other_inputs = {};
    /// In which parameters and buffers are found, with their names; set by itself where a module is exported.
    const nn::Module* module = nullptr;
    WriteOptions file = {};
};

/// A model as a function of a list.
using ListFunction = std::function<std::vector<Tensor>(const std::vector<Tensor>&)>;

/// The model of what `function` does, in evaluation mode.
/// shapes: of the inputs; those that are no dynamic axes are fixed.
/// dtypes: all of ours; an operator that ONNX lacks for a type is refused by what runs the file.
/// errors: ValueError naming the operator and the layer for what has no form in ONNX, and for what depends on
/// its data in another way than through tensors.
/// source: docs/Operators.md in github.com/onnx/onnx.
ADJOINT_API Model to_model(const ListFunction& function, const std::vector<Tensor>& inputs,
                           const ExportOptions& options = {});

namespace detail {

inline void append(std::vector<Tensor>& list, const Tensor& x) { list.push_back(x); }
inline void append(std::vector<Tensor>& list, const std::vector<Tensor>& more) {
    list.insert(list.end(), more.begin(), more.end());
}
template <class... Ts> void append(std::vector<Tensor>& list, const std::tuple<Ts...>& more) {
    std::apply([&](const auto&... parts) { (append(list, parts), ...); }, more);
}
template <class A, class B> void append(std::vector<Tensor>& list, const std::pair<A, B>& more) {
    append(list, more.first);
    append(list, more.second);
}

[[noreturn]] ADJOINT_API void throw_input_count(std::size_t given);

// f(inputs[0], .., inputs[N - 1]) for the N that is the number of inputs.
template <class F, std::size_t... I>
bool call_with(const F& f, const std::vector<Tensor>& in, std::vector<Tensor>& out,
               std::index_sequence<I...>) {
    if constexpr (std::is_invocable_v<const F&, decltype((static_cast<void>(I), in[0]))...>) {
        if (in.size() != sizeof...(I)) return false;
        append(out, f(in[I]...));
        return true;
    }
    return false;
}

template <class F> std::vector<Tensor> call_with_list(const F& f, const std::vector<Tensor>& in) {
    std::vector<Tensor> out;
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
/// list, a pair or a tuple.
template <class F>
requires(!std::same_as<F, ListFunction>) Model
    to_model(const F& model, const std::vector<Tensor>& inputs, ExportOptions options = {}) {
    if constexpr (nn::IsModule<F>) options.module = &model;
    return to_model(
        ListFunction([&](const std::vector<Tensor>& in) { return detail::call_with_list(model, in); }),
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
