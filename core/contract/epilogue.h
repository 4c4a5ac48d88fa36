// What a product or a convolution does with its sums in its own pass.
#pragma once

#include <cstdint>

namespace adjoint {

/// An activation that follows a product, a convolution or a layer in one pass with it.
enum class Activation : std::uint8_t { none, relu, gelu, gelu_tanh, silu, tanh, sigmoid };

/// The sums of a product or a convolution, rounded to its type, on their way to the result.
struct Epilogue {
    const void* bias = nullptr;  // added before that, one number per column or filter; may be null
    Activation activation = Activation::none;
    void* sums =
        nullptr;  // where what the activation takes is kept besides, laid out as the result; may be null

    /// Where a device writes that leaves the activation to call::activate.
    void* sums_or(void* result) const { return sums ? sums : result; }
};

}  // namespace adjoint
