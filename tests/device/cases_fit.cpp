// fit with captured steps: the bits of the eager fit, whatever callbacks do,
// and what is said when it cannot be.
#include <gtest/gtest.h>

#include <cstdlib>
#include <functional>
#include <optional>
#include <string>

#include <adjoint/adjoint.h>
#include <adjoint/core/base/warning.h>

#include "device/cases.h"
#include "temporary_folder.h"

namespace adjoint {
namespace {

using train::CaptureMode;

// A model that counts how often it is called in training.
struct Counted : nn::Module {
    nn::Linear first = child("first", nn::Linear(4, 8));
    nn::BatchNorm1d norm = child("norm", nn::BatchNorm1d(8));
    nn::Dropout dropout = child("dropout", nn::Dropout(0.3));
    nn::Linear second = child("second", nn::Linear(8, 3));
    std::shared_ptr<int> calls = std::make_shared<int>(0);

    Tensor operator()(const Tensor& x) const {
        *calls += is_training();
        return second(dropout(relu(norm(first(x)))));
    }
};

struct Outcome {
    std::vector<double> numbers;  // of the history, the weights, the optimizer, the generator
    int calls = 0;
};

using Loss = std::function<Tensor(const Tensor&, const Tensor&)>;
using Change = std::function<void(train::FitOptions&, const Counted&, optim::Optimizer&)>;

// Batches of 16, 16, 16, 16 and 6.
Outcome fitted(Device device, CaptureMode mode, const Change& change = {},
               const Loss& loss = nn::CrossEntropyLoss()) {
    manual_seed(21);
    const data::Dataset set{.inputs = randn({70, 4}).to(device),
                            .targets = randint(0, 3, {70}, {.dtype = i64}).to(device)};
    const Counted model;
    model.to(device);
    optim::Adam optimizer(model.parameters(), {.lr = 0.02});
    train::FitOptions options{.epochs = 4, .batch_size = 16, .seed = 2, .verbose = false, .capture = mode};
    if (change) change(options, model, optimizer);
    const train::History history = train::fit(model, loss, optimizer, set, options);
    Outcome outcome;
    outcome.calls = *model.calls;
    for (const train::EpochRecord& epoch : history.epochs)
        for (const double value : {epoch.train.loss, epoch.train.accuracy}) outcome.numbers.push_back(value);
    for (const auto& [name, value] : history.epochs.back().metrics) outcome.numbers.push_back(value);
    for (const double value : history.batches) outcome.numbers.push_back(value);
    for (const auto& tensors : {model.state(), optimizer.state()})
        for (const auto& [name, tensor] : tensors)
            for (const double value : tensor.to_vector<double>()) outcome.numbers.push_back(value);
    outcome.numbers.push_back(static_cast<double>(generator_state().stream));
    return outcome;
}

constexpr int all_batches = 4 * 5, last_ones = 4, before_replays = 2 + 1;

void same_bits(Device device, const Change& change = {}, int recordings = 1) {
    const Outcome off = fitted(device, CaptureMode::off, change),
                  on = fitted(device, CaptureMode::on, change);
    EXPECT_EQ(on.numbers, off.numbers);
    EXPECT_EQ(off.calls, all_batches);
    EXPECT_EQ(on.calls, last_ones + before_replays + recordings - 1);
}

// ADJOINT_CUDA_SYNC for a time.
class Waits {
  public:
    explicit Waits(const char* value) {
        if (const char* const before = std::getenv(name)) before_ = before;
        setenv(name, value, 1);
    }
    Waits(const Waits&) = delete;
    Waits& operator=(const Waits&) = delete;
    ~Waits() { before_ ? setenv(name, before_->c_str(), 1) : unsetenv(name); }

  private:
    static constexpr const char* name = "ADJOINT_CUDA_SYNC";
    std::optional<std::string> before_;
};

void captured_fit_has_the_bits_of_the_eager_one(Device device) {
    same_bits(device);
    const Waits none("0");
    // On a CUDA device it is captured without a word, on the CPU it is not.
    EXPECT_EQ(fitted(device, CaptureMode::automatic).calls,
              device.is_cpu() ? all_batches : last_ones + before_replays);
}

void waits_after_launches_are_kept(Device device) {
    // In a replay no launch is waited for, so none is made unasked.
    const Waits all("1");
    EXPECT_EQ(fitted(device, CaptureMode::automatic).calls, all_batches);
    EXPECT_EQ(fitted(device, CaptureMode::on).calls, last_ones + before_replays);
}

void callbacks_see_the_same(Device device) {
    same_bits(device, [&](train::FitOptions& options, const Counted& model, optim::Optimizer& optimizer) {
        options.transform = [](const data::Batch& batch) {
            return data::Batch{batch.x + randn(batch.x.shape(), {.device = batch.x.device()}) * 0.1, batch.y};
        };
        struct Seen {
            Tensor outputs, gradients;
        };
        const auto seen = std::make_shared<Seen>();
        const auto add = [](Tensor& to, const Tensor& x) { to = to.defined() ? to + x : x; };
        options.callbacks = {train::record_batches(),
                             train::schedule(optim::ExponentialLR(optimizer, 0.9), train::Every::batch),
                             {.on_batch =
                                  [=](train::Run& run) {
                                      add(seen->outputs,
                                          sum(abs(run.output)) + run.loss + sum(run.target).to(f32));
                                      add(seen->gradients, sum(abs(model.first.weight.grad())));
                                  },
                              .on_epoch =
                                  [=](train::Run& run) {
                                      run.record("outputs", seen->outputs.item());
                                      run.record("gradients", seen->gradients.item());
                                  }}};
    });
}

void a_changed_model_is_recorded_anew(Device device) {
    const Change freezes = [](train::FitOptions& options, const Counted& model, optim::Optimizer& optimizer) {
        options.callbacks = {{.on_epoch = [&model, &optimizer](train::Run& run) {
            if (run.epoch == 2) {
                model.first.weight.set_requires_grad(false);
                optimizer.zero_grad();
            }
        }}};
    };
    same_bits(device, freezes, 2);
    const Change resets = [](train::FitOptions& options, const Counted&, optim::Optimizer& optimizer) {
        options.callbacks = {{.on_batch = [&optimizer](train::Run& run) {
            if (run.step == 8) optimizer.load_state(optimizer.state());
            optimizer.zero_grad();
        }}};
    };
    same_bits(device, resets, 2);
}

// Batches of 32, 32 and 6, in two parts each: a recording holds a whole step.
void all_of_a_step_is_captured(Device device) {
    const Change change = [](train::FitOptions& options, const Counted&, optim::Optimizer&) {
        options.epochs = 5;
        options.accumulate = 2;
        options.clip_norm = 0.3;
        options.autocast = bf16;
        options.average = train::EMA{.decay = 0.9};
    };
    const Outcome off = fitted(device, CaptureMode::off, change),
                  on = fitted(device, CaptureMode::on, change);
    EXPECT_EQ(on.numbers, off.numbers);
    EXPECT_EQ(off.calls, 5 * 6);
    EXPECT_EQ(on.calls, 5 * 2 + 3 * 2);
}

// What the host does between gradients and step is done in each.
void the_host_may_come_between_gradients_and_step(Device device) {
    const Change looks = [](train::FitOptions& options, const Counted&, optim::Optimizer&) {
        options.clip_norm = 0.3;
        options.average = train::EMA{.decay = 0.9};
        options.callbacks = {{.on_gradients = [](train::Run& run) {
            const NoGrad guard;
            if (run.step % 3 == 1)
                run.optimizer.parameters()[0].set_grad({});
            else if (run.optimizer.parameters()[1].grad().to_vector<double>()[0] > 0)
                run.optimizer.parameters()[2].grad().zero_();
        }}};
    };
    same_bits(device, looks);
    // The scale is halved until nothing overflows, which makes the recording anew.
    const Change half = [](train::FitOptions& options, const Counted&, optim::Optimizer&) {
        options.autocast = f16;
        options.accumulate = 2;
        options.epochs = 8;
    };
    const Loss large = [](const Tensor& output, const Tensor& target) {
        return cross_entropy(output, target) * 2000;
    };
    const Outcome on = fitted(device, CaptureMode::on, half, large);
    EXPECT_EQ(on.numbers, fitted(device, CaptureMode::off, half, large).numbers);
    EXPECT_LT(on.calls, 8 * 5);
}

void a_resumed_run_goes_on(Device device) {
    const TemporaryFolder folder;
    const std::string path = folder / "run.safetensors";
    const auto interrupted = [&](CaptureMode mode) {
        fitted(device, mode, [&](train::FitOptions& options, const Counted&, optim::Optimizer&) {
            options.callbacks = {{.on_batch = [&](train::Run& run) {
                if (run.step != 12) return;
                run.save(path);
                run.stop("enough");
            }}};
            options.epochs = 3;
        });
        return fitted(device, mode, [&](train::FitOptions& options, const Counted&, optim::Optimizer&) {
            options.resume = path;
        });
    };
    const std::vector<double> expected = fitted(device, CaptureMode::off).numbers;
    EXPECT_EQ(interrupted(CaptureMode::on).numbers, expected);
    EXPECT_EQ(interrupted(CaptureMode::off).numbers, expected);
}

void what_cannot_be_captured_is_said(Device device) {
    const Loss reads = [](const Tensor& output, const Tensor& target) {
        const Tensor loss = cross_entropy(output, target);
        return loss.item() > 100 ? loss * 0.5 : loss;
    };
    EXPECT_THROW(fitted(device, CaptureMode::on, {}, reads), CaptureError);
    const Waits none("0");
    std::string said;
    set_warning_handler([&](const std::string& message) { said += message + "\n"; });
    const Outcome outcome = fitted(device, CaptureMode::automatic, {}, reads);
    set_warning_handler({});
    EXPECT_EQ(outcome.numbers, fitted(device, CaptureMode::off, {}, reads).numbers);
    if (device.is_cpu()) {
        EXPECT_EQ(said, "");
    } else {
        EXPECT_NE(said.find("item()"), std::string::npos) << said;
    }
}

}  // namespace

const std::vector<DeviceCase>& fit_cases() {
    static const std::vector<DeviceCase> cases = {
        {"ACapturedFitHasTheBitsOfTheEagerOne", captured_fit_has_the_bits_of_the_eager_one},
        {"WaitsAfterLaunchesAreKept", waits_after_launches_are_kept},
        {"CallbacksOfACapturedFitSeeTheSame", callbacks_see_the_same},
        {"AModelThatChangesInAFitIsRecordedAnew", a_changed_model_is_recorded_anew},
        {"AllOfAStepIsCaptured", all_of_a_step_is_captured},
        {"TheHostMayComeBetweenGradientsAndStep", the_host_may_come_between_gradients_and_step},
        {"AResumedFitGoesOnInReplays", a_resumed_run_goes_on},
        {"AFitThatCannotBeCapturedSaysWhy", what_cannot_be_captured_is_said},
    };
    return cases;
}

}  // namespace adjoint
