// What the inference of shapes shares: forms, and those of operators that lay out what is there. Private.
#pragma once

#include <adjoint/onnx/import/shapes.h>

namespace adjoint::onnx {

using Forms = std::vector<Form>;

constexpr std::int64_t unknown = -1;

/// As a text, "?" for what is not known.
std::string shown(const Integers& dims);

inline bool may_equal(std::int64_t a, std::int64_t b) { return a < 0 || b < 0 || a == b; }
inline Form of_dims(Integers dims) { return {std::move(dims)}; }
inline Forms nothing(std::size_t count = 1) { return Forms(count); }

/// The axes of an attribute or, from version `since` on, of the second input; nothing if they are not known.
std::optional<Integers> known_axes(const ShapeQuestion& q, std::int64_t since);

Forms flatten_form(const ShapeQuestion& q);
Forms reshape_form(const ShapeQuestion& q);
Forms transpose_form(const ShapeQuestion& q);
Forms concat_form(const ShapeQuestion& q);
Forms squeeze_form(const ShapeQuestion& q);
Forms unsqueeze_form(const ShapeQuestion& q);
Forms shape_form(const ShapeQuestion& q);
Forms gather_form(const ShapeQuestion& q);

}  // namespace adjoint::onnx
