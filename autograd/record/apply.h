// Backend calls that make a new tensor, without recording: the forward passes are
// written with these. Private.
#pragma once

#include <adjoint/core/contract/backend.h>
#include <adjoint/core/tensor/creation.h>
#include <adjoint/core/tensor/tensor.h>

namespace adjoint::apply {

/// The type of a result of two operands: as promote(), but the type of a 0-d operand counts
/// only against a lower kind.
DType result_type(const Tensor& a, const Tensor& b);

/// The type a real function of x has: x's own, f32 for integers.
inline DType real_type(const Tensor& x) { return is_floating(x.dtype()) ? x.dtype() : DType::f32; }

/// x in f32 if it is f16 or bf16: several operations on it are then rounded once, at their end.
inline Tensor widened(const Tensor& x) { return is_floating(x.dtype()) ? x.to(compute_type(x.dtype())) : x; }

/// A dense tensor of op(x), of type `type`, computed in `compute` (by default the type's own).
Tensor map(const UnaryOp& op, const Tensor& x, DType type, DType compute);
inline Tensor map(const UnaryOp& op, const Tensor& x, DType type) {
    return map(op, x, type, compute_type(type));
}

/// op(a, b) over the broadcast shape.
/// errors: ShapeError, DeviceError naming `name`.
Tensor zip(const char* name, const BinaryOp& op, const Tensor& a, const Tensor& b, DType type, DType compute);

/// As zip, of the operands' common type.
Tensor zip(const char* name, const BinaryOp& op, const Tensor& a, const Tensor& b);

/// What relu passes back of g where it gave y.
Tensor relu_backward(const Tensor& g, const Tensor& y);

[[noreturn]] void throw_undefined(const char* op);
/// Throws ValueError naming `op` if x is undefined.
inline void check_defined(const char* op, const Tensor& x) {
    if (!x.defined()) [[unlikely]]
        throw_undefined(op);
}

/// Under Autocast: an f32 operand of a product in its type.
Tensor lowered(const Tensor& x);
/// Under Autocast: an f16 or bf16 operand of something delicate in f32.
Tensor raised(const Tensor& x);

/// Throws DeviceError unless both live on one device.
void check_same_device(const char* name, const Tensor& a, const Tensor& b);

}  // namespace adjoint::apply
