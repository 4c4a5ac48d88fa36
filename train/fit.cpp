// The loop. Losses and counts are summed where the data lives and read a few times a second at most.
#include <adjoint/train/fit.h>

#include <chrono>
#include <cmath>
#include <limits>

#include <adjoint/autograd/arithmetic.h>
#include <adjoint/autograd/grad_mode.h>
#include <adjoint/autograd/reduce.h>
#include <adjoint/core/creation.h>
#include <adjoint/core/format.h>
#include <adjoint/train/progress.h>

namespace adjoint::train {
namespace {

// Running sums over the batches of an epoch.
class Totals {
  public:
    void add(const Tensor& loss, const Tensor& output, const Tensor& target) {
        const NoGrad guard;
        const std::int64_t n = target.shape()[0];
        samples_ += n;
        const Tensor weighted = loss.detach() * static_cast<double>(n);
        loss_ = loss_.defined() ? loss_ + weighted : weighted;
        if (is_floating(target.dtype()) || output.dim() != 2 || target.dim() != 1) return;
        const Tensor right = sum(eq(argmax(output.detach(), 1), target));
        right_ = right_.defined() ? right_ + right : right;
    }
    Score score() const {
        const double n = static_cast<double>(samples_);
        return {.loss = loss_.defined() ? loss_.item() / n : NAN,
                .accuracy = right_.defined() ? right_.item() / n : NAN};
    }

  private:
    Tensor loss_, right_;
    std::int64_t samples_ = 0;
};

// Puts a module into a mode and back.
class Mode {
  public:
    Mode(const nn::Module& module, bool training) : module_(module), before_(module.is_training()) {
        module_.train(training);
    }
    ~Mode() { module_.train(before_); }
    Mode(const Mode&) = delete;
    Mode& operator=(const Mode&) = delete;

  private:
    const nn::Module& module_;
    bool before_;
};

// Watches one loss and keeps the weights of its best epoch.
class Watch {
  public:
    Watch(const std::optional<EarlyStopping>& options, const nn::Module& module)
        : options_(options), module_(module) {}

    /// Why the training should end now, "" if it should not.
    std::string look(const EpochRecord& record) {
        const double loss = std::isnan(record.validation.loss) ? record.train.loss : record.validation.loss;
        if (!std::isfinite(record.train.loss))
            return fmt::format("the loss of epoch {} is not finite: the learning rate may be too high",
                               record.epoch);
        if (!options_) return "";
        if (loss < best_loss_ - options_->min_delta) {
            best_loss_ = loss;
            best_epoch_ = record.epoch;
            if (options_->restore_best) keep();
        }
        if (record.epoch - best_epoch_ < options_->patience) return "";
        return fmt::format("no better loss for {} epochs; the best was epoch {}", options_->patience,
                           best_epoch_);
    }
    void restore() const {
        if (!best_.empty()) module_.load(best_);
    }

  private:
    void keep() {
        const NoGrad guard;
        best_ = module_.state();
        for (auto& [name, tensor] : best_) tensor = tensor.detach().clone();
    }

    const std::optional<EarlyStopping>& options_;
    const nn::Module& module_;
    nn::NamedTensors best_;
    double best_loss_ = std::numeric_limits<double>::infinity();
    int best_epoch_ = 0;
};

void check_options(const data::Dataset& set, const FitOptions& options) {
    check<ValueError>(options.epochs >= 0, "fit: {} epochs", options.epochs);
    check<ValueError>(options.validation_split >= 0 && options.validation_split < 1,
                      "fit: validation_split {} is outside [0, 1)", options.validation_split);
    check<ValueError>(options.validation_split == 0 || !options.validation,
                      "fit: both a validation set and a validation_split are given");
    check<ValueError>(!options.early_stopping || options.early_stopping->patience > 0,
                      "fit: early stopping needs a patience of at least 1 epoch");
    check<ShapeError>(set.inputs.defined() && set.targets.defined(),
                      "fit: the data set has no inputs or no targets");
}

}  // namespace

Score evaluate(const Trainee& trainee, const data::Dataset& set, std::int64_t batch_size) {
    const NoGrad guard;
    const Mode mode(trainee.module, false);
    data::Loader loader(set, {.batch_size = batch_size, .shuffle = false});
    Totals totals;
    for (const data::Batch& batch : loader) {
        const Tensor output = trainee.forward(batch.x);
        totals.add(trainee.loss(output, batch.y), output, batch.y);
    }
    return totals.score();
}

History fit(const Trainee& trainee, optim::Optimizer& optimizer, const data::Dataset& set,
            const FitOptions& options) {
    check_options(set, options);
    const auto held =
        static_cast<std::int64_t>(std::floor(static_cast<double>(set.size()) * options.validation_split));
    const data::Dataset training = held > 0 ? set.part(0, set.size() - held) : set;
    std::optional<data::Dataset> validation = options.validation;
    if (held > 0) validation = set.part(set.size() - held, held);

    data::Loader loader(training, {.batch_size = options.batch_size, .seed = options.seed});
    Progress progress(options.verbose);
    History history;
    Watch watch(options.early_stopping, trainee.module);
    for (int epoch = 1; epoch <= options.epochs; ++epoch) {
        const auto start = std::chrono::steady_clock::now();
        const Mode mode(trainee.module, true);
        Totals totals;
        std::int64_t done = 0;
        progress.start_epoch(epoch, options.epochs, loader.size());
        for (const data::Batch& batch : loader) {
            optimizer.zero_grad();
            const Tensor output = trainee.forward(batch.x);
            const Tensor loss = trainee.loss(output, batch.y);
            loss.backward();
            optimizer.step();
            totals.add(loss, output, batch.y);
            progress.advance(++done, [&] { return totals.score(); });
        }
        EpochRecord record{.epoch = epoch, .train = totals.score(), .validation = {}};
        record.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
        if (validation) record.validation = evaluate(trainee, *validation);
        history.epochs.push_back(record);
        progress.finish_epoch(record);
        history.end = watch.look(record);
        if (options.on_epoch && !options.on_epoch(record) && history.end.empty())
            history.end = fmt::format("ended by on_epoch after epoch {}", epoch);
        if (!history.end.empty()) break;
    }
    watch.restore();
    return history;
}

}  // namespace adjoint::train
