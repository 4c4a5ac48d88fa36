// Three linear layers, of which one opens and closes another.
#include <adjoint/nn/swiglu.h>

#include <adjoint/autograd/ops/arithmetic.h>
#include <adjoint/core/base/format.h>

namespace adjoint::nn {
namespace {

std::int64_t out_features(std::int64_t in_features, const SwiGLUOptions& options) {
    return options.out_features != 0 ? options.out_features : in_features;
}

LinearOptions linear_options(const SwiGLUOptions& options) {
    return {.bias = options.bias, .dtype = options.dtype, .device = options.device};
}

}  // namespace

SwiGLU::SwiGLU(std::int64_t in_features, std::int64_t hidden_features, const SwiGLUOptions& options)
    : Module("SwiGLU", "",
             fmt::format("{} -> {} -> {}", in_features, hidden_features, out_features(in_features, options))),
      gate_proj(child("gate_proj", Linear(in_features, hidden_features, linear_options(options)))),
      up_proj(child("up_proj", Linear(in_features, hidden_features, linear_options(options)))),
      down_proj(child("down_proj",
                      Linear(hidden_features, out_features(in_features, options), linear_options(options)))) {
}

Tensor SwiGLU::operator()(const Tensor& x) const {
    return computed(x, [&] { return down_proj(gate_proj(x, Activation::silu) * up_proj(x)); });
}

}  // namespace adjoint::nn
