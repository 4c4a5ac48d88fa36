// When a step is captured, and what becomes of a capture that fails.
#include <adjoint/train/step.h>

#include <algorithm>
#include <bit>
#include <cstdio>
#include <exception>
#include <utility>

#include <adjoint/autograd/ops/arithmetic.h>
#include <adjoint/autograd/ops/rearrange.h>
#include <adjoint/autograd/ops/shape.h>
#include <adjoint/autograd/record/grad_mode.h>
#include <adjoint/core/base/format.h>
#include <adjoint/core/base/warning.h>
#include <adjoint/core/contract/precision.h>
#include <adjoint/core/cuda/cuda.h>
#include <adjoint/data/gather.h>
#include <adjoint/optim/clip.h>
#include <adjoint/train/copies.h>
#include <adjoint/train/leaves.h>

namespace adjoint::train {
namespace {

// What a step can change, to take a failed one back.
class Before {
  public:
    Before(const Trainee& trainee, const optim::Optimizer& optimizer, const Totals& totals,
           const Averaging& averaging)
        : model_(copied(trainee.module.state())),
          optimizer_(copied(optimizer.state())),
          totals_(copied(totals.state())),
          averages_(copied(averaging.state())) {}
    void restore(const Trainee& trainee, optim::Optimizer& optimizer, Totals& totals,
                 Averaging& averaging) const {
        trainee.module.load(model_);
        optimizer.load_state(optimizer_);
        totals.load_state(totals_);
        averaging.load_state(averages_);
        set_generator_state(generator_);
    }

  private:
    const data::NamedTensors model_, optimizer_, totals_, averages_;
    const GeneratorState generator_ = generator_state();
};

// Not of the step, which might do eagerly.
bool is_of_the_capture(const Error& error) {
    return dynamic_cast<const CaptureError*>(&error) || dynamic_cast<const CudaError*>(&error) ||
           dynamic_cast<const OutOfMemoryError*>(&error);
}

Tensors tensors_of(const data::Batch& batch) {
    Tensors all = batch.inputs();
    const Tensors targets = batch.targets();
    all.insert(all.end(), targets.begin(), targets.end());
    return all;
}

bool alike(const data::Batch& a, const data::Batch& b) {
    const Tensors ours = tensors_of(a), theirs = tensors_of(b);
    return a.more_x.size() == b.more_x.size() &&
           std::equal(ours.begin(), ours.end(), theirs.begin(), theirs.end(),
                      [](const Tensor& x, const Tensor& y) { return x.is_like(y); });
}

// Lets a part have gradients of its own, which are added to those of the parts before as a whole: so a rank
// does whose parts meet those of others.
class GradientsBefore {
  public:
    explicit GradientsBefore(const Tensors& parameters) : parameters_(parameters) {
        for (const Tensor& parameter : parameters) {
            before_.push_back(parameter.grad());
            parameter.set_grad({});
        }
    }
    void add() const {
        const NoGrad guard;
        for (std::size_t i = 0; i < before_.size(); ++i) {
            if (!before_[i].defined()) continue;
            if (const Tensor own = parameters_[i].grad(); own.defined()) before_[i] += own;
            // Also where the parameter itself is absent now, on another rank.
            parameters_[i].impl().grad = before_[i].ref();
        }
    }

  private:
    const Tensors& parameters_;
    Tensors before_;
};

Tensors detached(Tensors tensors) {
    for (Tensor& tensor : tensors) tensor = tensor.detach();
    return tensors;
}

}  // namespace

Step::Step(const Trainee& trainee, optim::Optimizer& optimizer, Totals& totals, Averaging& averaging,
           StepOptions options)
    : trainee_(trainee),
      optimizer_(optimizer),
      totals_(totals),
      averaging_(averaging),
      parameters_(optimizer.parameters()),
      options_(std::move(options)) {
    // Who waits after each launch wants to see the eager ones.
    if (options_.capture == CaptureMode::automatic && cuda::waits_after_launches())
        options_.capture = CaptureMode::off;
    if (options_.parallel || options_.draws_of_part) options_.capture = CaptureMode::off;
}

void Step::look_again() noexcept {
    if (captured_) captured_->verified = false;
}

Step::Result Step::run(const data::Batch& batch) {
    check<ValueError>(batch.y.defined(), "fit: a batch without targets");
    totals_.count(batch.size());
    if (!may_replay(batch.size(), batch.x.device())) return eager(batch);
    if (!is_captured()) return captured(batch, [&] { return capture_on(batch); });
    if (captured_->places.defined() || !alike(batch, captured_->input)) return eager(batch);
    const Tensors from = tensors_of(batch), to = tensors_of(captured_->input);
    begin_replay();
    {
        const NoGrad guard;
        for (std::size_t i = 0; i < to.size(); ++i) to[i].copy_(from[i]);
    }
    return replayed();
}

Step::Result Step::run(const data::Dataset& set, const Tensor& places) {
    totals_.count(places.numel());
    if (!may_replay(places.numel(), places.device())) return eager(data::step_of(set, places));
    if (!is_captured()) return captured(data::step_of(set, places), [&] { return capture_on(set, places); });
    if (!captured_->places.defined()) return eager(data::step_of(set, places));
    begin_replay();
    captured_->places.copy_(places);
    return replayed();
}

// Once the batches before have warmed up.
bool Step::may_replay(std::int64_t samples, Device device) const {
    const bool wanted = options_.capture == CaptureMode::on ||
                        (options_.capture == CaptureMode::automatic && !device.is_cpu());
    return wanted && samples == options_.batch_size * options_.parts;
}

bool Step::is_captured() {
    if (captured_ && !still_holds(*captured_)) captured_.reset();
    return captured_.has_value();
}

Step::Result Step::eager(const data::Batch& batch) {
    Result result = gradients(batch);
    result.targets = batch.targets();
    move();
    return result;
}

// Parts of the batch one after the other.
Step::Result Step::gradients(const data::Batch& batch) {
    optimizer_.zero_grad();
    const std::size_t parts = batch.parts.size();
    if (parts == 1) return gradient_of_part(batch, batch.step_size, 0, true);
    Result all;
    std::vector<Tensors> outputs;  // each of all parts
    std::int64_t first = 0;
    for (std::size_t i = 0; i < parts; ++i) {
        const std::int64_t count = batch.parts[i];
        const bool last = i + 1 == parts;
        std::optional<GradientsBefore> before;
        if (i > 0 && !(last && options_.parallel)) before.emplace(parameters_);
        const Result part = gradient_of_part(
            batch.each([&](const Tensor& tensor) { return narrow(tensor, 0, first, count); }),
            batch.step_size, i, last);
        if (before) before->add();
        first += count;
        all.loss = all.loss.defined() ? all.loss + part.loss : part.loss;
        if (!options_.joins_outputs) continue;
        outputs.resize(part.outputs.size());
        for (std::size_t k = 0; k < outputs.size(); ++k) {
            const Tensor& output = part.outputs[k];
            check<ShapeError>(output.dim() > 0 && output.shape()[0] == count,
                              "fit: an output of shape {} for a part of {} samples; outputs of parts are "
                              "joined for callbacks, a row for each sample",
                              output.shape(), count);
            outputs[k].push_back(output);
        }
    }
    for (const Tensors& output : outputs) all.outputs.push_back(cat(output, 0));
    return all;
}

// The mean loss of a part is weighted by its share of the step's samples, and so are its gradients.
Step::Result Step::gradient_of_part(const data::Batch& part, std::int64_t step_size, std::size_t i,
                                    bool last) {
    std::optional<GeneratorScope> draws;
    if (options_.draws_of_part) draws.emplace(options_.draws_of_part(i));
    // Also for the backward pass: what lies under checkpoint() computes once more.
    const nn::SharedStatistics statistics =
        options_.parallel ? options_.parallel->statistics() : nn::SharedStatistics({});
    const Tensors outputs = trainee_.forward(part);
    const Tensor mean = trainee_.loss(outputs, part);
    const Tensor loss = part.size() == step_size
                            ? mean
                            : mean * (static_cast<double>(part.size()) / static_cast<double>(step_size));
    const Tensor scaled = options_.scales_loss ? scaler_.scale(loss) : loss;
    if (options_.parallel && last)
        options_.parallel->backward(scaled, 1);
    else
        scaled.backward();
    if (std::exchange(first_, false)) check_leaves(loss, trainee_, optimizer_, part);
    totals_.add(mean, outputs[0], part.y);
    return {loss.detach(), detached(outputs)};
}

// From the gradients to the weights of the next step: the order of this function is that of every fit.
void Step::move() {
    if (options_.scales_loss) {
        if (options_.parallel)
            options_.parallel->unscale(scaler_, optimizer_);
        else
            scaler_.unscale(optimizer_);
    }
    if (options_.on_gradients) options_.on_gradients();
    if (options_.clip_norm > 0) {
        if (options_.parallel)
            options_.parallel->clip_grad_norm_(parameters_, options_.clip_norm);
        else
            optim::clip_grad_norm_(parameters_, options_.clip_norm);
    }
    bool moved = true;
    const auto step = [&] {
        if (options_.scales_loss)
            moved = scaler_.step(optimizer_);
        else
            optimizer_.step();
    };
    if (options_.parallel)
        options_.parallel->step(optimizer_, step);
    else
        step();
    if (options_.scales_loss) {
        const double scale = scaler_.scale();
        scaler_.update();
        if (scaler_.scale() != scale) look_again();  // it is a constant of a recording
    }
    if (moved) averaging_.after_step();
}

// The first batches run as they are; then the step is carried out and recorded; where it cannot be recorded,
// as if that had never been tried.
Step::Result Step::captured(const data::Batch& batch, const std::function<CapturedStep()>& capture) {
    if (warm_up_left_ > 0) {
        --warm_up_left_;
        return eager(batch);
    }
    const Before before(trainee_, optimizer_, totals_, averaging_);
    try {
        captured_ = capture();
    } catch (const Error& error) {
        if (!is_of_the_capture(error)) throw;
        const std::exception_ptr cause = std::current_exception();
        try {
            before.restore(trainee_, optimizer_, totals_, averaging_);
        } catch (const Error&) {
            std::rethrow_exception(cause);  // the device does nothing any more since then
        }
        refuse(error.what());
        return eager(batch);
    }
    if (moves_by_host()) move();
    return captured_->result;
}

Step::CapturedStep Step::capture_on(const data::Batch& batch) {
    for (const Tensor& tensor : tensors_of(batch))
        check<CaptureError>(tensor.device() == batch.x.device(), "inputs are on {}, targets on {}",
                            batch.x.device(), tensor.device());
    const data::Batch input = batch.each([](const Tensor& tensor) { return tensor.detach().clone(); });
    return capture_of(batch.x.device(), {}, [&] { return input; });
}

Step::CapturedStep Step::capture_on(const data::Dataset& set, const Tensor& places) {
    const Tensor own = places.clone();
    return capture_of(places.device(), own, [&] { return data::step_of(set, own); });
}

Step::CapturedStep Step::capture_of(Device device, Tensor places, const std::function<data::Batch()>& input) {
    data::Batch batch;
    Result result;
    Captured step = capture(
        [&] {
            batch = input();
            result = moves_by_host() ? gradients(batch) : eager(batch);
            result.targets = batch.targets();
        },
        {.device = device, .warmup = 0});
    if (std::exchange(options_.verbose, false))
        fmt::print(stderr, "adjoint: fit: steps are captured on {}, {} calls each\n", device, step.calls());
    std::vector<Tensor> gradients;
    for (const Tensor& parameter : parameters_) gradients.push_back(parameter.grad());
    if (places.defined()) batch = {};  // nobody else looks at it
    return {.places = std::move(places),
            .input = std::move(batch),
            .result = std::move(result),
            .gradients = std::move(gradients),
            .signature = signature(),
            .verified = true,
            .step = std::move(step)};
}

void Step::begin_replay() {
    if (moves_by_host()) optimizer_.zero_grad();
    // An eager step in between, or a callback, has put others in their place.
    for (std::size_t i = 0; i < parameters_.size(); ++i)
        if (parameters_[i].impl().grad != captured_->gradients[i].ref())
            parameters_[i].set_grad(captured_->gradients[i]);
}

Step::Result Step::replayed() {
    captured_->step.replay();
    if (moves_by_host()) move();
    return captured_->result;
}

bool Step::still_holds(CapturedStep& captured) const {
    captured.verified = captured.verified || captured.signature == signature();
    return captured.verified;
}

// Steps run eagerly from now on.
void Step::refuse(const std::string& why) {
    check<CaptureError>(options_.capture != CaptureMode::on, "fit: the steps cannot be captured: {}", why);
    options_.capture = CaptureMode::off;
    warn_once(
        "fit without capture",
        fmt::format("fit: steps are not captured and take longer: {} (CaptureMode::off silences this)", why));
}

Step::Signature Step::signature() const {
    Signature all{static_cast<std::uintptr_t>(matmul_precision()), optimizer_.group_count(),
                  trainee_.module.is_training(), std::bit_cast<std::uint64_t>(scaler_.scale())};
    const auto add = [&all](const Tensor& tensor) {
        all.push_back(reinterpret_cast<std::uintptr_t>(tensor.impl().data));
        all.push_back(tensor.requires_grad());
    };
    for (const auto& [name, tensor] : trainee_.module.state()) add(tensor);
    for (const auto& [name, tensor] : optimizer_.state())
        if (tensor.dim() > 0) add(tensor);  // counts and rates are read anew anyway
    for (const Tensor& tensor : averaging_.moved_in_steps()) add(tensor);
    return all;
}

data::NamedTensors Step::state() const {
    return options_.scales_loss ? scaler_.state() : data::NamedTensors{};
}

void Step::load_state(const data::NamedTensors& state) {
    if (options_.scales_loss) return scaler_.load_state(state);
    check<ValueError>(state.empty(), "fit: the checkpoint has a scale of the loss, this run has none");
}

}  // namespace adjoint::train
