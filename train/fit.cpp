// The loop. Losses and counts are summed where the data lives; they are read at the end of an epoch,
// and for a progress line.
#include <adjoint/train/fit.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <functional>
#include <map>
#include <new>
#include <string>
#include <string_view>
#include <utility>

#include <adjoint/core/base/concern.h>
#include <adjoint/core/base/counted.h>
#include <adjoint/core/base/format.h>
#include <adjoint/core/base/warning.h>
#include <adjoint/core/contract/generator.h>
#include <adjoint/core/contract/precision.h>
#include <adjoint/core/contract/random.h>
#include <adjoint/core/tensor/creation.h>
#include <adjoint/distributed/group/purpose.h>
#include <adjoint/train/averaging.h>
#include <adjoint/train/check_options.h>
#include <adjoint/train/checkpoint.h>
#include <adjoint/train/copies.h>
#include <adjoint/train/mode.h>
#include <adjoint/train/same_options.h>
#include <adjoint/train/step.h>
#include <adjoint/train/watch/progress.h>

namespace adjoint::train {
namespace {

std::string name_of(const Average& average) {
    if (const EMA* const ema = std::get_if<EMA>(&average)) return fmt::format("EMA {}", ema->decay);
    return fmt::format("SWA from epoch {}", std::get<SWA>(average).from_epoch);
}

bool any_wants(const std::vector<Callback>& callbacks, std::function<void(Run&)> Callback::*event) {
    return std::any_of(callbacks.begin(), callbacks.end(),
                       [&](const Callback& callback) { return static_cast<bool>(callback.*event); });
}

constexpr const char* parts_setting = "parts of a step";
std::int64_t parts_of(const FitOptions& options) {
    return std::int64_t{options.accumulate} * (options.group ? options.group->size() : 1);
}

// What is drawn in part `part` of a step; with a group a function of these numbers alone.
GeneratorState draws_of(std::uint64_t seed, std::int64_t step, std::int64_t part) {
    const Philox4 words = philox(seed, ~static_cast<std::uint64_t>(step), static_cast<std::uint64_t>(part));
    return {std::uint64_t{words.v[0]} << 32 | words.v[1], 0};
}

// The entries whose names start with `prefix`, without it.
data::NamedTensors part_of(const data::NamedTensors& state, std::string_view prefix) {
    data::NamedTensors part;
    for (const auto& [name, tensor] : state)
        if (name.starts_with(prefix)) part.emplace_back(name.substr(prefix.size()), tensor);
    return part;
}
void append(data::NamedTensors& to, std::string_view prefix, const data::NamedTensors& state) {
    for (const auto& [name, tensor] : state) to.emplace_back(std::string(prefix) + name, tensor);
}
constexpr std::string_view of_average = "average.", of_scale = "loss_scale.", of_compression = "left_over.";

Checkpoint copy_of(Checkpoint checkpoint) {
    for (data::NamedTensors* state :
         {&checkpoint.model, &checkpoint.optimizer, &checkpoint.epoch, &checkpoint.run})
        *state = copied(std::move(*state));
    for (data::NamedTensors& state : checkpoint.callbacks) state = copied(std::move(state));
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
          validate_every_(options.validate_every),
          parts_(parts_of(options)),
          watches_gradients_(any_wants(callbacks_, &Callback::on_gradients)),
          watches_batches_(any_wants(callbacks_, &Callback::on_batch) || watches_gradients_),
          keeps_batches_(any_wants(options.callbacks, &Callback::on_batch)),
          may_end_batches_(keeps_batches_ || any_wants(options.callbacks, &Callback::on_gradients)),
          averaging_(options.average, run.optimizer, options.epochs),
          parallel_(parallel_of(run, options)),
          step_(run.trainee, run.optimizer, run.totals_, averaging_,
                {.capture = options.capture,
                 .batch_size = options.batch_size,
                 .parts = options.accumulate,
                 .verbose = options.verbose && run.group.rank() == 0,
                 .joins_outputs = keeps_batches_,
                 .scales_loss = options.autocast == DType::f16,
                 .clip_norm = options.clip_norm,
                 .on_gradients =
                     watches_gradients_ ? [this] { show(&Callback::on_gradients); } : std::function<void()>(),
                 .parallel = parallel_,
                 .draws_of_part = draws_by_part(run, options)}) {
        for (const Callback& callback : callbacks_) {
            check<ValueError>(!callback.state == !callback.load_state,
                              "fit: a callback has only one of state and load_state");
        }
    }

    void go() {
        notify(&Callback::on_begin);
        agree_on_the_end();
        while (!run_.stopping() && run_.loader.state().epoch < static_cast<std::uint64_t>(run_.epochs))
            train_epoch();
        if (parallel_) {
            parallel_->gather_parameters();  // the model is the caller's again
            parallel_->synchronize_buffers();
        }
        averaging_.take();
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
        if (static_cast<int>(at.epoch) >= run_.epochs)
            warn_once(
                "nothing left of a resumed run",
                fmt::format("fit: the checkpoint has {} behind it, and .epochs, which counts these too, is "
                            "{}: nothing is trained",
                            counted(static_cast<std::int64_t>(at.epoch), "epoch"), run_.epochs));
    }

  private:
    using Event = std::function<void(Run&)> Callback::*;

    // While it lives, every rank has all parameters.
    struct Whole {
        const std::optional<distributed::DataParallel>& parallel;
        explicit Whole(const std::optional<distributed::DataParallel>& p) : parallel(p) {
            if (parallel) parallel->gather_parameters();
        }
        ~Whole() {
            if (parallel) parallel->release_parameters();
        }
        Whole(const Whole&) = delete;
        Whole& operator=(const Whole&) = delete;
    };

    static std::optional<distributed::DataParallel> parallel_of(const Run& run, const FitOptions& options) {
        if (run.group.size() == 1) return {};
        return named("fit", [&] {
            const distributed::DataParallel parallel(run.trainee.module, run.group, options.parallel);
            check_same_states(parallel, run.optimizer);
            return parallel;
        });
    }
    static std::function<GeneratorState(std::size_t)> draws_by_part(const Run& run,
                                                                    const FitOptions& options) {
        if (!options.group) return {};
        const std::int64_t first = std::int64_t{options.accumulate} * run.group.rank();
        return [&run, seed = options.seed, first](std::size_t i) {
            return draws_of(seed, run.step, first + static_cast<std::int64_t>(i));
        };
    }

    void show(Event event) {
        for (const Callback& callback : callbacks_)
            if (callback.*event) (callback.*event)(run_);
    }
    void notify(Event event) {
        show(event);
        if (run_.wanted_.empty()) {
            if (event == &Callback::on_epoch) agree_on_weights();
            return;
        }
        const distributed::Purpose purpose("a checkpoint: Run::save, which every rank calls");
        const Whole whole(parallel_);
        if (parallel_) {
            parallel_->synchronize_buffers();
            agree_on_weights();
            run_.totals_.gather(run_.group);
        }
        Checkpoint now = checkpoint();
        if (parallel_) {
            now.optimizer = parallel_->state_of(run_.optimizer);
            append(now.run, of_compression, parallel_->left_over());
        }
        for (const std::string& path : std::exchange(run_.wanted_, {}))
            if (run_.group.rank() == 0) save_checkpoint(path, now);
    }

    // What one rank has done to its weights alone, the others would not hear of.
    void agree_on_weights() const {
        if (parallel_)
            check_same_weights(run_.group, run_.trainee.module, run_.step,
                               "what changes weights, gradients or rates does so on every rank");
    }

    // When one rank ends the training, all do.
    void agree_on_the_end() {
        if (!parallel_) return;
        const distributed::Purpose purpose("the end: Run::stop");
        const Tensor ends = tensor<std::int64_t>({run_.stopping() ? 1 : 0}, {1}, Device::cpu());
        run_.group.all_reduce(ends, distributed::ReduceOp::max);
        if (ends.item<std::int64_t>() > 0 && !run_.stopping())
            run_.stop("a callback of another rank has ended the training");
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
        append(now.run, of_average, averaging_.state());
        append(now.run, of_scale, step_.state());
        return now;
    }

    void restore(const Checkpoint& from) {
        std::vector<const Callback*> with_state;
        for (const Callback& callback : callbacks_)
            if (callback.state) with_state.push_back(&callback);
        check<ValueError>(from.callbacks.size() == with_state.size(),
                          "fit: the checkpoint has states for {}, this run has {} that need one",
                          counted(std::ssize(from.callbacks), "callback"), with_state.size());
        run_.trainee.module.load(from.model);
        run_.optimizer.load_state(parallel_ ? parallel_->own_part(run_.optimizer, from.optimizer)
                                            : from.optimizer);
        for (std::size_t i = 0; i < with_state.size(); ++i) with_state[i]->load_state(from.callbacks[i]);
        run_.totals_.load_state(from.epoch);
        load_run(from.run);
        run_.loader.set_state(from.loader);
        set_generator_state(from.generator);
        run_.history = from.history;
        run_.history.end.clear();
    }

    void load_run(const data::NamedTensors& state) {
        check<ValueError>(!state.empty() && state[0].first == "step" && state[0].second.numel() == 1,
                          "fit: the checkpoint does not say how many steps the run has made");
        run_.step = state[0].second.item<std::int64_t>();
        averaging_.load_state(part_of(state, of_average));
        step_.load_state(part_of(state, of_scale));
        if (parallel_) parallel_->load_left_over(part_of(state, of_compression));
    }

    void check_settings(const std::map<std::string, std::string>& saved) const {
        const auto said = [](const std::map<std::string, std::string>& settings, const std::string& name) {
            const auto found = settings.find(name);
            return found == settings.end() ? "no " + name : name + " " + found->second;
        };
        for (const auto* settings : {&settings_, &saved})
            for (const auto& [name, value] : *settings)
                check<ValueError>(
                    said(saved, name) == said(settings_, name),
                    "fit: the checkpoint is of a run with {}, this one has {}{}", said(saved, name),
                    said(settings_, name),
                    name == parts_setting ? "; they are FitOptions::accumulate times the ranks" : "");
    }

    void train_epoch() {
        const auto start = std::chrono::steady_clock::now();
        const TrainingMode mode(run_.trainee.module);
        averaging_.give_back();
        const data::LoaderState at = run_.loader.state();
        run_.epoch = static_cast<int>(at.epoch) + 1;
        run_.batch = at.next_batch;
        // What a checkpoint says of an epoch that had begun are the sums of all ranks.
        if (run_.batch == 0 || (run_.resumed && run_.group.rank() > 0)) run_.totals_.clear();
        step_.look_again();
        while (train_batch())
            if (run_.stopping()) return run_.loader.rest();
        check<ValueError>(
            run_.batch > 0, "fit: no batch in epoch {}: the stream ended before it gave {}", run_.epoch,
            parts_ > 1 ? fmt::format("{} samples, one for each part of a step", parts_) : "a sample");
        const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - start;
        averaging_.after_epoch(run_.epoch);
        averaging_.take();
        run_.validated = run_.epoch % validate_every_ == 0 || run_.epoch == run_.epochs;
        const distributed::Purpose purpose(
            fmt::format("the end of epoch {}, {}", run_.epoch, rates_in_short(run_.optimizer)));
        const Whole whole(parallel_);
        if (parallel_) parallel_->synchronize_buffers();
        EpochRecord record{
            .epoch = run_.epoch, .train = run_.totals_.score(run_.group), .seconds = spent.count()};
        if (run_.validation && run_.validated)
            record.validation = evaluate(run_.trainee, *run_.validation, run_.group);
        run_.history.epochs.push_back(std::move(record));
        notify(&Callback::on_epoch);
        agree_on_the_end();
    }

    std::optional<Step::Result> next_step() {
        if (const std::optional<Tensor> places = run_.loader.next_places())
            return step_.run(run_.loader.dataset(), *places);
        data::Batch batch;
        if (!run_.loader.next(batch)) return {};
        return step_.run(batch);
    }

    // False at the end of the epoch.
    bool train_batch() {
        std::optional<Step::Result> result = next_step();
        if (!result) return false;
        ++run_.batch;
        ++run_.step;
        if (!watches_batches_) return true;
        // The next replay writes where these lie, and a callback may keep them.
        if (keeps_batches_ && step_.replays()) {
            result->loss = result->loss.clone();
            for (Tensors* const tensors : {&result->outputs, &result->targets})
                for (Tensor& tensor : *tensors) tensor = tensor.clone();
        }
        run_.loss = std::move(result->loss);
        run_.outputs = std::move(result->outputs);
        run_.targets = std::move(result->targets);
        if (!run_.outputs.empty()) run_.output = run_.outputs[0];
        run_.target = run_.targets[0];
        if (parallel_ && keeps_batches_) {
            const distributed::Purpose purpose("the loss of a batch");
            run_.loss = run_.loss.clone();
            run_.group.all_reduce(run_.loss);
        }
        notify(&Callback::on_batch);
        if (may_end_batches_) agree_on_the_end();
        run_.loss = run_.output = run_.target = {};
        run_.outputs = run_.targets = {};
        if (keeps_batches_) step_.look_again();
        return true;
    }

    Run& run_;
    const std::vector<Callback> callbacks_;
    const std::map<std::string, std::string> settings_;
    const int validate_every_;
    const std::int64_t parts_;                        // of a step, of all ranks
    const bool watches_gradients_, watches_batches_;  // any callback
    // Callbacks that are not fit's own, so on every rank: they see batches, they can stop behind one.
    const bool keeps_batches_, may_end_batches_;
    Averaging averaging_;
    const std::optional<distributed::DataParallel> parallel_;
    Step step_;
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
    if (!options.metrics.empty()) callbacks.push_back(metrics(options.metrics));
    callbacks.insert(callbacks.end(), options.callbacks.begin(), options.callbacks.end());
    const distributed::Group group = options.group.value_or(distributed::Group());
    const WarnedByAnother rank_0_warns(group.rank() > 0);
    const bool verbose = options.verbose && group.rank() == 0;
    if (verbose) callbacks.push_back(progress());

    data::Loader loader(held > 0 ? samples.part(0, n - held) : samples,
                        {.batch_size = options.batch_size,
                         .drop_last = options.drop_last,
                         .seed = options.seed,
                         .sampler = options.sampler,
                         .transform = options.transform,
                         .workers = options.workers,
                         .device = options.device,
                         .parts = {.count = parts_of(options),
                                   .first = std::int64_t{options.accumulate} * group.rank(),
                                   .own = options.accumulate}});
    if (!samples.is_stream())
        check<ValueError>(loader.size() > 0, "fit: no batch in an epoch of {}; one has {} of {}{}",
                          counted(loader.sample_count(), "sample"), counted(parts_of(options), "part"),
                          options.batch_size,
                          options.drop_last ? ", and drop_last leaves out what is not full" : "");
    const std::int64_t step = options.batch_size * parts_of(options), rest = (n - held) % step;
    if (verbose && rest > 0 && rest < parts_of(options))
        fmt::print(stderr, "adjoint: fit: {} at the end of an epoch {} left out, fewer than {} parts\n",
                   counted(rest, "sample"), rest == 1 ? "is" : "are", parts_of(options));
    History history;
    const Trainee trained = options.autocast ? with_autocast(trainee, *options.autocast) : trainee;
    Run run(trained, optimizer, loader, history);
    run.validation = validation ? &*validation : nullptr;
    run.epochs = options.epochs;
    run.group = group;
    std::map<std::string, std::string> settings{
        {"batch_size", std::to_string(options.batch_size)},
        {"matmul_precision", name(matmul_precision())},
        {"samples", samples.is_stream() ? "a stream" : std::to_string(n - held)},
        {"seed", std::to_string(options.seed)}};
    if (options.drop_last) settings["drop_last"] = "on";
    if (options.sampler.order) settings["samples drawn"] = std::to_string(loader.sample_count());
    if (parts_of(options) > 1) settings[parts_setting] = std::to_string(parts_of(options));
    if (options.autocast) settings["autocast"] = name(*options.autocast);
    if (options.average.index() > 0) settings["average"] = name_of(options.average);
    if (group.size() > 1) {
        check_is_of_model(optimizer, trainee.module);
        check_same_options(group, settings, options, trainee.module, optimizer, samples, n - held);
    }
    Loop loop(run, std::move(callbacks), options, std::move(settings));
    if (!options.resume.empty()) {
        named("fit", [&] { loop.resume(load_checkpoint(options.resume)); });
        if (group.size() > 1)
            check_same_weights(group, trainee.module, run.step, "all ranks go on from the same checkpoint");
    }
    loop.go();
    return history;
} catch (const std::bad_alloc&) {
    throw_no_memory("fit");
}

}  // namespace adjoint::train
