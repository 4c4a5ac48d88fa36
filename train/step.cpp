// When a step is captured, and what becomes of a capture that fails.
#include <adjoint/train/step.h>

#include <algorithm>
#include <cstdio>
#include <exception>
#include <utility>

#include <adjoint/autograd/record/grad_mode.h>
#include <adjoint/core/base/format.h>
#include <adjoint/core/base/warning.h>
#include <adjoint/core/contract/precision.h>
#include <adjoint/core/cuda/cuda.h>
#include <adjoint/train/unheld.h>

namespace adjoint::train {
namespace {

// What a step can change, to take a failed one back.
class Before {
  public:
    Before(const Trainee& trainee, const optim::Optimizer& optimizer, const Totals& totals)
        : model_(copied(trainee.module.state())),
          optimizer_(copied(optimizer.state())),
          totals_(copied(totals.state())) {}
    void restore(const Trainee& trainee, optim::Optimizer& optimizer, Totals& totals) const {
        trainee.module.load(model_);
        optimizer.load_state(optimizer_);
        totals.load_state(totals_);
        set_generator_state(generator_);
    }

  private:
    static data::NamedTensors copied(data::NamedTensors tensors) {
        const NoGrad guard;
        for (auto& [name, tensor] : tensors) tensor = tensor.detach().clone();
        return tensors;
    }

    const data::NamedTensors model_, optimizer_, totals_;
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

Tensors detached(Tensors tensors) {
    for (Tensor& tensor : tensors) tensor = tensor.detach();
    return tensors;
}

}  // namespace

Step::Step(const Trainee& trainee, optim::Optimizer& optimizer, Totals& totals, const StepOptions& options)
    : trainee_(trainee),
      optimizer_(optimizer),
      totals_(totals),
      parameters_(optimizer.parameters()),
      options_(options) {
    // Who waits after each launch wants to see the eager ones.
    if (options_.capture == CaptureMode::automatic && cuda::waits_after_launches())
        options_.capture = CaptureMode::off;
}

void Step::look_again() noexcept {
    if (captured_) captured_->verified = false;
}

Step::Result Step::run(const data::Batch& batch) {
    check<ValueError>(batch.y.defined(), "fit: a batch without targets");
    totals_.count(batch.size());
    if (!may_replay(batch)) return eager(batch);
    if (warm_up_left_ > 0) {
        --warm_up_left_;
        return eager(batch);
    }
    if (captured_ && !still_holds(*captured_)) captured_.reset();
    if (!captured_) return captured(batch);
    return alike(batch, captured_->input) ? replayed(batch) : eager(batch);
}

bool Step::may_replay(const data::Batch& batch) const {
    const bool wanted = options_.capture == CaptureMode::on ||
                        (options_.capture == CaptureMode::automatic && !batch.x.device().is_cpu());
    return wanted && batch.size() == options_.batch_size;
}

Step::Result Step::eager(const data::Batch& batch) {
    optimizer_.zero_grad();
    const Tensors outputs = trainee_.forward(batch);
    const Tensor loss = trainee_.loss(outputs, batch);
    loss.backward();
    if (std::exchange(first_, false)) warn_of_unheld_leaves(loss, trainee_, optimizer_, batch);
    optimizer_.step();
    totals_.add(loss, outputs[0], batch.y);
    return {loss.detach(), detached(outputs)};
}

// The step, carried out and recorded; where it cannot be recorded, as if that had never been tried.
Step::Result Step::captured(const data::Batch& batch) {
    const Before before(trainee_, optimizer_, totals_);
    try {
        captured_ = capture_on(batch);
    } catch (const Error& error) {
        if (!is_of_the_capture(error)) throw;
        const std::exception_ptr cause = std::current_exception();
        try {
            before.restore(trainee_, optimizer_, totals_);
        } catch (const Error&) {
            std::rethrow_exception(cause);  // the device does nothing any more since then
        }
        refuse(error.what());
        return eager(batch);
    }
    return captured_->result;
}

Step::CapturedStep Step::capture_on(const data::Batch& batch) {
    for (const Tensor& tensor : tensors_of(batch))
        check<CaptureError>(tensor.device() == batch.x.device(), "inputs are on {}, targets on {}",
                            batch.x.device(), tensor.device());
    const data::Batch input = batch.each([](const Tensor& tensor) { return tensor.detach().clone(); });
    Result result;
    Captured step = capture([&] { result = eager(input); }, {.device = batch.x.device(), .warmup = 0});
    if (std::exchange(options_.verbose, false))
        fmt::print(stderr, "adjoint: fit: steps are captured on {}, {} calls each\n", batch.x.device(),
                   step.calls());
    std::vector<Tensor> gradients;
    for (const Tensor& parameter : parameters_) gradients.push_back(parameter.grad());
    return {.input = input,
            .result = result,
            .gradients = std::move(gradients),
            .signature = signature(),
            .verified = true,
            .step = std::move(step)};
}

Step::Result Step::replayed(const data::Batch& batch) {
    // An eager step in between, or a callback, has put others in their place.
    for (std::size_t i = 0; i < parameters_.size(); ++i)
        if (parameters_[i].impl().grad != captured_->gradients[i].ref())
            parameters_[i].set_grad(captured_->gradients[i]);
    {
        const NoGrad guard;
        const Tensors from = tensors_of(batch), to = tensors_of(captured_->input);
        for (std::size_t i = 0; i < to.size(); ++i) to[i].copy_(from[i]);
    }
    captured_->step.replay();
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
                  trainee_.module.is_training()};
    const auto add = [&all](const Tensor& tensor) {
        all.push_back(reinterpret_cast<std::uintptr_t>(tensor.impl().data));
        all.push_back(tensor.requires_grad());
    };
    for (const auto& [name, tensor] : trainee_.module.state()) add(tensor);
    for (const auto& [name, tensor] : optimizer_.state())
        if (tensor.dim() > 0) add(tensor);  // counts and rates are read anew anyway
    return all;
}

}  // namespace adjoint::train
