// The sums of an epoch.
#include <adjoint/train/totals.h>

#include <cmath>
#include <vector>

#include <adjoint/autograd/ops/arithmetic.h>
#include <adjoint/autograd/ops/reduce.h>
#include <adjoint/autograd/record/grad_mode.h>
#include <adjoint/core/base/format.h>
#include <adjoint/core/contract/backend.h>
#include <adjoint/core/tensor/creation.h>
#include <adjoint/core/tensor/loops.h>

namespace adjoint::train {

namespace {

// A sum that is none yet begins.
void lie_on(Tensor& sum, Device device, DType type) {
    if (!sum.defined())
        sum = zeros({}, {.dtype = type, .device = device});
    else if (sum.device() != device)
        sum = sum.to(device);
}

}  // namespace

void Totals::clear() {
    const NoGrad guard;
    samples_ = 0;
    if (loss_.defined()) loss_.zero_();
    if (right_.defined()) right_.zero_();
}

void Totals::add(const Tensor& loss, const Tensor& output, const Tensor& target) {
    const NoGrad guard;
    // Sums of f16 would end at 65504.
    const Tensor mean = size_of(loss.dtype()) < size_of(f32) ? loss.detach().to(f32) : loss.detach();
    lie_on(loss_, mean.device(), f64);
    // One column is a score, not classes: its largest would always be number 0.
    if (is_floating(target.dtype()) || output.dim() != 2 || output.shape()[1] == 1 || target.dim() != 1 ||
        target.shape()[0] != output.shape()[0]) {
        const Tensor sum = mean * static_cast<double>(target.shape()[0]);
        backend(loss_.device()).run(call::Zip{functor::Add{}, make_loop<3>({&loss_, &loss_, &sum}, f64)});
        return;
    }
    check<DeviceError>(output.device() == mean.device() && target.device() == mean.device(),
                       "fit: the loss is on {}, outputs on {}, targets on {}", mean.device(), output.device(),
                       target.device());
    lie_on(right_, mean.device(), DType::i64);
    const DType type = output.dtype() == f64 ? f64 : f32;
    const Tensor logits = output.detach().to(type).contiguous(), classes = target.to(i64).contiguous();
    backend(loss_.device())
        .run(call::Tally{.loss = operand(loss_).as<double>(),
                         .right = operand(right_).as<std::int64_t>(),
                         .mean = operand(mean),
                         .logits = logits.impl().data,
                         .targets = operand(classes).as<const std::int64_t>(),
                         .rows = {.rows = logits.shape()[0], .columns = logits.shape()[1], .dtype = type}});
}

Score Totals::score() const {
    const double n = static_cast<double>(samples_);
    return {.loss = loss_.defined() ? loss_.item() / n : NAN,
            .accuracy = right_.defined() ? right_.item() / n : NAN};
}

Totals Totals::summed(const distributed::Group& group) const {
    const auto number = [](const Tensor& sum) { return sum.defined() ? sum.item() : 0.0; };
    const Tensor sums = tensor<double>(
        {static_cast<double>(samples_), number(loss_), number(right_), right_.defined() ? 1.0 : 0.0}, {4},
        Device::cpu());
    group.all_reduce(sums);
    const std::vector<double> all = sums.to_vector<double>();
    Totals result;
    result.samples_ = static_cast<std::int64_t>(all[0]);
    if (result.samples_ > 0) result.loss_ = full({}, all[1], f64, Device::cpu());
    if (all[3] > 0) result.right_ = Tensor(static_cast<std::int64_t>(all[2]));
    return result;
}

void Totals::gather(const distributed::Group& group) {
    const Totals all = summed(group);
    if (group.rank() == 0)
        *this = all;
    else
        clear();
}

data::NamedTensors Totals::state() const {
    data::NamedTensors state{{"samples", Tensor(samples_)}};
    if (samples_ == 0) return state;
    if (loss_.defined()) state.emplace_back("loss", loss_);
    if (right_.defined()) state.emplace_back("right", right_);
    return state;
}

void Totals::load_state(const data::NamedTensors& state) {
    Totals loaded;
    for (const auto& [name, tensor] : state) {
        check<ValueError>(tensor.defined() && tensor.numel() == 1, "checkpoint: {} is not one number", name);
        if (name == "samples")
            loaded.samples_ = tensor.item<std::int64_t>();
        else if (name == "loss")
            loaded.loss_ = tensor.detach().to(f64).clone();
        else if (name == "right")
            loaded.right_ = tensor.detach().clone();
        else
            fail<ValueError>("checkpoint: {} does not belong to the sums of an epoch", name);
    }
    check<ValueError>(loaded.samples_ >= 0 && (loaded.samples_ > 0) == loaded.loss_.defined(),
                      "checkpoint: the sums of an epoch do not fit together");
    *this = loaded;
}

}  // namespace adjoint::train
