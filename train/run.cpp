// What callbacks can do to a run.
#include <adjoint/train/run.h>

#include <adjoint/core/base/format.h>

namespace adjoint::train {

Score Run::score() const { return totals_.score(); }

std::optional<double> Run::monitored_loss() const {
    if (validation && !validated) return std::nullopt;
    return validation ? history.last().validation.loss : history.last().train.loss;
}

void Run::record(const std::string& name, double value) {
    check<ValueError>(!history.epochs.empty(), "run: record {} before the first epoch has ended", name);
    history.epochs.back().metrics[name] = value;
}

void Run::stop(const std::string& reason) {
    check<ValueError>(!reason.empty(), "run: stop needs a reason");
    if (reason_.empty()) reason_ = reason;
}

void Run::save(const std::string& path) { wanted_.push_back(path); }

}  // namespace adjoint::train
