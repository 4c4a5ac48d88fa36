// The sums of an epoch.
#include <adjoint/train/totals.h>

#include <cmath>

#include <adjoint/autograd/arithmetic.h>
#include <adjoint/autograd/grad_mode.h>
#include <adjoint/autograd/reduce.h>
#include <adjoint/core/creation.h>
#include <adjoint/core/format.h>

namespace adjoint::train {

void Totals::add(const Tensor& loss, const Tensor& output, const Tensor& target) {
    const NoGrad guard;
    const std::int64_t n = target.shape()[0];
    samples_ += n;
    const Tensor weighted = loss.detach() * static_cast<double>(n);
    loss_ = loss_.defined() ? loss_.to(weighted.device()) + weighted : weighted;
    if (is_floating(target.dtype()) || output.dim() != 2 || target.dim() != 1) return;
    const Tensor right = sum(eq(argmax(output.detach(), 1), target));
    right_ = right_.defined() ? right_.to(right.device()) + right : right;
}

Score Totals::score() const {
    const double n = static_cast<double>(samples_);
    return {.loss = loss_.defined() ? loss_.item() / n : NAN,
            .accuracy = right_.defined() ? right_.item() / n : NAN};
}

data::NamedTensors Totals::state() const {
    data::NamedTensors state{{"samples", Tensor(samples_)}};
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
            loaded.loss_ = tensor;
        else if (name == "right")
            loaded.right_ = tensor;
        else
            fail<ValueError>("checkpoint: {} does not belong to the sums of an epoch", name);
    }
    check<ValueError>(loaded.samples_ >= 0 && (loaded.samples_ > 0) == loaded.loss_.defined(),
                      "checkpoint: the sums of an epoch do not fit together");
    *this = loaded;
}

}  // namespace adjoint::train
