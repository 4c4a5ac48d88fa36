// Quantised operators, by arithmetic on what the numbers stand for: (q - zero point) scale. Rounding is to
// even, and what is too large saturates.
#include <algorithm>
#include <cmath>

#include <adjoint/autograd/ops/arithmetic.h>
#include <adjoint/autograd/ops/elementwise.h>
#include <adjoint/autograd/ops/linalg.h>
#include <adjoint/autograd/ops/rearrange.h>
#include <adjoint/autograd/ops/reduce.h>
#include <adjoint/autograd/ops/shape.h>
#include <adjoint/core/base/format.h>
#include <adjoint/onnx/import/convolution.h>
#include <adjoint/onnx/import/tables.h>

namespace adjoint::onnx {

namespace {

/// A scale or zero point of x: one, one for each place of the axis, or one for each block of them.
Tensor along(const Tensor& x, const Tensor& value, std::int64_t axis, std::int64_t block) {
    if (value.numel() == 1) return reshape(value, Shape{});
    const int dim = wrapped_axis(axis, x.dim());
    if (block > 0) {
        check<ShapeError>(value.dim() == x.dim(), "scales of shape {} for {}", value.shape(), x.shape());
        const std::int64_t count = value.size(dim);
        Shape spread = value.shape(), flat = value.shape();
        spread.insert(dim + 1, block);
        flat[dim] = count * block;
        const Tensor repeated = reshape(broadcast_to(unsqueeze(value, dim + 1), spread), flat);
        return narrow(repeated, dim, 0, x.size(dim));
    }
    check<ShapeError>(value.dim() == 1 && value.size(0) == x.size(dim),
                      "scales of shape {} for axis {} of {}", value.shape(), dim, x.shape());
    Shape shape = Shape::filled(x.dim(), 1);
    shape[dim] = value.numel();
    return reshape(value, shape);
}

/// round(x / scale) + zero point as `type`.
Value quantised(const Tensor& x, const Tensor& scale, const Tensor& zero, ElementType type) {
    const auto [low, high] = range_of(type);
    Tensor y = round(x / scale);
    if (zero.defined()) y = y + zero.to(y.dtype());
    y = clamp(y, static_cast<double>(low), static_cast<double>(high));
    return {y.to(*stored_as(type)), type};
}

Tensor dequantised(const Tensor& x, const Tensor& scale, const Tensor& zero) {
    const Tensor difference = zero.defined() ? x.to(DType::i64) - zero.to(DType::i64) : x;
    return difference.to(scale.dtype()) * scale;
}

Kernel quantize_linear(const Build& b) {
    const std::int64_t axis = b.attributes.integer("axis", 1), block = b.attributes.integer("block_size", 0);
    for (const char* name : {"saturate", "precision"}) b.attributes.ignore(name);
    const std::int64_t output = b.attributes.integer("output_dtype", 0);
    const ElementType named = output == 0 ? ElementType::undefined : storable(output);
    return [=](const Call& c) -> Values {
        ElementType type = c.has(2) ? c.type(2) : ElementType::u8;
        if (named != ElementType::undefined) type = named;
        const Tensor scale = along(c[0], c[1], axis, block);
        // In f32, whatever the type of x.
        const Tensor x = c[0].dtype() == DType::f64 ? c[0] : c[0].to(DType::f32);
        return {
            quantised(x, scale.to(x.dtype()), c.has(2) ? along(c[0], c[2], axis, block) : Tensor(), type)};
    };
}

Kernel dequantize_linear(const Build& b) {
    const std::int64_t axis = b.attributes.integer("axis", 1), block = b.attributes.integer("block_size", 0);
    const std::int64_t output = b.attributes.integer("output_dtype", 0);
    const ElementType named = output == 0 ? ElementType::undefined : storable(output);
    return [=](const Call& c) -> Values {
        const Tensor y = dequantised(c[0], along(c[0], c[1], axis, block),
                                     c.has(2) ? along(c[0], c[2], axis, block) : Tensor());
        return {named == ElementType::undefined ? Value(y) : cast(y, named)};
    };
}

/// u8 by the range of the numbers, 0 among them.
Kernel dynamic_quantize_linear(const Build&) {
    return [](const Call& c) -> Values {
        const Tensor& x = c[0];
        const Tensor none = filled({}, 0, x);
        const Tensor low = minimum(amin(x), none), high = maximum(amax(x), none);
        const Tensor span = (high - low) / 255;
        const Tensor scale = where(eq(span, none), filled({}, 1, x), span);
        const Tensor zero = clamp(round(neg(low) / scale), 0, 255);
        return {quantised(x, scale, zero, ElementType::u8), Value(scale), Value(zero.to(DType::u8))};
    };
}

/// q - zero point, which may stand for each row of a or column of b.
Tensor shifted(const Call& c, std::size_t i, std::size_t zero, bool by_row) {
    const Tensor x = c[i].to(DType::i64);
    if (!c.has(zero)) return x;
    Tensor z = c[zero].to(DType::i64);
    if (by_row && z.dim() == 1 && z.numel() > 1) z = unsqueeze(z, 1);
    return x - z;
}

Kernel matmul_integer(const Build&) {
    return [](const Call& c) -> Values {
        const Tensor y = matmul(shifted(c, 0, 2, true), shifted(c, 1, 3, false));
        return {Value(y.to(DType::i32), ElementType::i32)};
    };
}

Kernel qlinear_matmul(const Build&) {
    return [](const Call& c) -> Values {
        const auto row = [&](std::size_t i) {
            return c[i].dim() == 1 && c[i].numel() > 1 ? unsqueeze(c[i], 1) : c[i];
        };
        Tensor a = c[0].to(DType::i64) - row(2).to(DType::i64), b = c[3].to(DType::i64) - c[5].to(DType::i64);
        const Tensor sums = matmul(a, b).to(DType::f64);
        const Tensor real = sums * (row(1).to(DType::f64) * c[4].to(DType::f64));
        return {quantised(real, row(6).to(DType::f64), row(7), c.type(7))};
    };
}

/// The sums of products of integers, exactly.
Tensor integer_convolution(const Tensor& x, const Tensor& w, const ConvolutionAttributes& attributes) {
    // Sums of so many products of 8 bits are exact in f32.
    const std::int64_t terms = w.size(0) == 0 ? 0 : w.numel() / w.size(0);
    const DType type = terms * 256 * 256 < std::int64_t{1} << 24 ? DType::f32 : DType::f64;
    return convolved(x.to(type), w.to(type), {}, attributes);
}

Tensor by_channel(const Tensor& x, int rank, int dim) {
    if (x.numel() == 1) return reshape(x, Shape{});
    Shape shape = Shape::filled(rank, 1);
    shape[dim] = x.numel();
    return reshape(x, shape);
}

Kernel conv_integer(const Build& b) {
    return [attributes = convolution_attributes(b)](const Call& c) -> Values {
        const Tensor x =
            c.has(2) ? c[0].to(DType::i64) - by_channel(c[2].to(DType::i64), c[0].dim(), 1) : c[0];
        const Tensor w =
            c.has(3) ? c[1].to(DType::i64) - by_channel(c[3].to(DType::i64), c[1].dim(), 0) : c[1];
        return {Value(integer_convolution(x, w, attributes).to(DType::i32), ElementType::i32)};
    };
}

Kernel qlinear_conv(const Build& b) {
    return [attributes = convolution_attributes(b)](const Call& c) -> Values {
        const int rank = c[0].dim();
        const Tensor x = c[0].to(DType::i64) - c[2].to(DType::i64);
        const Tensor w = c[3].to(DType::i64) - by_channel(c[5].to(DType::i64), rank, 0);
        Tensor sums = integer_convolution(x, w, attributes).to(DType::f64);
        if (c.has(8)) sums = sums + by_channel(c[8].to(DType::f64), rank, 1);
        const Tensor real = sums * (c[1].to(DType::f64) * by_channel(c[4].to(DType::f64), rank, 1));
        return {quantised(real, reshape(c[6].to(DType::f64), Shape{}), c[7], c.type(7))};
    };
}

}  // namespace

std::span<const Row> quantised_rows() {
    static constexpr Row rows[] = {
        {.name = "ConvInteger", .since = 10, .make = conv_integer, .constant = all_inputs, .costly = true},
        {"DequantizeLinear", 10, dequantize_linear, 0, Nature::plain, all_inputs},
        {"DynamicQuantizeLinear", 11, dynamic_quantize_linear, 0, Nature::plain, all_inputs},
        {.name = "MatMulInteger",
         .since = 10,
         .make = matmul_integer,
         .constant = all_inputs,
         .costly = true},
        {.name = "QLinearConv", .since = 10, .make = qlinear_conv, .constant = all_inputs, .costly = true},
        {.name = "QLinearMatMul",
         .since = 10,
         .make = qlinear_matmul,
         .constant = all_inputs,
         .costly = true},
        {"QuantizeLinear", 10, quantize_linear, 0, Nature::plain, set_of({1, 2})},
    };
    return rows;
}

}  // namespace adjoint::onnx
