// Lectures L1.1 and L1.2: a class for nets of any number of layers, described by their sizes and activations,
// learns XOR by gradients that are made by hand.
//
// The slides' class has no biases, and passes E[i] = E[i+1] W^T back to the layer before, where the chain
// rule wants dZ[i+1] W^T: each layer leaves out a factor, the slope of its activation. gradcheck tells the
// two apart. What the slides make is no gradient, but it mostly has its signs, and with sigmoids, whose
// slopes are small, it takes larger steps: so the slides' nets learn XOR in 5,000 epochs. The right ones need
// a larger rate, and biases: 2-4-1 without them, with tanh first, says 1/2 at (0, 0) whatever its weights.
#include <adjoint/adjoint.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "lecture.h"

using namespace adjoint;

namespace {

struct Activation {
    const char* name;
    Tensor (*function)(const Tensor&);
    Tensor (*slope)(const Tensor& result);  // of its result
};
const Activation sigmoid_layer{"sigmoid", sigmoid, [](const Tensor&a) { return a * (1 - a); }},
    tanh_layer{"tanh", tanh, [](const Tensor&a) { return 1 - a * a; }};

enum class Backward { slides, chain_rule };

struct Plan {
    std::string name;
    std::vector<std::int64_t> sizes;
    std::vector<Activation> activations;
    Backward backward;
    bool biases;
    double rate;  // of an update that is divided by the number of samples
};

class DeepNet {
  public:
    explicit DeepNet(const Plan& plan) : plan_(plan) {
        for (std::size_t i = 0; i + 1 < plan.sizes.size(); ++i)
            weights_.push_back(2 * rand({plan.sizes[i] + plan.biases, plan.sizes[i + 1]}, f64) - 1);
    }

    /// The cost sqrt(sum e^2) before each epoch.
    picture::Values fit(const Tensor& x, const Tensor& y, int epochs) {
        picture::Values costs;
        for (int epoch = 0; epoch < epochs; ++epoch) {
            const std::vector<Tensor> results = layers(x);
            costs.push_back(norm(results.back() - y).item());
            const std::vector<Tensor> gradients = this->gradients(results, y);
            const double step = plan_.rate / static_cast<double>(x.size(0));
            for (std::size_t i = 0; i < weights_.size(); ++i) weights_[i] -= step * gradients[i];
        }
        return costs;
    }
    Tensor predict(const Tensor& x) const { return layers(x).back(); }
    /// The share of answers on the right side of 1/2.
    double evaluate(const Tensor& x, const Tensor& y) const {
        return mean(eq(predict(x) > 0.5, y > 0.5).to(f64)).item();
    }

    const std::vector<Tensor>& weights() const { return weights_; }
    void set_weights(std::vector<Tensor> weights) { weights_ = std::move(weights); }
    /// What the inputs become, layer by layer, themselves first.
    std::vector<Tensor> layers(const Tensor& x) const {
        std::vector<Tensor> results{x};
        for (std::size_t i = 0; i < weights_.size(); ++i)
            results.push_back(plan_.activations[i].function(matmul(inputs(results[i]), weights_[i])));
        return results;
    }
    /// Of 1/2 sum e^2 by each layer's weights, as the plan's rule has them.
    std::vector<Tensor> gradients(const std::vector<Tensor>& results, const Tensor& y) const {
        std::vector<Tensor> gradients(weights_.size());
        Tensor error = results.back() - y;
        for (std::size_t i = weights_.size(); i-- > 0;) {
            const Tensor dz = error * plan_.activations[i].slope(results[i + 1]);
            gradients[i] = matmul(t(inputs(results[i])), dz);
            const Tensor passed = plan_.backward == Backward::chain_rule ? dz : error;
            error = matmul(passed, t(narrow(weights_[i], 0, 0, plan_.sizes[i])));
        }
        return gradients;
    }

  private:
    // A bias is the weight of a 1.
    Tensor inputs(const Tensor& x) const { return plan_.biases ? cat({x, ones({x.size(0), 1}, f64)}, 1) : x; }

    const Plan plan_;
    std::vector<Tensor> weights_;
};

const Tensor x = tensor({{0, 0}, {0, 1}, {1, 0}, {1, 1}}).to(f64),
             y = unsqueeze(tensor({0, 1, 1, 0}), 1).to(f64);

// The net's cost as one function of its weights, with the gradients that it makes by hand.
struct Cost : Function {
    static constexpr auto name = "the net's cost";
    DeepNet net;
    explicit Cost(const Plan& plan) : net(plan) {}
    Tensor forward(std::span<const Tensor> weights) {
        net.set_weights({weights.begin(), weights.end()});
        return 0.5 * sum(square(net.predict(x) - y));
    }
    Grads backward(const Tensor& g) {
        Grads result;
        for (const Tensor& gradient : net.gradients(net.layers(x), y)) result.push_back(g * gradient);
        return result;
    }
};

void check_gradients(Plan plan, std::uint64_t seed) {
    manual_seed(seed);
    std::vector<Tensor> weights;
    const DeepNet net(plan);
    for (const Tensor& w : net.weights()) weights.push_back(w.clone().set_requires_grad());
    const GradcheckResult result = gradcheck(
        [&](const std::vector<Tensor>& inputs) { return record(Cost(plan), std::span(inputs)); }, weights);
    say("gradcheck of the %s: %s\n",
        tr(plan.backward == Backward::chain_rule ? "chain rule" : "slides' rule"),
        result ? tr("right") : result.message.c_str());
}

// By how much the slides' update is longer than the gradient, layer by layer from the last.
void print_ratios(Plan plan, std::uint64_t seed) {
    const auto gradients_by = [&](Backward backward) {
        manual_seed(seed);
        plan.backward = backward;
        const DeepNet net(plan);
        return net.gradients(net.layers(x), y);
    };
    const std::vector<Tensor> slides = gradients_by(Backward::slides),
                              right = gradients_by(Backward::chain_rule);
    say("slides' update / gradient, from the last layer:");
    for (std::size_t i = right.size(); i-- > 0;)
        std::printf(" %.1f", (norm(slides[i]) / norm(right[i])).item());
    std::printf("\n\n");
}

std::vector<Plan> plans() {
    const std::vector<Activation> deep{sigmoid_layer, sigmoid_layer, sigmoid_layer},
        deep_tanh{tanh_layer, sigmoid_layer, sigmoid_layer}, flat{sigmoid_layer, sigmoid_layer},
        flat_tanh{tanh_layer, sigmoid_layer};
    const std::vector<std::int64_t> three{2, 4, 2, 1}, two{2, 4, 1};
    std::vector<Plan> all;
    const auto add = [&](const std::string& name, const std::vector<std::int64_t>& sizes,
                         const std::vector<Activation>& activations) {
        all.push_back({tr(name) + tr(", slides"), sizes, activations, Backward::slides, false, 0.5});
        all.push_back(
            {tr(name) + tr(", right, no biases"), sizes, activations, Backward::chain_rule, false, 0.5});
        all.push_back({tr(name) + tr(", right"), sizes, activations, Backward::chain_rule, true, 4});
    };
    add("2-4-2-1 sigmoid", three, deep);
    add("2-4-1 sigmoid", two, flat);
    add("2-4-2-1 tanh first", three, deep_tanh);
    add("2-4-1 tanh first", two, flat_tanh);
    return all;
}

picture::Svg regions_of(const std::string& title, const DeepNet& net, int cells = 160) {
    const picture::Axis axis{.range = picture::Range{-0.5, 1.5}};
    return picture::Chart(
               {.title = title, .x = axis, .y = axis, .width = 280, .height = 290, .legend_below = true})
        .regions([&](const Tensor& points) { return net.predict(points.to(f64)); }, cells)
        .scatter("0", {0, 1}, {0, 1}, 6)
        .scatter("1", {0, 1}, {1, 0}, 6)
        .draw();
}

// The regions of a net while it learns.
picture::Svg learning(const Plan& plan, std::uint64_t seed) {
    constexpr int pictures = 24, epochs = 60;  // from one to the next
    manual_seed(seed);
    DeepNet net(plan);
    std::vector<picture::Svg> frames;
    for (int i = 0; i < pictures; ++i) {
        frames.push_back(regions_of(text_of("%s, epoch %d", plan.name.c_str(), i * epochs), net, 64));
        net.fit(x, y, epochs);
    }
    return picture::animation(frames);
}

// How many seeds learn it, and the costs of the first that does not.
picture::Values failure_among(const Plan& plan, int seeds, int epochs) {
    int learned = 0;
    picture::Values failure;
    std::string failed;
    for (int seed = 1; seed <= seeds; ++seed) {
        manual_seed(static_cast<std::uint64_t>(seed));
        DeepNet net(plan);
        const picture::Values costs = net.fit(x, y, epochs);
        if (net.evaluate(x, y) == 1) {
            ++learned;
            continue;
        }
        if (failure.empty()) failure = costs;
        failed += " " + std::to_string(seed);
    }
    say("%s %d of %d seeds learn XOR%s%s\n", padded(plan.name, 40).c_str(), learned, seeds,
        failed.empty() ? "" : tr("; not"), failed.c_str());
    return failure;
}

void lecture(const LectureOptions& options) {
    const int epochs = 5000, seeds = options.quick ? 4 : 50;
    const std::vector<Plan> all = plans();
    check_gradients(all[1], options.seed);
    check_gradients(all[0], options.seed);
    print_ratios(all[0], options.seed);
    const auto chart_of = [](const char* title) {
        return picture::Chart({.title = title,
                               .x = {.label = tr("epoch")},
                               .y = {.label = tr("sqrt(sum of e^2)"), .range = picture::Range{0, 1.15}},
                               .width = 560,
                               .height = 440,
                               .legend_below = true});
    };
    picture::Chart deep = chart_of(tr("XOR by 2-4-2-1: cost per epoch")), flat = chart_of(tr("XOR by 2-4-1"));
    std::array<std::vector<picture::Svg>, 3> regions;  // of the nets by each of the three rules
    for (const Plan& plan : all) {
        manual_seed(options.seed);
        DeepNet net(plan);
        const picture::Values curve = net.fit(x, y, epochs);
        say("%s cost %.3f -> %.3f, right %.2f, outputs", padded(plan.name, 40).c_str(), curve.front(),
            curve.back(), net.evaluate(x, y));
        for (const double v : net.predict(x).to_vector<double>()) std::printf(" %.3f", v);
        std::printf("\n");
        (plan.sizes.size() == 4 ? deep : flat).curve(plan.name, curve, {.first = 0});
        regions[static_cast<std::size_t>(&plan - all.data()) % 3].push_back(regions_of(plan.name, net));
    }
    picture::save_text(options.picture("l1_1_costs.svg"), picture::grid({deep.draw(), flat.draw()}, 1).str());
    for (const std::size_t rule : {1, 2})
        regions[0].insert(regions[0].end(), regions[rule].begin(), regions[rule].end());
    picture::save_text(options.picture("l1_1_regions.svg"), picture::grid(regions[0], 2).str());
    picture::save_text(options.picture("l1_1_learning.svg"), learning(all[2], options.seed).str());
    std::printf("\n");
    picture::Chart failures = chart_of(tr("First weights that lead nowhere"));
    for (const Plan& plan : {all[0], all[1], all[2]})
        if (const picture::Values failure = failure_among(plan, seeds, epochs); !failure.empty())
            failures.curve(plan.name, failure, {.first = 0});
    failures.save(options.picture("l1_1_failures.svg"));
}

}  // namespace

int main(int argc, char** argv) {
    return run_lecture(
        argc, argv,
        "A class for nets of any depth learns XOR, as the slides have it and with the chain rule.", lecture,
        {.time = "some seconds",
         .files = "l1_1_costs.svg, l1_1_failures.svg, l1_1_learning.svg, l1_1_regions.svg"});
}
