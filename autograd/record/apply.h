// Backend calls that make a new tensor, without recording: the forward passes are
// written with these. Private.
#pragma once

#include <algorithm>
#include <array>
#include <string_view>

#include <adjoint/core/contract/activate.h>
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

/// Throws ValueError for a number that is no activation.
void check_activation(const char* op, Activation activation);
/// The name of an activation, "none" for none.
inline const char* name_of(Activation activation) {
    return activation == Activation::none
               ? "none"
               : visit_activation(activation, []<class F>(F) -> const char* { return F::name; });
}
/// An activation as an operator of its own.
Tensor activated(const Tensor& x, Activation activation);
/// The name of a function F that does an activation in its pass: "linear_relu".
template <class F> const char* activated_name(Activation activation);
/// Whether its slope takes what it was given, instead of its result.
bool saves_input(Activation activation);
/// What it passes back of g where `saved` is what its slope takes.
Tensor activation_backward(Activation activation, const Tensor& g, const Tensor& saved);

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

namespace detail {

template <class F, class G>
inline constexpr auto joined_name = [] {
    constexpr std::string_view first = F::name, second = G::name;
    std::array<char, first.size() + second.size() + 2> text{};
    *std::copy(second.begin(), second.end(), std::copy(first.begin(), first.end(), text.begin()) + 1) = 0;
    text[first.size()] = '_';
    return text;
}();

}  // namespace detail

template <class F> const char* activated_name(Activation activation) {
    return visit_activation(activation, []<class G>(G) -> const char* {
        if constexpr (G::saves == Saves::nothing)
            return F::name;
        else
            return detail::joined_name<F, G>.data();
    });
}

}  // namespace adjoint::apply
