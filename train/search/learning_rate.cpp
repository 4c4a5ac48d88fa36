// A fit whose callback raises the rate, and what its losses say.
#include <adjoint/train/search/learning_rate.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include <adjoint/core/base/format.h>
#include <adjoint/core/contract/generator.h>
#include <adjoint/train/copies.h>

namespace adjoint::train {
namespace {

void check_rate_test(const RateTestOptions& options) {
    check<ValueError>(options.min_lr > 0 && options.min_lr < options.max_lr && std::isfinite(options.max_lr),
                      "find_learning_rate: rates from {} to {}; expected 0 < min_lr < max_lr", options.min_lr,
                      options.max_lr);
    check<ValueError>(options.steps >= 2, "find_learning_rate: {} steps, expected 2 or more", options.steps);
    check<ValueError>(options.smoothing >= 0 && options.smoothing < 1,
                      "find_learning_rate: smoothing {} is outside [0, 1)", options.smoothing);
    check<ValueError>(options.explosion > 1, "find_learning_rate: explosion {}, expected more than 1",
                      options.explosion);
    const FitOptions &given = options.fit, untouched;
    check<ValueError>(given.epochs == untouched.epochs && given.validation_split == 0 && !given.validation &&
                          given.callbacks.empty() && given.resume.empty() && given.average.index() == 0 &&
                          given.metrics.empty(),
                      "find_learning_rate: epochs, validation, callbacks, resume, average and metrics of fit "
                      "do not count here; leave them as they are");
}

// Model, optimizer, gradients and generator as they were, put back in the end.
class PutBack {
  public:
    PutBack(const Trainee& trainee, optim::Optimizer& optimizer)
        : trainee_(trainee),
          optimizer_(optimizer),
          model_(copied(trainee.module.state())),
          rates_(copied(optimizer.state())),
          parameters_(optimizer.parameters()) {
        for (const Tensor& parameter : parameters_) gradients_.push_back(parameter.grad());
    }
    void now() const {
        trainee_.module.load(model_);
        optimizer_.load_state(rates_);
        for (std::size_t i = 0; i < parameters_.size(); ++i) parameters_[i].set_grad(gradients_[i]);
        set_generator_state(generator_);
    }

  private:
    const Trainee& trainee_;
    optim::Optimizer& optimizer_;
    const data::NamedTensors model_, rates_;
    const std::vector<Tensor> parameters_;
    std::vector<Tensor> gradients_;
    const GeneratorState generator_ = generator_state();
};

// The rates of groups for a highest rate of 1.
std::vector<double> shares_of(const optim::Optimizer& optimizer) {
    std::vector<double> shares;
    for (std::size_t g = 0; g < optimizer.group_count(); ++g) shares.push_back(optimizer.lr(g));
    const double highest = *std::max_element(shares.begin(), shares.end());
    for (double& share : shares) share = highest > 0 ? share / highest : 1;
    return shares;
}

// Over a twentieth of the steps on either side, and not among the first ones: what differs between batches
// looks like a fall where the rate is too small for one.
std::optional<double> steepest(const RateTest& test, std::int64_t steps) {
    const std::vector<double>& y = test.smoothed;
    const auto lowest = static_cast<std::size_t>(std::min_element(y.begin(), y.end()) - y.begin());
    const std::size_t width = std::max<std::size_t>(1, static_cast<std::size_t>(steps) / 20);
    double most = 0;
    std::optional<double> rate;
    // Steps in the logarithm of the rate are of one length: the slope is a difference.
    for (std::size_t i = 2 * width; i + width <= lowest; ++i)
        if (const double fall = y[i - width] - y[i + width]; fall > most) {
            most = fall;
            rate = test.rates[i];
        }
    return rate;
}

}  // namespace

RateTest find_learning_rate(const Trainee& trainee, optim::Optimizer& optimizer, const data::Samples& samples,
                            const RateTestOptions& options) {
    check_rate_test(options);
    const std::vector<double> shares = shares_of(optimizer);
    RateTest test;
    double sum = 0, weight = 0, smallest = std::numeric_limits<double>::infinity();
    const auto set_rate = [&] {
        const double part = static_cast<double>(test.losses.size()) / static_cast<double>(options.steps - 1);
        const double rate = options.min_lr * std::pow(options.max_lr / options.min_lr, part);
        for (std::size_t g = 0; g < shares.size(); ++g) optimizer.set_lr(rate * shares[g], g);
        test.rates.push_back(rate);
    };
    FitOptions steps = options.fit;
    steps.epochs = std::numeric_limits<int>::max();
    steps.verbose = false;
    steps.callbacks = {{.on_begin = [&](Run&) { set_rate(); },
                        .on_batch =
                            [&](Run& run) {
                                const double loss = run.loss.item();
                                sum = options.smoothing * sum + loss;
                                weight = options.smoothing * weight + 1;
                                test.losses.push_back(loss);
                                test.smoothed.push_back(sum / weight);
                                smallest = std::min(smallest, test.smoothed.back());
                                const double bound = smallest + (options.explosion - 1) * std::abs(smallest);
                                test.exploded = !(test.smoothed.back() <= bound);
                                if (test.exploded)
                                    run.stop("the loss explodes");
                                else if (std::ssize(test.losses) == options.steps)
                                    run.stop("all rates are tried");
                                else
                                    set_rate();
                            }}};
    const PutBack before(trainee, optimizer);
    try {
        named("find_learning_rate", [&] { fit(trainee, optimizer, samples, steps); });
    } catch (...) {
        before.now();
        throw;
    }
    before.now();
    check<ValueError>(!test.losses.empty(), "find_learning_rate: no samples");
    test.suggestion = steepest(test, options.steps);
    return test;
}

picture::Svg draw(const RateTest& test, const std::string& title) {
    picture::Chart chart(
        {.title = title, .x = {.label = "learning rate", .log = true}, .y = {.label = "loss"}});
    chart.line("loss", test.rates, test.losses, {.width = 0.8});
    chart.line("smoothed", test.rates, test.smoothed);
    if (test.suggestion) {
        const auto at = static_cast<std::size_t>(
            std::find(test.rates.begin(), test.rates.end(), *test.suggestion) - test.rates.begin());
        chart.scatter(fmt::format("suggestion: {:.2g}", *test.suggestion), {test.rates[at]},
                      {test.smoothed[at]});
    }
    return chart.draw();
}

}  // namespace adjoint::train
