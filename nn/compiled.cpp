// Recordings of a forward pass, and when one is made anew.
#include <adjoint/nn/compiled.h>

#include <algorithm>
#include <list>
#include <mutex>
#include <optional>
#include <utility>

#include <adjoint/autograd/record/autocast.h>
#include <adjoint/autograd/record/grad_mode.h>
#include <adjoint/core/base/format.h>
#include <adjoint/core/base/warning.h>
#include <adjoint/core/capture/capture.h>
#include <adjoint/core/contract/precision.h>
#include <adjoint/core/contract/recording.h>

namespace adjoint::nn {
namespace {

constinit thread_local bool fixed = false;

class FixedWeights {
  public:
    FixedWeights() noexcept : before_(std::exchange(fixed, true)) {}
    ~FixedWeights() { fixed = before_; }
    FixedWeights(const FixedWeights&) = delete;
    FixedWeights& operator=(const FixedWeights&) = delete;

  private:
    bool before_;
};

}  // namespace

bool weights_are_fixed() noexcept { return fixed; }

namespace detail {

void throw_input_count(const Module& model, std::size_t given) {
    fail<ValueError>("{}: the model does not take {} inputs", model.kind().empty() ? "model" : model.kind(),
                     given);
}

}  // namespace detail

struct Compiled::State {
    struct Setting {
        MatmulPrecision precision = matmul_precision();
        std::optional<DType> autocast = autocast_type();
        bool operator==(const Setting&) const = default;
    };

    // Where a weight lies, and how often it was written.
    struct Weight {
        const void* data;
        std::uint32_t version;
        explicit Weight(const Tensor& of) : data(of.impl().data), version(of.version()) {}
        bool operator==(const Weight&) const = default;
    };

    // A forward pass on inputs of certain shapes.
    struct Pass {
        std::mutex in_use;
        std::vector<Tensor> inputs, outputs;
        Setting setting;
        std::vector<Weight> weights;  // as they were when outputs and step were made
        std::uint64_t replays = 0;    // writes_by_replays() then
        bool made = false;
        std::optional<Captured> step;  // none where it cannot be recorded

        void take(const std::vector<Tensor>& given) const {
            for (std::size_t i = 0; i < given.size(); ++i) inputs[i].copy_(given[i]);
        }
        bool takes(const std::vector<Tensor>& given) const {
            if (given.size() != inputs.size() || setting != Setting()) return false;
            for (std::size_t i = 0; i < given.size(); ++i)
                if (!given[i].is_like(inputs[i])) return false;
            return true;
        }
    };

    State(const Module& of, Forward pass, const CompileOptions& options)
        : model(of), forward(std::move(pass)), most(static_cast<std::size_t>(options.recordings)) {
        for (const auto& [name, tensor] : model.state()) weights.push_back(tensor);
    }

    bool is_current(const Pass& pass) const {
        return pass.made && pass.replays == writes_by_replays() &&
               std::equal(weights.begin(), weights.end(), pass.weights.begin(),
                          [](const Tensor& now, const Weight& then) { return Weight(now) == then; });
    }

    std::vector<Weight> current_weights() const { return {weights.begin(), weights.end()}; }

    // A second pass would write once more than was asked for.
    void warn_of_writes(const std::vector<Weight>& before) const {
        const NamedTensors state = model.state();
        std::size_t i = 0;
        while (Weight(weights[i]) == before[i]) ++i;
        warn_once("compile writes " + state[i].first,
                  fmt::format("compile: the model is run as it is: it writes {}", state[i].first));
    }

    std::shared_ptr<Pass> pass_for(const std::vector<Tensor>& given) {
        const std::lock_guard lock(mutex);
        for (auto one = passes.begin(); one != passes.end(); ++one) {
            if (!(*one)->takes(given)) continue;
            passes.splice(passes.begin(), passes, one);
            return passes.front();
        }
        auto made = std::make_shared<Pass>();
        for (const Tensor& x : given) made->inputs.push_back(x.detach().clone());
        passes.push_front(std::move(made));
        if (passes.size() > most) passes.pop_back();
        return passes.front();
    }

    void record(Pass& pass, const std::vector<Tensor>& inputs) const {
        const FixedWeights now;
        pass.made = false;
        pass.step.reset();
        // What a model finds out in its first pass is known in the second.
        const std::vector<Weight> before = current_weights();
        pass.outputs = forward(pass.inputs);
        pass.weights = current_weights();
        pass.made = true;
        if (pass.weights != before) return warn_of_writes(before);
        pass.made = false;
        pass.outputs.clear();
        pass.take(inputs);  // it may have written into them
        const Device device = (weights.empty() ? pass.inputs[0] : weights[0]).device();
        try {
            pass.step =
                capture([&] { pass.outputs = forward(pass.inputs); }, {.device = device, .warmup = 0});
        } catch (const CaptureError& error) {
            warn_once("compile without capture",
                      fmt::format("compile: the model is run as it is: {}", error.what()));
            pass.take(inputs);
            pass.outputs = forward(pass.inputs);
        }
        pass.weights = current_weights();
        pass.replays = writes_by_replays();
        pass.made = true;
    }

    const Module model;
    const Forward forward;
    const std::size_t most;
    std::vector<Tensor> weights;
    std::mutex mutex;
    std::list<std::shared_ptr<Pass>> passes;
};

Compiled::Compiled(const Module& model, Forward forward, const CompileOptions& options) {
    check<ValueError>(options.recordings >= 1, "compile: {} recordings, expected at least 1",
                      options.recordings);
    state_ = std::make_shared<State>(model, std::move(forward), options);
}

std::vector<Tensor> Compiled::operator()(const std::vector<Tensor>& inputs) const {
    const NoGrad no_grad;
    const EvaluationMode mode;
    check<ValueError>(!inputs.empty(), "compile: the model is called without inputs");
    for (const Tensor& x : inputs) check<ValueError>(x.defined(), "compile: an input is undefined");
    if (is_capturing()) return state_->forward(inputs);
    const std::shared_ptr<State::Pass> pass = state_->pass_for(inputs);
    const std::lock_guard lock(pass->in_use);
    pass->take(inputs);
    if (!state_->is_current(*pass))
        state_->record(*pass, inputs);
    else if (pass->step)
        pass->step->replay();
    else
        return state_->forward(inputs);
    std::vector<Tensor> results;
    for (const Tensor& y : pass->outputs) results.push_back(y.defined() ? y.clone() : y);
    return results;
}

std::vector<Compiled::Recorded> Compiled::recordings() const {
    const std::lock_guard lock(state_->mutex);
    std::vector<Recorded> all;
    for (const std::shared_ptr<State::Pass>& pass : state_->passes) {
        const std::lock_guard in_use(pass->in_use);
        if (!pass->step) continue;
        Recorded one{.shapes = {}, .calls = pass->step->calls(), .peak_bytes = pass->step->peak_bytes()};
        for (const Tensor& x : pass->inputs) one.shapes.push_back(x.shape());
        all.push_back(std::move(one));
    }
    return all;
}

std::string to_string(const Compiled& compiled) {
    std::string text;
    for (const Compiled::Recorded& one : compiled.recordings())
        text += fmt::format("{}: {} calls, at most {:.1f} MB\n", fmt::join(one.shapes, ", "), one.calls,
                            static_cast<double>(one.peak_bytes) / 1e6);
    return text;
}

}  // namespace adjoint::nn
