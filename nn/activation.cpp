// The activations that are more than one call.
#include <adjoint/nn/activation.h>

#include <adjoint/autograd/ops/pooling.h>
#include <adjoint/core/base/format.h>
#include <adjoint/core/tensor/creation.h>

namespace adjoint::nn {

Activation activation_of(Tensor (*function)(const Tensor&)) noexcept {
    if (function == &relu) return Activation::relu;
    if (function == &silu) return Activation::silu;
    if (function == &tanh) return Activation::tanh;
    if (function == &sigmoid) return Activation::sigmoid;
    return Activation::none;
}

PReLU::PReLU(std::int64_t num_parameters, double init)
    : Module("PReLU", fmt::format("num_parameters={}", num_parameters)),
      weight(parameter("weight", full({num_parameters}, init))) {}

Maxout::Maxout(std::int64_t pieces, int dim)
    : Module("Maxout", fmt::format("pieces={}, dim={}", pieces, dim)), pieces_(pieces), dim_(dim) {
    check<ValueError>(pieces > 0, "Maxout: {} pieces", pieces);
}

Tensor Maxout::operator()(const Tensor& x) const {
    return computed(x, [&] { return maxout(x, pieces_, dim_); });
}

}  // namespace adjoint::nn
