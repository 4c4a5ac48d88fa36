// When a step is captured, and what becomes of a capture that fails.
#include <adjoint/train/step.h>

#include <cstdio>
#include <exception>

#include <adjoint/autograd/record/grad_mode.h>
#include <adjoint/core/base/format.h>
#include <adjoint/core/base/warning.h>
#include <adjoint/core/contract/precision.h>
#include <adjoint/core/cuda/cuda.h>

namespace adjoint::train {
namespace {

constexpr int warm_up = 2;  // they make optimizer states and fill caches

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

bool alike(const Tensor& a, const Tensor& b) {
    return a.shape() == b.shape() && a.dtype() == b.dtype() && a.device() == b.device();
}

}  // namespace

Step::Step(const Trainee& trainee, optim::Optimizer& optimizer, Totals& totals, const FitOptions& options)
    : trainee_(trainee),
      optimizer_(optimizer),
      totals_(totals),
      mode_(options.capture),
      batch_size_(options.batch_size),
      verbose_(options.verbose),
      refused_(options.capture == CaptureMode::automatic && cuda::waits_after_launches()),
      parameters_(optimizer.parameters()) {}

Step::Result Step::eager(const data::Batch& batch) {
    optimizer_.zero_grad();
    const Tensor output = trainee_.forward(batch.x);
    const Tensor loss = trainee_.loss(output, batch.y);
    loss.backward();
    optimizer_.step();
    totals_.add(loss, output, batch.y);
    gradients_there_ = false;
    return {loss.detach(), output.detach()};
}

Step::Result Step::run(const data::Batch& batch) {
    const std::int64_t samples = batch.y.shape()[0];
    totals_.count(samples);
    if (mode_ == CaptureMode::off || refused_ || samples != batch_size_ ||
        (mode_ == CaptureMode::automatic && batch.x.device().is_cpu()))
        return eager(batch);
    if (warm_ < warm_up) {
        ++warm_;
        return eager(batch);
    }
    if (captured_ && !unchanged()) captured_.reset();
    if (!captured_) {
        capture_on(batch);
        return captured_ ? result_ : eager(batch);
    }
    if (!fits(batch)) return eager(batch);
    if (!gradients_there_)
        for (std::size_t i = 0; i < parameters_.size(); ++i) parameters_[i].set_grad(gradients_[i]);
    gradients_there_ = true;
    {
        const NoGrad guard;
        input_.x.copy_(batch.x);
        input_.y.copy_(batch.y);
    }
    captured_->replay();
    return result_;
}

// The step on this batch, recorded; or nothing has happened and there is no recording.
void Step::capture_on(const data::Batch& batch) {
    const Before before(trainee_, optimizer_, totals_);
    input_ = {batch.x.detach().clone(), batch.y.detach().clone()};
    try {
        check<CaptureError>(batch.x.device() == batch.y.device(), "inputs are on {}, targets on {}",
                            batch.x.device(), batch.y.device());
        captured_ = capture([this] { result_ = eager(input_); }, {.device = batch.x.device(), .warmup = 0});
    } catch (const Error& error) {
        if (!is_of_the_capture(error)) throw;
        const std::exception_ptr cause = std::current_exception();
        result_ = {};
        try {
            before.restore(trainee_, optimizer_, totals_);
        } catch (const Error&) {
            std::rethrow_exception(cause);  // the device does nothing any more since then
        }
        refuse(error.what());
        return;
    }
    gradients_.clear();
    for (const Tensor& parameter : parameters_) gradients_.push_back(parameter.grad());
    gradients_there_ = true;
    if (verbose_ && recorded_with_.empty())
        fmt::print(stderr, "adjoint: fit: steps are captured on {}, {} calls each\n", batch.x.device(),
                   captured_->calls());
    recorded_with_ = signature();
    looked_ = true;
}

void Step::refuse(const std::string& why) {
    refused_ = true;
    check<CaptureError>(mode_ != CaptureMode::on, "fit: the steps cannot be captured: {}", why);
    warn_once(
        "fit without capture",
        fmt::format("fit: steps are not captured and take longer: {} (CaptureMode::off silences this)", why));
}

bool Step::fits(const data::Batch& batch) const {
    return alike(batch.x, input_.x) && alike(batch.y, input_.y);
}

bool Step::unchanged() {
    if (!looked_) {
        if (signature() != recorded_with_) return false;
        looked_ = true;
    }
    return true;
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
