// The check of the probability, and the channels that are dropped.
#include <adjoint/nn/dropout.h>

#include <adjoint/autograd/ops/arithmetic.h>
#include <adjoint/autograd/ops/dropout.h>
#include <adjoint/autograd/record/grad_mode.h>
#include <adjoint/core/base/format.h>
#include <adjoint/core/tensor/creation.h>
#include <adjoint/nn/describe.h>
#include <adjoint/nn/module_state.h>

namespace adjoint::nn {
namespace {

std::string settings(const char* layer, double p) {
    check<ValueError>(p >= 0 && p <= 1, "{}: probability {} is outside [0, 1]", layer, p);
    return fmt::format("p={}", p);
}

// Ones and zeros for the first `kept` dimensions of x; divided by 1 - p, they broadcast over the others.
Tensor mask_of(const Tensor& x, int kept, double p) {
    Shape shape = x.shape();
    for (int i = kept; i < x.dim(); ++i) shape[i] = 1;
    return dropout(ones(shape, {.dtype = x.dtype(), .device = x.device()}), p);
}

// For layers that draw in training only.
void warn_without_graph(const char* layer) {
    if (!grad_enabled()) [[unlikely]]
        warn_of_prediction_in_training_mode(layer);
}

}  // namespace

Dropout::Dropout(double p) : Module("Dropout", settings("Dropout", p)), p_(p) {}

Dropout2d::Dropout2d(double p) : Module("Dropout2d", settings("Dropout2d", p)), p_(p) {}

Tensor Dropout::operator()(const Tensor& x) const {
    return computed(x, [&] {
        if (is_training() && p_ > 0) warn_without_graph("Dropout");
        return dropout(x, p_, is_training());
    });
}

Tensor Dropout2d::operator()(const Tensor& x) const {
    return computed(x, [&] {
        check<ShapeError>(x.dim() == 3 || x.dim() == 4, "dropout2d: needs (N, C, H, W) or (C, H, W), got {}",
                          x.shape());
        if (!is_training() || p_ == 0) return x;
        warn_without_graph("Dropout2d");
        return x * mask_of(x, x.dim() - 2, p_);
    });
}

StochasticDepth::StochasticDepth(double p)
    : Module("StochasticDepth", settings("StochasticDepth", p)), p_(p) {}

Tensor StochasticDepth::operator()(const Tensor& x) const {
    return computed(x, [&] {
        check<ShapeError>(x.dim() >= 1, "stochastic_depth: needs samples along a first dimension, got {}",
                          x.shape());
        if (!is_training() || p_ == 0) return x;
        warn_without_graph("StochasticDepth");
        return x * mask_of(x, 1, p_);
    });
}

DropConnect::DropConnect(std::int64_t in_features, std::int64_t out_features, double p,
                         const LinearOptions& options)
    : DropConnect(Linear(in_features, out_features, options), p,
                  fmt::format("in_features={}, out_features={}, {}, bias={}", in_features, out_features,
                              settings("DropConnect", p), options.bias)) {}

Tensor DropConnect::operator()(const Tensor& x) const {
    return computed(x, [&] {
        if (is_training() && p_ > 0) warn_without_graph("DropConnect");
        return linear(x, dropout(weight, p_, is_training()), bias);
    });
}

DropConnect::DropConnect(const Linear& plain, double p, const std::string& text)
    : Module("DropConnect", text, detail::from_to(plain.weight.size(1), plain.weight.size(0))),
      weight(parameter("weight", plain.weight)),
      bias(parameter("bias", plain.bias)),
      p_(p) {}

}  // namespace adjoint::nn
