// What is known of shapes before a model runs: enough to find weights and sizes that cannot fit when it
// is loaded. Private.
#pragma once

#include <adjoint/onnx/import/helpers.h>

namespace adjoint::onnx {

/// So many elements are followed: shapes and axes have fewer.
inline constexpr std::size_t most_form_elements = 256;

/// What is known of a value. Sizes below 0 are not known; equal ones below -1 are equal sizes.
struct Form {
    std::optional<Integers> dims = {};
    std::optional<std::vector<std::optional<std::int64_t>>> elements = {};  ///< of a small integer tensor
};

/// A node, as far as its shapes go.
struct ShapeQuestion {
    const Node& node;
    std::int64_t opset;
    std::vector<Form> inputs;

    bool has(std::size_t i) const { return i < inputs.size() && inputs[i].dims.has_value(); }
    const Integers& dims(std::size_t i) const { return *inputs[i].dims; }
};

/// The forms of the results; fewer, or empty ones, where nothing is known.
/// errors: ShapeError for inputs that cannot fit; whatever the attributes give rise to.
std::vector<Form> infer_forms(const ShapeQuestion& question);

}  // namespace adjoint::onnx
