// The loop. Losses and counts are summed where the data lives; they are read at the end of an epoch,
// and for a progress line.
#include <adjoint/train/fit.h>

#include <chrono>
#include <cmath>
#include <map>
#include <new>
#include <string>
#include <utility>

#include <adjoint/autograd/record/grad_mode.h>
#include <adjoint/core/base/format.h>
#include <adjoint/core/contract/precision.h>
#include <adjoint/train/checkpoint.h>
#include <adjoint/train/mode.h>
#include <adjoint/train/step.h>
#include <adjoint/train/watch/progress.h>

namespace adjoint::train {
namespace {

void check_options(const data::Samples& samples, const FitOptions& options) {
    check<ValueError>(options.epochs >= 0, "fit: {} epochs", options.epochs);
    check<ValueError>(options.validation_split >= 0 && options.validation_split < 1,
                      "fit: validation_split {} is outside [0, 1)", options.validation_split);
    check<ValueError>(options.validation_split == 0 || !options.validation,
                      "fit: both a validation set and a validation_split are given");
    if (const data::Dataset* const set = samples.dataset())
        check<ShapeError>(set->inputs.defined() && set->targets.defined(),
                          "fit: the data set has no inputs or no targets");
    check<ValueError>(!samples.is_stream() || options.validation_split == 0,
                      "fit: a validation_split of a stream, whose last samples nobody knows; give a "
                      "validation set");
}

Checkpoint copy_of(Checkpoint checkpoint) {
    const NoGrad guard;
    const auto copy = [](data::NamedTensors& tensors) {
        for (auto& [name, tensor] : tensors) tensor = tensor.detach().clone();
    };
    copy(checkpoint.model);
    copy(checkpoint.optimizer);
    copy(checkpoint.epoch);
    copy(checkpoint.run);
    for (data::NamedTensors& state : checkpoint.callbacks) copy(state);
    return checkpoint;
}

}  // namespace

/// One call of fit.
class Loop {
  public:
    Loop(Run& run, std::vector<Callback> callbacks, const FitOptions& options,
         std::map<std::string, std::string> settings)
        : run_(run),
          callbacks_(std::move(callbacks)),
          settings_(std::move(settings)),
          step_(run.trainee, run.optimizer, run.totals_,
                {.capture = options.capture, .batch_size = options.batch_size, .verbose = options.verbose}) {
        for (const Callback& callback : options.callbacks)
            keeps_batches_ = keeps_batches_ || callback.on_batch;
        for (const Callback& callback : callbacks_) {
            watches_batches_ = watches_batches_ || callback.on_batch;
            check<ValueError>(!callback.state == !callback.load_state,
                              "fit: a callback has only one of state and load_state");
        }
    }

    void go() {
        notify(&Callback::on_begin);
        while (!run_.stopping() && run_.loader.state().epoch < static_cast<std::uint64_t>(run_.epochs))
            train_epoch();
        run_.history.end = run_.reason_;
        notify(&Callback::on_end);
    }

    /// Takes the state of another run over, or nothing on an error.
    void resume(const Checkpoint& from) {
        check_settings(from.settings);
        const Checkpoint before = copy_of(checkpoint());
        try {
            restore(from);
        } catch (...) {
            restore(before);
            throw;
        }
        const data::LoaderState at = run_.loader.state();
        run_.resumed = true;
        run_.epoch = static_cast<int>(at.epoch) + (at.next_batch > 0 ? 1 : 0);
        run_.batch = at.next_batch;
    }

  private:
    using Event = std::function<void(Run&)> Callback::*;

    void notify(Event event) {
        for (const Callback& callback : callbacks_)
            if (callback.*event) (callback.*event)(run_);
        if (run_.wanted_.empty()) return;
        for (const std::string& path : std::exchange(run_.wanted_, {})) save_checkpoint(path, checkpoint());
    }

    /// The run as it stands, sharing memory with it.
    Checkpoint checkpoint() const {
        Checkpoint now{.model = run_.trainee.module.state(),
                       .optimizer = run_.optimizer.state(),
                       .epoch = run_.totals_.state(),
                       .run = {{"step", Tensor(run_.step)}},
                       .generator = generator_state(),
                       .loader = run_.loader.state(),
                       .history = run_.history,
                       .settings = settings_};
        for (const Callback& callback : callbacks_)
            if (callback.state) now.callbacks.push_back(callback.state());
        return now;
    }

    void restore(const Checkpoint& from) {
        std::vector<const Callback*> with_state;
        for (const Callback& callback : callbacks_)
            if (callback.state) with_state.push_back(&callback);
        check<ValueError>(from.callbacks.size() == with_state.size(),
                          "fit: the checkpoint has states for {} callbacks, here are {} that need one",
                          from.callbacks.size(), with_state.size());
        run_.trainee.module.load(from.model);
        run_.optimizer.load_state(from.optimizer);
        for (std::size_t i = 0; i < with_state.size(); ++i) with_state[i]->load_state(from.callbacks[i]);
        run_.totals_.load_state(from.epoch);
        load_run(from.run);
        run_.loader.set_state(from.loader);
        set_generator_state(from.generator);
        run_.history = from.history;
        run_.history.end.clear();
    }

    void load_run(const data::NamedTensors& state) {
        check<ValueError>(state.size() == 1 && state[0].first == "step" && state[0].second.numel() == 1,
                          "fit: the checkpoint does not say how many steps the run has made");
        run_.step = state[0].second.item<std::int64_t>();
    }

    void check_settings(const std::map<std::string, std::string>& saved) const {
        const auto value_of = [](const std::map<std::string, std::string>& settings,
                                 const std::string& name) -> std::string {
            const auto found = settings.find(name);
            return found == settings.end() ? "unknown" : found->second;
        };
        for (const auto* settings : {&settings_, &saved})
            for (const auto& [name, value] : *settings)
                check<ValueError>(value_of(saved, name) == value_of(settings_, name),
                                  "fit: the checkpoint is of a run with {} {}, this one has {}", name,
                                  value_of(saved, name), value_of(settings_, name));
    }

    void train_epoch() {
        const auto start = std::chrono::steady_clock::now();
        const TrainingMode mode(run_.trainee.module);
        const data::LoaderState at = run_.loader.state();
        run_.epoch = static_cast<int>(at.epoch) + 1;
        run_.batch = at.next_batch;
        if (run_.batch == 0) run_.totals_.clear();
        step_.look_again();
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
        Step::Result result = step_.run(batch);
        ++run_.batch;
        ++run_.step;
        if (!watches_batches_) return;
        // The next replay writes where these lie, and a callback may keep them.
        if (keeps_batches_ && step_.replays()) {
            result.loss = result.loss.clone();
            for (Tensor& output : result.outputs) output = output.clone();
        }
        run_.loss = std::move(result.loss);
        run_.outputs = std::move(result.outputs);
        run_.targets = batch.targets();
        run_.output = run_.outputs[0];
        run_.target = run_.targets[0];
        notify(&Callback::on_batch);
        run_.loss = run_.output = run_.target = {};
        run_.outputs = run_.targets = {};
        if (keeps_batches_) step_.look_again();
    }

    Run& run_;
    const std::vector<Callback> callbacks_;
    const std::map<std::string, std::string> settings_;
    Step step_;
    bool watches_batches_ = false, keeps_batches_ = false;  // any callback; one that is not fit's own
};

History fit(const Trainee& trainee, optim::Optimizer& optimizer, const data::Samples& samples,
            const FitOptions& options) try {
    check_options(samples, options);
    const std::int64_t n = samples.is_stream() ? 0 : samples.size();
    const auto held =
        static_cast<std::int64_t>(std::floor(static_cast<double>(n) * options.validation_split));
    std::optional<data::Samples> validation = options.validation;
    if (held > 0) validation = samples.part(n - held, held);

    std::vector<Callback> callbacks{stop_on_nan()};
    callbacks.insert(callbacks.end(), options.callbacks.begin(), options.callbacks.end());
    if (options.verbose) callbacks.push_back(progress());

    data::Loader loader(held > 0 ? samples.part(0, n - held) : samples, {.batch_size = options.batch_size,
                                                                         .seed = options.seed,
                                                                         .sampler = options.sampler,
                                                                         .transform = options.transform,
                                                                         .workers = options.workers,
                                                                         .device = options.device});
    History history;
    Run run(trainee, optimizer, loader, history);
    run.validation = validation ? &*validation : nullptr;
    run.epochs = options.epochs;
    std::map<std::string, std::string> settings{
        {"batch_size", std::to_string(options.batch_size)},
        {"matmul_precision", name(matmul_precision())},
        {"samples", samples.is_stream() ? "a stream" : std::to_string(n - held)},
        {"seed", std::to_string(options.seed)}};
    if (options.sampler.order) settings["samples drawn"] = std::to_string(loader.sample_count());
    Loop loop(run, std::move(callbacks), options, std::move(settings));
    if (!options.resume.empty()) named("fit", [&] { loop.resume(load_checkpoint(options.resume)); });
    loop.go();
    return history;
} catch (const std::bad_alloc&) {
    throw_no_memory("fit");
}

}  // namespace adjoint::train
