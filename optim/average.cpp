// The running mean of weights: one call of the backend for all parameters of a device.
#include <adjoint/optim/average.h>

#include <adjoint/autograd/record/grad_mode.h>
#include <adjoint/core/base/format.h>
#include <adjoint/core/contract/backend.h>
#include <adjoint/optim/state_reader.h>

namespace adjoint::optim {
namespace {

// What a parameter is may have changed since: its module was moved or converted.
void follow(Tensor& average, const Tensor& parameter) {
    average = average.to(parameter.dtype()).to(parameter.device());
}

}  // namespace

ExponentialMovingAverage::ExponentialMovingAverage(const std::vector<Tensor>& parameters, double decay)
    : parameters_(parameters), decay_(decay) {
    check<ValueError>(decay >= 0 && decay < 1, "ExponentialMovingAverage: decay {} is outside [0, 1)", decay);
    const NoGrad guard;
    for (const Tensor& parameter : parameters_) {
        check<DTypeError>(parameter.dtype() == f32 || parameter.dtype() == f64,
                          "ExponentialMovingAverage: parameters are f32 or f64, not {}",
                          name(parameter.dtype()));
        check<ValueError>(parameter.is_contiguous(),
                          "ExponentialMovingAverage: a parameter of shape {} is not dense",
                          parameter.shape());
        averages_.push_back(parameter.detach().clone());
    }
}

void ExponentialMovingAverage::check_not_swapped(const char* what) const {
    check<ValueError>(!swapped_, "ExponentialMovingAverage: {} while the means are swapped in; swap() first",
                      what);
}

void ExponentialMovingAverage::update() {
    check_not_swapped("update");
    const NoGrad guard;
    std::vector<UpdateSlice> slices;
    for (std::size_t i = 0; i < parameters_.size(); ++i) {
        follow(averages_[i], parameters_[i]);
        TensorImpl& average = averages_[i].impl();
        UpdateSlice slice;
        slice.parameter = average.data;
        slice.gradient = parameters_[i].impl().data;
        slice.numel = average.numel;
        slice.dtype = average.dtype;
        average.storage->bump();
        slices.push_back(slice);
        // A call for each run of parameters on one device.
        const bool last = i + 1 == parameters_.size();
        if (last || parameters_[i + 1].device() != parameters_[i].device()) {
            backend(parameters_[i].device()).run(call::Update{functor::AverageStep{.decay = decay_}, slices});
            slices.clear();
        }
    }
}

void ExponentialMovingAverage::swap() {
    const NoGrad guard;
    for (std::size_t i = 0; i < parameters_.size(); ++i) {
        follow(averages_[i], parameters_[i]);
        const Tensor parameter = parameters_[i].detach(), before = parameter.clone();
        parameter.copy_(averages_[i]);
        averages_[i].copy_(before);
    }
    swapped_ = !swapped_;
}

NamedTensors ExponentialMovingAverage::state() const {
    check_not_swapped("state");
    NamedTensors result;
    for (std::size_t i = 0; i < averages_.size(); ++i) result.emplace_back(std::to_string(i), averages_[i]);
    return result;
}

void ExponentialMovingAverage::load_state(const NamedTensors& state) {
    check_not_swapped("load_state");
    const NoGrad guard;
    detail::StateReader reader("ExponentialMovingAverage", state);
    std::vector<Tensor> averages;
    for (std::size_t i = 0; i < parameters_.size(); ++i)
        averages.push_back(reader.take(std::to_string(i), parameters_[i].shape(), parameters_[i].dtype())
                               .detach()
                               .to(parameters_[i].device())
                               .clone());
    reader.finish();
    averages_ = std::move(averages);
}

}  // namespace adjoint::optim
