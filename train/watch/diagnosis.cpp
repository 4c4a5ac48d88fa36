// The rules and their words.
#include <adjoint/train/watch/diagnosis.h>

#include <algorithm>
#include <cmath>

#include <adjoint/autograd/ops/arithmetic.h>
#include <adjoint/autograd/ops/elementwise.h>
#include <adjoint/autograd/ops/reduce.h>
#include <adjoint/autograd/record/grad_mode.h>
#include <adjoint/core/base/format.h>
#include <adjoint/nn/activation.h>

namespace adjoint::train {
namespace {

using Findings = std::vector<Finding>;

constexpr std::size_t fewest_epochs = 3;

void look_for_divergence(const History& history, Findings& findings) {
    const char* const advice =
        "Lower the learning rate by a factor of 10, normalise the inputs, or clip the gradients";
    for (const EpochRecord& r : history.epochs)
        if (!std::isfinite(r.train.loss) || std::isinf(r.validation.loss)) {
            // The end of the run says it where the data were to blame.
            const std::size_t cause = history.end.find(" hold ");
            if (cause == std::string::npos)
                findings.push_back(
                    {Trouble::diverged, fmt::format("The loss of epoch {} is not finite", r.epoch), advice});
            else
                findings.push_back({Trouble::diverged, "T" + history.end.substr(1),
                                    "Mend these numbers, or leave their samples out"});
            return;
        }
    const double first = history.epochs.front().train.loss, last = history.last().train.loss;
    if (history.epochs.size() >= fewest_epochs && last > 2 * first)
        findings.push_back({Trouble::diverged,
                            fmt::format("The training loss rose from {:.4g} to {:.4g}", first, last),
                            advice});
}

void look_for_a_stall(const History& history, Findings& findings) {
    const double first = history.epochs.front().train.loss;
    double least = first;
    for (const EpochRecord& r : history.epochs) least = std::min(least, r.train.loss);
    if (least > 0.99 * first)
        findings.push_back(
            {Trouble::stalled,
             fmt::format("The training loss began at {:.4g} and never fell below {:.4g}", first, least),
             "Check that the optimizer has the model's parameters and that gradients are not zero; try other "
             "learning rates, another initialisation, and whether the model can learn ten samples by heart"});
}

void look_for_over_fitting(const History& history, Findings& findings) {
    const EpochRecord* best = nullptr;
    for (const EpochRecord& r : history.epochs)
        if (std::isfinite(r.validation.loss) && (!best || r.validation.loss < best->validation.loss))
            best = &r;
    const EpochRecord& last = history.last();
    if (!best || best == &last || !(last.validation.loss > 1.1 * best->validation.loss) ||
        !(last.train.loss < best->train.loss))
        return;
    findings.push_back(
        {Trouble::over_fitting,
         fmt::format("The validation loss was best in epoch {} with {:.4g} and rose to {:.4g}, while the "
                     "training loss fell from {:.4g} to {:.4g}",
                     best->epoch, best->validation.loss, last.validation.loss, best->train.loss,
                     last.train.loss),
         "Stop early, use dropout or weight decay, more or augmented data, or a smaller model"});
}

void look_for_under_fitting(const History& history, Findings& findings) {
    const std::size_t n = history.epochs.size();
    const double first = history.epochs.front().train.loss, last = history.last().train.loss;
    const std::size_t tenth = std::max<std::size_t>(1, n / 10);
    const double gained = history.epochs[n - 1 - tenth].train.loss - last;
    if (n >= 5 && gained > 0.05 * (first - last)) {
        findings.push_back({Trouble::under_fitting,
                            fmt::format("The training loss was still falling, by {:.4g} in the last {}, when "
                                        "the training ended at {:.4g}",
                                        gained, tenth == 1 ? "epoch" : fmt::format("{} epochs", tenth), last),
                            "Train for more epochs, or with a higher learning rate"});
        return;
    }
    if (last > 0.5 * first && !(history.last().train.accuracy >= 0.9))
        findings.push_back(
            {Trouble::under_fitting,
             fmt::format("The training loss settled at {:.4g}, more than half of the {:.4g} it "
                         "began with",
                         last, first),
             "Try a larger model, less regularisation, better features, or another learning "
             "rate"});
}

// Units along dimension 1 that are 0 for all samples and places.
double dead_share(const Tensor& activations) {
    if (activations.dim() < 2 || activations.shape()[1] == 0) return 0;
    Tensor highest = amax(activations, 0);
    while (highest.dim() > 1) highest = amax(highest, 1);
    return sum(eq(highest, 0)).item() / static_cast<double>(activations.shape()[1]);
}

// Runs the layers one by one; `visit(layer, its name, x behind it)` may end the walk with true.
template <class Visit>
Tensor walk(const nn::Sequential& model, Tensor x, const std::string& prefix, bool& ended, Visit visit) {
    for (std::size_t i = 0; i < model.size() && !ended; ++i) {
        const std::string name = prefix + std::to_string(i);
        if (const auto* inner = model[i].get<nn::Sequential>()) {
            x = walk(*inner, x, name + ".", ended, visit);
            continue;
        }
        x = model[i](x);
        ended = visit(model[i], name, x);
    }
    return x;
}

// Without a graph and in evaluation mode.
template <class Visit> void walk(const nn::Sequential& model, const Tensor& inputs, Visit visit) {
    const NoGrad guard;
    const nn::EvaluationMode mode;
    bool ended = false;
    walk(model, inputs, "", ended, visit);
}

// Whether the units along dimension 1 give one number for each sample and place.
bool are_alike(const Tensor& activations) {
    return activations.dim() >= 2 && activations.shape()[1] > 1 &&
           equal(amax(activations, 1), amin(activations, 1));
}

// How far the activations deviate from their means over the samples.
double deviation(const Tensor& activations) {
    return std::sqrt(mean(square(activations - mean(activations, 0, true))).item());
}

}  // namespace

const char* name(Trouble trouble) noexcept {
    constexpr const char* names[] = {"diverged",     "stalled",    "under-fitting",
                                     "over-fitting", "dead units", "bad initialisation"};
    return names[static_cast<std::size_t>(trouble)];
}

std::string to_string(const Finding& finding) {
    return fmt::format("{}: {}. {}.", name(finding.trouble), finding.explanation, finding.advice);
}

Findings diagnose(const History& history) {
    Findings findings;
    if (history.empty()) return findings;
    look_for_divergence(history, findings);
    if (!findings.empty() || history.epochs.size() < fewest_epochs) return findings;
    look_for_a_stall(history, findings);
    if (!findings.empty()) return findings;
    look_for_over_fitting(history, findings);
    if (findings.empty()) look_for_under_fitting(history, findings);
    return findings;
}

Findings find_dead_units(const nn::Sequential& model, const Tensor& inputs, double tolerated) {
    check<ValueError>(tolerated >= 0 && tolerated < 1, "find_dead_units: tolerated {}, expected [0, 1)",
                      tolerated);
    check<ShapeError>(inputs.dim() > 0 && inputs.numel() > 0,
                      "find_dead_units: inputs of shape {}: no samples", inputs.shape());
    Findings findings;
    walk(model, inputs, [&](const nn::Layer& layer, const std::string& name, const Tensor& x) {
        const double share = layer.get<nn::ReLU>() ? dead_share(x) : 0;
        if (share > tolerated)
            findings.push_back({Trouble::dead_units,
                                fmt::format("{:.0f} % of the units behind layer {} are 0 for every sample",
                                            100 * share, name),
                                "Lower the learning rate, use LeakyReLU, GELU or batch normalisation, or "
                                "initialise the layer before with kaiming_uniform_"});
        return false;
    });
    return findings;
}

Findings find_bad_initialisation(const nn::Sequential& model, const Tensor& inputs) {
    check<ShapeError>(inputs.dim() > 0 && inputs.numel() > 0 && inputs.shape()[0] > 1,
                      "find_bad_initialisation: inputs of shape {}, expected at least two samples",
                      inputs.shape());
    constexpr double far = 1000;
    constexpr double most_dead = 0.5;
    const double start = deviation(inputs);
    Findings findings;
    walk(model, inputs, [&](const nn::Layer& layer, const std::string& name, const Tensor& x) {
        const double dead = layer.get<nn::ReLU>() ? dead_share(x) : 0, now = deviation(x);
        const auto found = [&](std::string what, const char* advice) {
            findings.push_back({Trouble::bad_initialisation, std::move(what), advice});
        };
        if (dead > most_dead)
            found(fmt::format(
                      "Before the training {:.0f} % of the units behind layer {} are 0 for every sample",
                      100 * dead, name),
                  "Begin with biases of 0 and weights by kaiming_uniform_");
        else if (are_alike(x))
            found(fmt::format(
                      "Before the training all units behind layer {} give the same, so they would learn "
                      "the same",
                      name),
                  "Begin with random weights, by kaiming_uniform_ or xavier_uniform_");
        else if (now * far < start || now > far * start)
            found(fmt::format(
                      "Before the training the activations behind layer {} deviate by {:.2g}, the inputs "
                      "by {:.2g}",
                      name, now, start),
                  "Begin with weights by kaiming_uniform_ (ReLU) or xavier_uniform_ (sigmoid, tanh), or use "
                  "batch normalisation");
        return !findings.empty();
    });
    return findings;
}

}  // namespace adjoint::train
