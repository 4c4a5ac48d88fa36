// How gradients are made to fit their tensor and added up. Private to the engine.
#pragma once

#include <adjoint/core/tensor/tensor.h>

namespace adjoint {

/// Sums `gradient` over broadcast dimensions to `shape` and converts it to `dtype`.
/// errors: ShapeError, DeviceError naming the function it came `from`.
Tensor fit_gradient(Tensor gradient, const Shape& shape, DType dtype, Device device, const char* from);

/// into += gradient, in place where nobody else can see it; an undefined `into` takes it over.
void accumulate(Tensor& into, Tensor gradient);

/// leaf.grad += gradient. The first one is taken over only if nobody else holds it.
void accumulate_leaf(TensorImpl& leaf, Tensor gradient, bool create_graph);

}  // namespace adjoint
