// What a product or a convolution does with its sums in its own pass.
#pragma once

#include <cstdint>

namespace adjoint {

/// An activation that follows a product, a convolution or a layer in one pass with it.
enum class Activation : std::uint8_t { none, relu, gelu, gelu_tanh, silu, tanh, sigmoid };

/// The one that was named last in the list.
inline constexpr Activation last_activation = Activation::sigmoid;

/// What becomes of the sums of a product or a convolution: the bias is added, the result's type rounds them,
/// `sums` keeps them, the activation follows.
struct Epilogue {
    /// One number for each column, of the type of the factors, or filter, of the type
    /// of the sums; null: none.
    const void* bias = nullptr;
    Activation activation = Activation::none;
    void* sums =
        nullptr;  // where what the activation takes is kept besides, laid out as the result; may be null

    /// Where a device writes that leaves the activation to call::activate.
    void* sums_or(void* result) const { return sums ? sums : result; }
};

}  // namespace adjoint
