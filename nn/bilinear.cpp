// What the bilinear layer starts from.
#include <adjoint/nn/bilinear.h>

#include <cmath>

#include <adjoint/core/base/format.h>
#include <adjoint/core/tensor/creation.h>
#include <adjoint/nn/describe.h>
#include <adjoint/nn/init.h>

namespace adjoint::nn {
namespace {

std::string describe(std::int64_t in1, std::int64_t in2, std::int64_t out, bool bias) {
    check<ValueError>(in1 > 0 && in2 > 0 && out > 0, "Bilinear: {} and {} inputs, {} outputs", in1, in2, out);
    return fmt::format("in1_features={}, in2_features={}, out_features={}, bias={}", in1, in2, out, bias);
}

Tensor initial(const Shape& shape, std::int64_t in1, const BilinearOptions& options) {
    const double bound = 1 / std::sqrt(static_cast<double>(in1));
    return init::uniform_(empty(shape, {.dtype = options.dtype, .device = options.device}), -bound, bound);
}

}  // namespace

Bilinear::Bilinear(std::int64_t in1_features, std::int64_t in2_features, std::int64_t out_features,
                   const BilinearOptions& options)
    : Module("Bilinear", describe(in1_features, in2_features, out_features, options.bias),
             fmt::format("{}, {} -> {}", in1_features, in2_features, out_features)),
      weight(parameter("weight", initial({out_features, in1_features, in2_features}, in1_features, options))),
      bias(parameter("bias", options.bias ? initial({out_features}, in1_features, options) : Tensor())) {}

}  // namespace adjoint::nn
