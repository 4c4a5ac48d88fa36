// The loop. Losses and counts are summed where the data lives and read at the end of an epoch.
#include <adjoint/train/fit.h>

#include <chrono>
#include <cmath>

#include <adjoint/core/format.h>
#include <adjoint/train/mode.h>
#include <adjoint/train/progress.h>

namespace adjoint::train {
namespace {

void check_options(const data::Dataset& set, const FitOptions& options) {
    check<ValueError>(options.epochs >= 0, "fit: {} epochs", options.epochs);
    check<ValueError>(options.validation_split >= 0 && options.validation_split < 1,
                      "fit: validation_split {} is outside [0, 1)", options.validation_split);
    check<ValueError>(options.validation_split == 0 || !options.validation,
                      "fit: both a validation set and a validation_split are given");
    check<ShapeError>(set.inputs.defined() && set.targets.defined(),
                      "fit: the data set has no inputs or no targets");
}

}  // namespace

/// One call of fit.
class Loop {
  public:
    Loop(Run& run, std::vector<Callback> callbacks) : run_(run), callbacks_(std::move(callbacks)) {
        for (const Callback& callback : callbacks_) watches_batches_ = watches_batches_ || callback.on_batch;
    }

    void go() {
        notify(&Callback::on_begin);
        while (!run_.stopping() && run_.epoch < run_.epochs) train_epoch();
        run_.history.end = run_.reason_;
        notify(&Callback::on_end);
    }

  private:
    using Event = std::function<void(Run&)> Callback::*;

    void notify(Event event) {
        for (const Callback& callback : callbacks_)
            if (callback.*event) (callback.*event)(run_);
    }

    void train_epoch() {
        const auto start = std::chrono::steady_clock::now();
        const Mode mode(run_.trainee.module, true);
        run_.totals_ = {};
        run_.batch = 0;
        ++run_.epoch;
        for (const data::Batch& batch : run_.loader) {
            train_batch(batch);
            if (run_.stopping()) return;
        }
        const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - start;
        EpochRecord record{.epoch = run_.epoch, .train = run_.score(), .seconds = spent.count()};
        if (run_.validation) record.validation = evaluate(run_.trainee, *run_.validation);
        run_.history.epochs.push_back(std::move(record));
        notify(&Callback::on_epoch);
    }

    void train_batch(const data::Batch& batch) {
        run_.optimizer.zero_grad();
        const Tensor output = run_.trainee.forward(batch.x);
        const Tensor loss = run_.trainee.loss(output, batch.y);
        loss.backward();
        run_.optimizer.step();
        run_.totals_.add(loss, output, batch.y);
        ++run_.batch;
        ++run_.step;
        if (!watches_batches_) return;
        run_.loss = loss.detach();
        run_.output = output.detach();
        run_.target = batch.y;
        notify(&Callback::on_batch);
        run_.loss = run_.output = run_.target = {};
    }

    Run& run_;
    const std::vector<Callback> callbacks_;
    bool watches_batches_ = false;
};

History fit(const Trainee& trainee, optim::Optimizer& optimizer, const data::Dataset& set,
            const FitOptions& options) {
    check_options(set, options);
    const auto held =
        static_cast<std::int64_t>(std::floor(static_cast<double>(set.size()) * options.validation_split));
    const data::Dataset training = held > 0 ? set.part(0, set.size() - held) : set;
    std::optional<data::Dataset> validation = options.validation;
    if (held > 0) validation = set.part(set.size() - held, held);

    std::vector<Callback> callbacks{stop_on_nan()};
    callbacks.insert(callbacks.end(), options.callbacks.begin(), options.callbacks.end());
    if (options.verbose) callbacks.push_back(progress());

    data::Loader loader(training, {.batch_size = options.batch_size, .seed = options.seed});
    History history;
    Run run(trainee, optimizer, loader, history);
    run.validation = validation ? &*validation : nullptr;
    run.epochs = options.epochs;
    Loop(run, std::move(callbacks)).go();
    return history;
}

}  // namespace adjoint::train
