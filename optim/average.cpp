// Means of weights: one call of the backend for all parameters of a device.
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

WeightAverage::WeightAverage(const char* name, const std::vector<Tensor>& parameters)
    : name_(name), parameters_(parameters) {
    const NoGrad guard;
    for (const Tensor& parameter : parameters_) {
        check<DTypeError>(parameter.dtype() == f32 || parameter.dtype() == f64,
                          "{}: parameters are f32 or f64, not {}", name_, adjoint::name(parameter.dtype()));
        check<ValueError>(parameter.is_contiguous(), "{}: a parameter of shape {} is not dense", name_,
                          parameter.shape());
        averages_.push_back(parameter.detach().clone());
    }
}

void WeightAverage::move(double decay) {
    check<ValueError>(!swapped_, "{}: update while the means are swapped in; swap() first", name_);
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
            backend(parameters_[i].device()).run(call::Update{functor::AverageStep{.decay = decay}, slices});
            slices.clear();
        }
    }
}

void WeightAverage::swap() {
    const NoGrad guard;
    for (std::size_t i = 0; i < parameters_.size(); ++i) {
        follow(averages_[i], parameters_[i]);
        const Tensor parameter = parameters_[i].detach(), before = parameter.clone();
        parameter.copy_(averages_[i]);
        averages_[i].copy_(before);
    }
    swapped_ = !swapped_;
}

NamedTensors WeightAverage::state() const {
    NamedTensors result;
    for (std::size_t i = 0; i < averages_.size(); ++i) result.emplace_back(std::to_string(i), averages_[i]);
    if (swapped_) result.emplace_back("swapped", Tensor(std::int64_t{1}));
    return result;
}

void WeightAverage::load_state(const NamedTensors& state) {
    detail::StateReader reader(name_, state);
    take(reader);
}

void WeightAverage::take(detail::StateReader& reader) {
    const NoGrad guard;
    std::vector<Tensor> averages;
    for (std::size_t i = 0; i < parameters_.size(); ++i)
        averages.push_back(reader.take(std::to_string(i), parameters_[i].shape(), parameters_[i].dtype())
                               .detach()
                               .to(parameters_[i].device())
                               .clone());
    const bool swapped = reader.has("swapped") && reader.count("swapped") != 0;
    reader.finish();
    averages_ = std::move(averages);
    swapped_ = swapped;
}

ExponentialMovingAverage::ExponentialMovingAverage(const std::vector<Tensor>& parameters, double decay)
    : WeightAverage("ExponentialMovingAverage", parameters), decay_(decay) {
    check<ValueError>(decay >= 0 && decay < 1, "ExponentialMovingAverage: decay {} is outside [0, 1)", decay);
}

void ExponentialMovingAverage::update() { move(decay_); }

StochasticWeightAverage::StochasticWeightAverage(const std::vector<Tensor>& parameters)
    : WeightAverage("StochasticWeightAverage", parameters) {}

void StochasticWeightAverage::update() {
    const auto before = static_cast<double>(count_);
    move(before / (before + 1));
    ++count_;
}

NamedTensors StochasticWeightAverage::state() const {
    NamedTensors result = WeightAverage::state();
    result.emplace_back("count", Tensor(count_));
    return result;
}

void StochasticWeightAverage::load_state(const NamedTensors& state) {
    detail::StateReader reader(name(), state);
    const std::int64_t count = reader.count("count");
    take(reader);
    count_ = count;
}

}  // namespace adjoint::optim
