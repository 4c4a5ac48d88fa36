// The callbacks that come with the library.
#include <adjoint/train/callback.h>

#include <cmath>
#include <limits>
#include <memory>
#include <optional>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include <adjoint/autograd/ops/arithmetic.h>
#include <adjoint/autograd/ops/elementwise.h>
#include <adjoint/autograd/ops/indexed.h>
#include <adjoint/autograd/ops/reduce.h>
#include <adjoint/autograd/ops/shape.h>
#include <adjoint/autograd/record/grad_mode.h>
#include <adjoint/core/base/counted.h>
#include <adjoint/core/base/format.h>
#include <adjoint/core/tensor/creation.h>
#include <adjoint/data/file.h>
#include <adjoint/train/copies.h>
#include <adjoint/train/evaluate.h>

namespace adjoint::train {
namespace {

constexpr std::string_view kept = "weights.";  // in front of their names in a state

// The best epoch so far, with the weights it left.
struct Best {
    double loss = std::numeric_limits<double>::infinity();
    int epoch = 0;
    nn::NamedTensors weights;

    void keep(const Run& run, double of) {
        loss = of;
        epoch = run.epoch;
        weights = copied(run.trainee.module.state());
    }
    data::NamedTensors state() const {
        data::NamedTensors state{{"loss", Tensor(loss)}, {"epoch", Tensor(std::int64_t{epoch})}};
        for (const auto& [name, tensor] : weights) state.emplace_back(std::string(kept) + name, tensor);
        return state;
    }
    void load_state(const data::NamedTensors& state) {
        Best loaded;
        int found = 0;
        for (const auto& [name, tensor] : state) {
            if (name.starts_with(kept)) {
                loaded.weights.emplace_back(name.substr(kept.size()), tensor);
                continue;
            }
            check<ValueError>((name == "loss" || name == "epoch") && tensor.numel() == 1,
                              "callback: load_state: {} does not belong there", name);
            ++found;
            if (name == "loss")
                loaded.loss = tensor.item();
            else
                loaded.epoch = static_cast<int>(tensor.item<std::int64_t>());
        }
        check<ValueError>(found == 2, "callback: load_state: expected loss and epoch");
        *this = std::move(loaded);
    }
};

// Losses of batches that are still where they were computed.
struct BatchLosses {
    std::vector<Tensor> waiting;

    std::vector<double> values() const {
        std::vector<double> values;
        for (const Tensor& loss : waiting) values.push_back(loss.item());
        return values;
    }
    void move_to(History& history) {
        for (const double value : values()) history.batches.push_back(value);
        waiting.clear();
    }
};

// Adds to a callback that a checkpoint is written whenever an epoch was the best so far.
void save_the_best(Callback& callback, const std::string& path) {
    const auto best = std::make_shared<Best>();
    callback.on_begin = [best](Run& run) {
        if (!run.resumed) *best = {};
    };
    callback.on_epoch = [best, path, also = std::move(callback.on_epoch)](Run& run) {
        const std::optional<double> loss = run.monitored_loss();
        if (loss && *loss < best->loss) {
            best->loss = *loss;
            best->epoch = run.epoch;
            run.save(path);
        }
        if (also) also(run);
    };
    callback.state = [best] { return best->state(); };
    callback.load_state = [best](const data::NamedTensors& state) { best->load_state(state); };
}

// Where the first element that is not finite stands, "" if there is none.
std::string not_finite_in(const std::string& what, const Tensor& x) {
    if (!is_floating(x.dtype()) || x.numel() == 0) return "";
    const NoGrad guard;
    const Tensor flat = flatten(x.detach()), odd = logical_not(isfinite(flat));
    if (!any(odd).item<bool>()) return "";
    const auto at = argmax(odd.to(DType::u8)).item<std::int64_t>();
    const Shape strides = dense_strides(x.shape());
    std::string place = fmt::format("row {}", at / strides[0]);
    if (x.dim() == 2) place += fmt::format(", column {}", at % strides[0]);
    if (x.dim() > 2) {
        std::vector<std::int64_t> rest;
        for (int d = 1; d < x.dim(); ++d) rest.push_back(at / strides[d] % x.shape()[d]);
        place += fmt::format(", place ({})", fmt::join(rest, ", "));
    }
    return fmt::format("the {} hold {} in {}, counted from 0", what, shown(flat(at).item()), place);
}

// Why a loss may be NaN or infinite: the data themselves, else the step.
std::string cause_of_nan(const data::Samples& samples) {
    const data::Dataset* const set = samples.dataset();
    if (!set) return "the learning rate may be too high, or a sample may hold a number that is not finite";
    for (const auto& [what, first, more] : {std::tuple("inputs", set->inputs, set->more_inputs),
                                            std::tuple("targets", set->targets, set->more_targets)}) {
        if (const std::string found = not_finite_in(what, first); !found.empty()) return found;
        for (const Tensor& x : more)
            if (const std::string found = not_finite_in(fmt::format("further {}", what), x); !found.empty())
                return found;
    }
    return "the learning rate may be too high";
}

}  // namespace

Callback early_stopping(const EarlyStoppingOptions& options) {
    check<ValueError>(options.patience >= 1, "early_stopping: patience {}, expected at least 1 epoch",
                      options.patience);
    const auto best = std::make_shared<Best>();
    return {.on_begin =
                [best](Run& run) {
                    if (!run.resumed) *best = {};
                },
            .on_epoch =
                [best, options](Run& run) {
                    const std::optional<double> loss = run.monitored_loss();
                    if (!loss) return;
                    if (*loss < best->loss - options.min_delta) best->keep(run, *loss);
                    if (run.epoch - best->epoch >= options.patience)
                        run.stop(fmt::format("no better loss for {}; the best was epoch {}",
                                             counted(options.patience, "epoch"), best->epoch));
                },
            .on_end =
                [best](Run& run) {
                    if (!best->weights.empty()) run.trainee.module.load(best->weights);
                },
            .state = [best] { return best->state(); },
            .load_state = [best](const data::NamedTensors& state) { best->load_state(state); }};
}

Callback schedule(const optim::Schedule& schedule, Every every) {
    const auto own = std::make_shared<optim::Schedule>(schedule);
    Callback callback{.state = [own] { return own->state(); },
                      .load_state = [own](const data::NamedTensors& state) { own->load_state(state); }};
    (every == Every::batch ? callback.on_batch : callback.on_epoch) = [own](Run&) { own->step(); };
    return callback;
}

Callback schedule(const optim::ReduceLROnPlateau& schedule) {
    const auto own = std::make_shared<optim::ReduceLROnPlateau>(schedule);
    return {.on_epoch =
                [own](Run& run) {
                    if (const std::optional<double> loss = run.monitored_loss()) own->step(*loss);
                },
            .state = [own] { return own->state(); },
            .load_state = [own](const data::NamedTensors& state) { own->load_state(state); }};
}

Callback checkpoint(const CheckpointOptions& options) {
    check<ValueError>(!options.path.empty(), "checkpoint: no path");
    check<ValueError>(options.every_epochs >= 0 && options.every_batches >= 0,
                      "checkpoint: every {} epochs, every {} batches", options.every_epochs,
                      options.every_batches);
    Callback callback;
    if (options.every_epochs > 0)
        callback.on_epoch = [options](Run& run) {
            if (run.epoch % options.every_epochs == 0) run.save(options.path);
        };
    if (options.every_batches > 0)
        callback.on_batch = [options](Run& run) {
            if (run.step % options.every_batches == 0) run.save(options.path);
        };
    if (!options.best.empty()) save_the_best(callback, options.best);
    callback.on_begin = [options, also = std::move(callback.on_begin)](Run& run) {
        if (run.group.rank() == 0) {  // who writes
            data::check_writable(options.path);
            if (!options.best.empty()) data::check_writable(options.best);
        }
        if (also) also(run);
    };
    return callback;
}

Callback stop_on_nan(Every every) {
    Callback callback{.on_epoch = [](Run& run) {
        if (!std::isfinite(run.history.last().train.loss))
            run.stop(fmt::format("the loss of epoch {} is not finite: {}", run.epoch,
                                 cause_of_nan(run.loader.samples())));
    }};
    if (every == Every::batch)
        callback.on_batch = [](Run& run) {
            if (!std::isfinite(run.loss.item()))
                run.stop(fmt::format("the loss of batch {} of epoch {} is not finite: {}", run.batch,
                                     run.epoch, cause_of_nan(run.loader.samples())));
        };
    return callback;
}

Callback record_batches() {
    const auto losses = std::make_shared<BatchLosses>();
    const auto move = [losses](Run& run) { losses->move_to(run.history); };
    return {
        .on_begin =
            [losses](Run& run) {
                if (!run.resumed) losses->waiting.clear();
            },
        .on_batch = [losses](Run& run) { losses->waiting.push_back(run.loss); },
        .on_epoch = move,
        .on_end = move,
        .state =
            [losses] {
                const std::vector<double> values = losses->values();
                return data::NamedTensors{
                    {"waiting", tensor(values, {static_cast<std::int64_t>(values.size())}, Device::cpu())}};
            },
        .load_state =
            [losses](const data::NamedTensors& state) {
                check<ValueError>(state.size() == 1 && state[0].first == "waiting",
                                  "record_batches: load_state: expected waiting");
                std::vector<Tensor> loaded;
                for (const double value : state[0].second.to_vector<double>()) loaded.emplace_back(value);
                losses->waiting = std::move(loaded);
            }};
}

Callback metric(const std::string& name, const Metric& of) { return metrics({{name, of}}); }

Callback metrics(const Metrics& of) {
    for (const auto& [name, metric] : of) check<ValueError>(!name.empty(), "metric: needs a name");
    return {.on_epoch = [of](Run& run) {
        if (!run.validated) return;
        const data::Samples& samples = run.validation ? *run.validation : run.loader.samples();
        for (const auto& [name, value] : measure(run.trainee, samples, of)) run.record(name, value);
    }};
}

}  // namespace adjoint::train
