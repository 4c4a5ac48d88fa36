// Schedules: the rates of the first epochs, boundaries, groups with their own base rates, resuming.
#include <adjoint/optim/schedule.h>

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numbers>

#include <adjoint/core/base/error.h>
#include <adjoint/core/tensor/creation.h>
#include <adjoint/optim/sgd.h>

namespace adjoint::optim {
namespace {

using Vector = std::vector<double>;

struct Two {
    SGD sgd{{{.parameters = {ones({1})}, .options = {.lr = 1.0}},
             {.parameters = {ones({1})}, .options = {.lr = 0.5}}}};
};

/// The rates of the first group; those of the second are half as large where the formula is proportional.
void expect_rates(SGD& sgd, Schedule& schedule, const Vector& rates, bool proportional = true) {
    for (std::size_t i = 0; i < rates.size(); ++i) {
        EXPECT_NEAR(sgd.lr(0), rates[i], 1e-12) << "epoch " << i;
        if (proportional) {
            EXPECT_NEAR(sgd.lr(1), rates[i] / 2, 1e-12) << "epoch " << i;
        }
        EXPECT_EQ(schedule.epoch(), static_cast<std::int64_t>(i));
        if (i + 1 < rates.size()) schedule.step();
    }
}

TEST(Schedule, FollowsItsFormula) {
    {
        Two two;
        StepLR schedule(two.sgd, 2, 0.1);
        expect_rates(two.sgd, schedule, {1, 1, 0.1, 0.1, 0.01});
    }
    {
        Two two;
        MultiStepLR schedule(two.sgd, {1, 3, 3}, 0.5);
        expect_rates(two.sgd, schedule, {1, 0.5, 0.5, 0.125, 0.125});
    }
    {
        Two two;
        ExponentialLR schedule(two.sgd, 0.5);
        expect_rates(two.sgd, schedule, {1, 0.5, 0.25, 0.125});
    }
    {
        Two two;
        CosineAnnealingLR schedule(two.sgd, 4);
        const double root = std::numbers::sqrt2 / 2;
        expect_rates(two.sgd, schedule, {1, (1 + root) / 2, 0.5, (1 - root) / 2, 0, (1 - root) / 2});
    }
    {
        Two two;
        CosineAnnealingLR schedule(two.sgd, 2, 0.2);
        expect_rates(two.sgd, schedule, {1, 0.6, 0.2}, false);
    }
    {
        Two two;
        LinearLR schedule(two.sgd, {.start_factor = 0.2, .end_factor = 1, .total_iters = 4});
        expect_rates(two.sgd, schedule, {0.2, 0.4, 0.6, 0.8, 1, 1});
    }
    {
        Two two;
        LambdaLR schedule(two.sgd, [](std::int64_t epoch) { return 1.0 / static_cast<double>(1 + epoch); });
        expect_rates(two.sgd, schedule, {1, 0.5, 1.0 / 3, 0.25});
    }
}

TEST(Schedule, WarmRestarts) {
    const double root = std::numbers::sqrt2 / 2;
    {
        Two two;
        CosineAnnealingWarmRestarts schedule(two.sgd, 4);
        expect_rates(two.sgd, schedule, {1, (1 + root) / 2, 0.5, (1 - root) / 2, 1, (1 + root) / 2});
        for (int i = 0; i < 7; ++i) schedule.step();
        EXPECT_EQ(two.sgd.lr(0), 1) << "the third round";
    }
    {
        Two two;  // rounds of 1, 2 and 4
        CosineAnnealingWarmRestarts schedule(two.sgd, 1, 2, 0.2);
        const double high = 0.2 + 0.8 * (1 + root) / 2, low = 0.2 + 0.8 * (1 - root) / 2;
        expect_rates(two.sgd, schedule, {1, 1, 0.6, 1, high, 0.6, low, 1}, false);
    }
}

TEST(Schedule, ConstantAndPolynomial) {
    {
        Two two;
        ConstantLR schedule(two.sgd, 0.25, 3);
        expect_rates(two.sgd, schedule, {0.25, 0.25, 0.25, 1, 1});
    }
    {
        Two two;
        PolynomialLR schedule(two.sgd, 4, 2);
        expect_rates(two.sgd, schedule, {1, 0.5625, 0.25, 0.0625, 0, 0});
    }
    {
        Two two;
        PolynomialLR schedule(two.sgd, 4);
        expect_rates(two.sgd, schedule, {1, 0.75, 0.5, 0.25, 0, 0});
    }
}

TEST(Schedule, OneAfterTheOther) {
    Two two;
    LinearLR rise(two.sgd, {.start_factor = 0.5, .total_iters = 2});
    ExponentialLR fall(two.sgd, 0.5);
    ConstantLR rest(two.sgd, 0.1, 100);
    SequentialLR schedule(two.sgd, {rise, fall, rest}, {2, 5});
    expect_rates(two.sgd, schedule, {0.5, 0.75, 1, 0.5, 0.25, 0.1, 0.1});

    Two other;
    LinearLR again(other.sgd, {.start_factor = 0.5, .total_iters = 2});
    ExponentialLR down(other.sgd, 0.5);
    ConstantLR low(other.sgd, 0.1, 100);
    SequentialLR resumed(other.sgd, {again, down, low}, {2, 5});
    const NamedTensors state = schedule.state();
    resumed.load_state(state);
    EXPECT_EQ(resumed.epoch(), 6);
    EXPECT_EQ(other.sgd.lr(0), two.sgd.lr(0));
    EXPECT_EQ(other.sgd.lr(1), two.sgd.lr(1));
    EXPECT_THROW(SequentialLR(two.sgd, {rise, fall}, {}), ValueError);
    EXPECT_THROW(SequentialLR(two.sgd, {rise, fall, rest}, {3, 3}), ValueError);
    EXPECT_THROW(SequentialLR(two.sgd, {rise, fall}, {0}), ValueError);
    EXPECT_THROW(SequentialLR(two.sgd, {}, {}), ValueError);
}

TEST(Schedule, WarmUpThenCosine) {
    const double root = std::numbers::sqrt2 / 2;
    Two two;
    Schedule schedule = warmup_cosine(two.sgd, {.warmup_steps = 2, .total_steps = 6, .start_factor = 0.5});
    expect_rates(two.sgd, schedule, {0.5, 0.75, 1, (1 + root) / 2, 0.5, (1 - root) / 2, 0, 0, 0});
    Two cold;
    Schedule fall = warmup_cosine(cold.sgd, {.total_steps = 2, .eta_min = 0.2});
    expect_rates(cold.sgd, fall, {1, 0.6, 0.2, 0.2}, false);
    EXPECT_THROW(warmup_cosine(two.sgd, {.warmup_steps = 3, .total_steps = 3}), ValueError);
    EXPECT_THROW(warmup_cosine(two.sgd, {.warmup_steps = -1, .total_steps = 3}), ValueError);
}

TEST(Schedule, OneCycle) {
    Two two;
    OneCycleLR schedule(two.sgd, {.max_lr = 2, .total_steps = 10, .pct_start = 0.3, .cycle_momentum = false});
    // Up in steps 0 to 2, down in 2 to 9.
    expect_rates(two.sgd, schedule, {0.08, 1.04, 2}, false);
    for (int i = 0; i < 7; ++i) schedule.step();
    EXPECT_NEAR(two.sgd.lr(0), 0.08 / 1e4, 1e-12);
    schedule.step();  // behind the last step of training
    EXPECT_EQ(schedule.epoch(), 10);
    EXPECT_NEAR(two.sgd.lr(0), 0.08 / 1e4, 1e-12);
    EXPECT_THROW(schedule.step(), ValueError);
    EXPECT_NEAR(two.sgd.lr(0), 0.08 / 1e4, 1e-12);
}

// By the formula: n = 10 and p = 0.4, so up in steps 0 to 3, in three phases to the first rate in 3 to 6.
TEST(Schedule, OneCycleOfGroupsWithMomentum) {
    const Tensor a = ones({2}, {.requires_grad = true}), b = ones({2}, {.requires_grad = true});
    const auto sgd = [&] {
        return std::vector<SGD::Group>{{{a}, {.lr = 9, .momentum = 0.5}}, {{b}, {.lr = 9, .momentum = 0.5}}};
    };
    const auto follow = [](Optimizer& optimizer, Schedule& schedule, const Vector& of_one,
                           const Vector& momenta) {
        for (std::size_t step = 0; step < of_one.size(); ++step) {
            if (step > 0) schedule.step();
            EXPECT_NEAR(optimizer.lr(0), of_one[step], 1e-12) << step;
            EXPECT_NEAR(optimizer.lr(1), of_one[step] * 3, 1e-12) << step;
            EXPECT_NEAR(optimizer.momentum(0).value(), momenta[step], 1e-12) << step;
            EXPECT_NEAR(optimizer.momentum(1).value(), momenta[step], 1e-12) << step;
        }
    };
    OneCycleLROptions options{.total_steps = 10,
                              .pct_start = 0.4,
                              .div_factor = 10,
                              .final_div_factor = 10,
                              .max_lrs = {1, 3},
                              .anneal_strategy = Anneal::linear};
    SGD linear(sgd());
    OneCycleLR line(linear, options);
    const double down = 0.99 / 6;  // a step from 1 to 0.01
    follow(linear, line,
           {0.1, 0.4, 0.7, 1, 1 - down, 1 - 2 * down, 1 - 3 * down, 1 - 4 * down, 1 - 5 * down, 0.01, 0.01},
           {0.95, 0.95 - 0.1 / 3, 0.95 - 0.2 / 3, 0.85, 0.85 + 0.1 / 6, 0.85 + 0.2 / 6, 0.9, 0.85 + 0.4 / 6,
            0.85 + 0.5 / 6, 0.95, 0.95});
    EXPECT_THROW(line.step(), ValueError);

    SGD three(sgd());
    options.three_phase = true;
    OneCycleLR phases(three, options);
    follow(three, phases, {0.1, 0.4, 0.7, 1, 0.7, 0.4, 0.1, 0.07, 0.04, 0.01, 0.01},
           {0.95, 0.95 - 0.1 / 3, 0.95 - 0.2 / 3, 0.85, 0.95 - 0.2 / 3, 0.95 - 0.1 / 3, 0.95, 0.95, 0.95,
            0.95, 0.95});

    // Along a cosine, of Adam's first beta; resumed in the middle.
    options.anneal_strategy = Anneal::cos;
    const std::vector<Adam::Group> groups{{{a}, {}}, {{b}, {}}};
    Adam adam(groups), other(groups);
    OneCycleLR cosine(adam, options), resumed(other, options);
    const double third = (1 - std::cos(std::numbers::pi / 3)) / 2;  // 0.25
    follow(adam, cosine, {0.1, 0.1 + 0.9 * third, 0.1 + 0.9 * (1 - third), 1, 0.1 + 0.9 * (1 - third)},
           {0.95, 0.95 - 0.1 * third, 0.85 + 0.1 * third, 0.85, 0.85 + 0.1 * third});
    resumed.load_state(cosine.state());
    EXPECT_EQ(other.lr(1), adam.lr(1));
    EXPECT_EQ(other.momentum(1), adam.momentum(1));

    // In a chain with others: its rates and its momentum while it is its turn.
    SGD chained(sgd());
    ConstantLR warm(chained, 0.5, 100);
    OneCycleLR cycle(chained, options);
    chained.set_lr(9);
    SequentialLR chain(chained, {warm, cycle}, {2});
    chain.step();
    EXPECT_EQ(chained.lr(1), 4.5);
    chain.step();
    EXPECT_NEAR(chained.lr(1), 0.3, 1e-12);
    chain.step();
    EXPECT_NEAR(chained.momentum().value(), 0.95 - 0.1 * third, 1e-12);

    Two without;
    EXPECT_THROW(OneCycleLR(without.sgd, {.max_lr = 1, .total_steps = 5}), ValueError);
    EXPECT_EQ(without.sgd.momentum(), std::nullopt);
    EXPECT_THROW(without.sgd.set_momentum(0.9, 0), ValueError);
    EXPECT_THROW(adam.set_momentum(1, 0), ValueError);
    NAdam nadam({a});
    EXPECT_THROW(OneCycleLR(nadam, {.max_lr = 1, .total_steps = 5}), ValueError);
    EXPECT_THROW(OneCycleLR(adam, {.total_steps = 9, .pct_start = 0.7, .three_phase = true}), ValueError);
    options.max_lrs = {1};
    EXPECT_THROW(OneCycleLR(adam, options), ValueError);
}

TEST(Schedule, ResumesWithItsBaseRates) {
    Two whole, first;
    ExponentialLR schedule(whole.sgd, 0.7), before(first.sgd, 0.7);
    for (int i = 0; i < 6; ++i) schedule.step();
    for (int i = 0; i < 3; ++i) before.step();
    // The optimizer's state brings reduced rates, of which the new schedule must not start.
    Two second;
    second.sgd.load_state(first.sgd.state());
    ExponentialLR after(second.sgd, 0.7);
    after.load_state(before.state());
    EXPECT_EQ(after.epoch(), 3);
    for (int i = 0; i < 3; ++i) after.step();
    EXPECT_EQ(second.sgd.lr(0), whole.sgd.lr(0));
    EXPECT_EQ(second.sgd.lr(1), whole.sgd.lr(1));
    EXPECT_THROW(after.load_state({{"epoch", Tensor(1)}}), ValueError);
    EXPECT_THROW(after.load_state({{"epoch", Tensor(1)}, {"base_lrs", ones({3}, {.dtype = f64})}}),
                 ValueError);
    EXPECT_EQ(after.epoch(), 6);
}

TEST(Schedule, SteppedTogetherTheyMultiply) {
    const auto pair = [](SGD& sgd) {
        std::vector<Schedule> both;
        both.push_back(ConstantLR(sgd, 0.1, 2));
        both.push_back(ExponentialLR(sgd, 0.9));
        return both;
    };
    const Vector rates = {0.1, 0.09, 0.81, 0.729};
    Two two, resumed;
    std::vector<Schedule> both = pair(two.sgd), again;
    for (std::size_t epoch = 0; epoch < rates.size(); ++epoch) {
        EXPECT_NEAR(two.sgd.lr(0), rates[epoch], 1e-12) << "epoch " << epoch;
        EXPECT_NEAR(two.sgd.lr(1), rates[epoch] / 2, 1e-12) << "epoch " << epoch;
        if (epoch == 2) {  // a run that is resumed here
            resumed.sgd.load_state(two.sgd.state());
            again = pair(resumed.sgd);
            for (std::size_t i = 0; i < 2; ++i) again[i].load_state(both[i].state());
            EXPECT_EQ(resumed.sgd.lr(0), two.sgd.lr(0));
        }
        for (Schedule& schedule : both) schedule.step();
    }
    for (Schedule& schedule : again) schedule.step();
    EXPECT_NEAR(resumed.sgd.lr(0), rates[3], 1e-12);

    Two warm;  // from a rate of 0, of which no multiple is another
    LambdaLR rise(warm.sgd, [](std::int64_t epoch) { return 0.25 * static_cast<double>(epoch); });
    warm.sgd.set_lr(0);
    rise.step();
    EXPECT_EQ(warm.sgd.lr(0), 0.25);
    warm.sgd.set_lr(0.5);
    rise.step();
    EXPECT_EQ(warm.sgd.lr(0), 1) << "twice the rate that was set";
}

TEST(Schedule, RefusesNonsense) {
    Two two;
    EXPECT_THROW(StepLR(two.sgd, 0), ValueError);
    EXPECT_THROW(CosineAnnealingLR(two.sgd, 0), ValueError);
    EXPECT_THROW(OneCycleLR(two.sgd, {.max_lr = 1, .cycle_momentum = false}), ValueError);
    EXPECT_THROW(ReduceLROnPlateau(two.sgd, {.factor = 1}), ValueError);
    EXPECT_THROW(CosineAnnealingWarmRestarts(two.sgd, 0), ValueError);
    EXPECT_THROW(CosineAnnealingWarmRestarts(two.sgd, 2, 0), ValueError);
    EXPECT_THROW(ConstantLR(two.sgd, -1), ValueError);
    EXPECT_THROW(PolynomialLR(two.sgd, 0), ValueError);
    EXPECT_EQ(two.sgd.lr(0), 1);
}

TEST(ReduceLROnPlateau, WaitsThenReduces) {
    Two two;
    ReduceLROnPlateau plateau(two.sgd, {.factor = 0.5, .patience = 2, .cooldown = 1, .min_lr = 0.2});
    for (const double metric : {1.0, 0.9, 0.9, 0.95}) plateau.step(metric);
    EXPECT_EQ(two.sgd.lr(0), 1);  // two bad epochs are borne
    plateau.step(std::numeric_limits<double>::quiet_NaN());
    EXPECT_EQ(two.sgd.lr(0), 0.5);
    EXPECT_EQ(two.sgd.lr(1), 0.25);
    const NamedTensors state = plateau.state();
    for (int i = 0; i < 3; ++i) plateau.step(1);  // the first of them cools down
    EXPECT_EQ(two.sgd.lr(0), 0.5);
    plateau.step(1);
    EXPECT_EQ(two.sgd.lr(0), 0.25);
    EXPECT_EQ(two.sgd.lr(1), 0.2);

    two.sgd.set_lr(0.5);
    plateau.load_state(state);
    for (int i = 0; i < 3; ++i) plateau.step(1);
    EXPECT_EQ(two.sgd.lr(0), 0.5);
    plateau.step(1);
    EXPECT_EQ(two.sgd.lr(0), 0.25);
}

TEST(ReduceLROnPlateau, ModesAndThresholds) {
    Two two;
    ReduceLROnPlateau largest(
        two.sgd,
        {.mode = PlateauMode::max, .patience = 0, .threshold = 0.1, .threshold_mode = ThresholdMode::abs});
    largest.step(0.5);
    largest.step(0.65);
    EXPECT_EQ(two.sgd.lr(0), 1);
    largest.step(0.7);  // better, but by less than the threshold
    EXPECT_DOUBLE_EQ(two.sgd.lr(0), 0.1);
}

}  // namespace
}  // namespace adjoint::optim
