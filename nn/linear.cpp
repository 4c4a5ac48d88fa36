// What the linear layers start from.
#include <adjoint/nn/linear.h>

#include <cmath>

#include <adjoint/core/base/format.h>
#include <adjoint/core/tensor/creation.h>
#include <adjoint/nn/describe.h>
#include <adjoint/nn/init.h>

namespace adjoint::nn {
namespace {

std::string sizes(std::int64_t in, std::int64_t out, bool bias) {
    check<ValueError>(in >= 0 && out >= 0, "Linear: {} inputs, {} outputs", in, out);
    return fmt::format("in_features={}, out_features={}, bias={}", in, out, bias);
}

Tensor initial(const Shape& shape, std::int64_t in, const LinearOptions& options) {
    const Tensor x = empty(shape, {.dtype = options.dtype, .device = options.device});
    // For the weight this is kaiming_uniform_ with a = sqrt(5).
    const double bound = in > 0 ? 1 / std::sqrt(static_cast<double>(in)) : 0;
    return init::uniform_(x, -bound, bound);
}

}  // namespace

Linear::Linear(std::int64_t in_features, std::int64_t out_features, const LinearOptions& options)
    : Module("Linear", sizes(in_features, out_features, options.bias),
             detail::from_to(in_features, out_features)),
      weight(parameter("weight", initial({out_features, in_features}, in_features, options))),
      bias(parameter("bias", options.bias ? initial({out_features}, in_features, options) : Tensor())) {}

Flatten::Flatten(int start, int end)
    : Module("Flatten", fmt::format("start_dim={}, end_dim={}", start, end)), start_(start), end_(end) {}

}  // namespace adjoint::nn
