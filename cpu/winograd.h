// Convolutions of f32 with 3 x 3 kernels, the products taken at points (cpu/winograd_matrices.h).
#pragma once

#include <adjoint/core/contract/backend.h>

namespace adjoint::cpu {

/// Whether that is faster than the plain sums of cpu/convolution.cpp. It follows from the sizes alone.
bool winograd_pays(const Convolution& c);

void winograd_forward(const Convolution& c, float* y, const float* x, const float* w,
                      const Epilogue& epilogue);
/// `back` is the convolution of g that gives dx; the kernels of w are still to be turned round for it.
void winograd_input_gradient(const Convolution& back, float* dx, const float* g, const float* w);
void winograd_weight_gradient(const Convolution& c, float* dw, const float* x, const float* g);

}  // namespace adjoint::cpu
