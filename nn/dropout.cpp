// The check of the probability, and the channels that are dropped.
#include <adjoint/nn/dropout.h>

#include <adjoint/autograd/arithmetic.h>
#include <adjoint/autograd/grad_mode.h>
#include <adjoint/autograd/norm.h>
#include <adjoint/core/creation.h>
#include <adjoint/core/format.h>
#include <adjoint/nn/module_state.h>

namespace adjoint::nn {

Dropout::Dropout(double p) : Module("Dropout", fmt::format("p={}", p)), p_(p) {
    check<ValueError>(p >= 0 && p <= 1, "Dropout: probability {} is outside [0, 1]", p);
}

Dropout2d::Dropout2d(double p) : Module("Dropout2d", fmt::format("p={}", p)), p_(p) {
    check<ValueError>(p >= 0 && p <= 1, "Dropout2d: probability {} is outside [0, 1]", p);
}

Tensor Dropout::operator()(const Tensor& x) const {
    if (is_training() && p_ > 0 && !grad_enabled()) [[unlikely]]
        warn_of_prediction_in_training_mode("Dropout");
    return dropout(x, p_, is_training());
}

Tensor Dropout2d::operator()(const Tensor& x) const {
    check<ShapeError>(x.dim() == 3 || x.dim() == 4, "dropout2d: needs (N, C, H, W) or (C, H, W), got {}",
                      x.shape());
    if (!is_training() || p_ == 0) return x;
    if (!grad_enabled()) [[unlikely]]
        warn_of_prediction_in_training_mode("Dropout2d");
    Shape channels = x.shape();
    channels[x.dim() - 1] = channels[x.dim() - 2] = 1;
    return x * dropout(ones(channels, {.dtype = x.dtype(), .device = x.device()}), p_);
}

}  // namespace adjoint::nn
