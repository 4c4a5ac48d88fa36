// Arithmetic of two tensors or a tensor and a number, with broadcasting; comparison and selection.
//
// shapes: operands broadcast as in NumPy.
// dtypes: the common type (promote()); division of integers gives f32. A number is no wider than the tensor
// beside it of the same kind; an integer keeps an integer tensor integer, with all digits.
// errors: ShapeError where shapes do not broadcast; DeviceError where the operands live apart.
#pragma once

#include <adjoint/autograd/record/function.h>

namespace adjoint {

namespace fn {

/// y = a + b
struct ADJOINT_API Add : Function {
    static constexpr auto name = "add";
    Tensor forward(const Tensor& a, const Tensor& b);
    Grads backward(const Tensor& g);
};

/// y = a - b
struct ADJOINT_API Sub : Function {
    static constexpr auto name = "sub";
    Tensor forward(const Tensor& a, const Tensor& b);
    Grads backward(const Tensor& g);
};

/// y = a b: da = g b, db = g a
struct ADJOINT_API Mul : Function {
    static constexpr auto name = "mul";
    Saved a, b;
    Tensor forward(const Tensor& a, const Tensor& b);
    Grads backward(const Tensor& g);
};

/// y = a / b: da = g / b, db = -g a / b^2
struct ADJOINT_API Div : Function {
    static constexpr auto name = "div";
    Saved a, b;
    Tensor forward(const Tensor& a, const Tensor& b);
    Grads backward(const Tensor& g);
};

}  // namespace fn

ADJOINT_API Tensor add(const Tensor& a, const Tensor& b);  ///< a + b
ADJOINT_API Tensor sub(const Tensor& a, const Tensor& b);  ///< a - b
ADJOINT_API Tensor mul(const Tensor& a, const Tensor& b);  ///< a b
ADJOINT_API Tensor div(const Tensor& a, const Tensor& b);  ///< a / b
/// a^b; the derivative by b is 0 where a^b is 0, and at 0^0.
/// dtypes: integers stay integers, where a negative power is 0 unless a is 1 or -1; an integer tensor to the
/// power of a negative number is f32.
ADJOINT_API Tensor pow(const Tensor& a, const Tensor& b);
/// The angle of the point (b, a).
ADJOINT_API Tensor atan2(const Tensor& a, const Tensor& b);
/// The larger or smaller; NaN if either is NaN; equal operands share the gradient evenly.
ADJOINT_API Tensor maximum(const Tensor& a, const Tensor& b);
ADJOINT_API Tensor minimum(const Tensor& a, const Tensor& b);

ADJOINT_API Tensor add_scalar(const Tensor& x, Scalar s);   ///< x + s
ADJOINT_API Tensor sub_scalar(const Tensor& x, Scalar s);   ///< x - s
ADJOINT_API Tensor rsub_scalar(const Tensor& x, Scalar s);  ///< s - x
ADJOINT_API Tensor mul_scalar(const Tensor& x, Scalar s);   ///< x s
ADJOINT_API Tensor div_scalar(const Tensor& x, Scalar s);   ///< x / s
ADJOINT_API Tensor rdiv_scalar(const Tensor& x, Scalar s);  ///< s / x
ADJOINT_API Tensor pow_scalar(const Tensor& x, Scalar p);   ///< x^p
ADJOINT_API Tensor scalar_pow(Scalar a, const Tensor& x);   ///< a^x
/// With a number on one side.
inline Tensor pow(const Tensor& x, Number auto p) { return pow_scalar(x, p); }
inline Tensor pow(Number auto a, const Tensor& x) { return scalar_pow(a, x); }

/// The functions above as operators.
inline Tensor operator+(const Tensor& a, const Tensor& b) { return add(a, b); }
inline Tensor operator-(const Tensor& a, const Tensor& b) { return sub(a, b); }
inline Tensor operator*(const Tensor& a, const Tensor& b) { return mul(a, b); }
inline Tensor operator/(const Tensor& a, const Tensor& b) { return div(a, b); }
inline Tensor operator+(const Tensor& x, Number auto s) { return add_scalar(x, s); }
inline Tensor operator+(Number auto s, const Tensor& x) { return add_scalar(x, s); }
inline Tensor operator-(const Tensor& x, Number auto s) { return sub_scalar(x, s); }
inline Tensor operator-(Number auto s, const Tensor& x) { return rsub_scalar(x, s); }
inline Tensor operator*(const Tensor& x, Number auto s) { return mul_scalar(x, s); }
inline Tensor operator*(Number auto s, const Tensor& x) { return mul_scalar(x, s); }
inline Tensor operator/(const Tensor& x, Number auto s) { return div_scalar(x, s); }
inline Tensor operator/(Number auto s, const Tensor& x) { return rdiv_scalar(x, s); }

// Comparison: bool results, no gradient.
ADJOINT_API Tensor eq(const Tensor& a, const Tensor& b);           ///< a == b
ADJOINT_API Tensor ne(const Tensor& a, const Tensor& b);           ///< a != b
ADJOINT_API Tensor lt(const Tensor& a, const Tensor& b);           ///< a < b
ADJOINT_API Tensor le(const Tensor& a, const Tensor& b);           ///< a <= b
ADJOINT_API Tensor gt(const Tensor& a, const Tensor& b);           ///< a > b
ADJOINT_API Tensor ge(const Tensor& a, const Tensor& b);           ///< a >= b
ADJOINT_API Tensor logical_and(const Tensor& a, const Tensor& b);  ///< whether both are not 0
ADJOINT_API Tensor logical_or(const Tensor& a, const Tensor& b);   ///< whether one is not 0
ADJOINT_API Tensor logical_not(const Tensor& x);                   ///< whether it is 0

inline Tensor operator==(const Tensor& a, const Tensor& b) { return eq(a, b); }
inline Tensor operator!=(const Tensor& a, const Tensor& b) { return ne(a, b); }
inline Tensor operator<(const Tensor& a, const Tensor& b) { return lt(a, b); }
inline Tensor operator<=(const Tensor& a, const Tensor& b) { return le(a, b); }
inline Tensor operator>(const Tensor& a, const Tensor& b) { return gt(a, b); }
inline Tensor operator>=(const Tensor& a, const Tensor& b) { return ge(a, b); }
inline Tensor operator!(const Tensor& x) { return logical_not(x); }

/// condition ? a : b, elementwise; nothing leaks from the branch not taken.
/// errors: DTypeError unless bool.
ADJOINT_API Tensor where(const Tensor& condition, const Tensor& a, const Tensor& b);
/// x with `value` where `mask` is true.
ADJOINT_API Tensor masked_fill(const Tensor& x, const Tensor& mask, Scalar value);

/// Whether all elements agree within atol + rtol |b|; shapes must be equal.
ADJOINT_API bool allclose(const Tensor& a, const Tensor& b, double rtol = 1e-5, double atol = 1e-8,
                          bool equal_nan = false);
/// Whether shapes and all elements are equal.
ADJOINT_API bool equal(const Tensor& a, const Tensor& b);

}  // namespace adjoint
