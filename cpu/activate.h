// Activations of an epilogue on what a product or a convolution has just written.
#pragma once

#include <cstdint>

#include <adjoint/core/base/dtype.h>
#include <adjoint/core/contract/epilogue.h>

namespace adjoint::cpu {

/// Whether the kernels do it all while the sums are in registers: a ReLU of sums that nobody wants to keep.
inline bool rectifies(const Epilogue& epilogue) {
    return epilogue.activation == Activation::relu && !epilogue.sums;
}

/// Whether they leave something to `activate`.
inline bool is_left(const Epilogue& epilogue) {
    return (epilogue.sums || epilogue.activation != Activation::none) && !rectifies(epilogue);
}

/// y = activation(x), n numbers of type f32 or f64; y may be x.
void activate(Activation activation, DType type, void* y, const void* x, std::int64_t n);

}  // namespace adjoint::cpu
