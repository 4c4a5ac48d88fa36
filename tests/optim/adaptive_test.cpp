// Optimizers that scale by what the gradients were: trajectories against plain loops of doubles, resuming.
#include <adjoint/core/base/error.h>
#include <adjoint/optim/adagrad.h>
#include <adjoint/optim/adam.h>
#include <adjoint/optim/lion.h>
#include <adjoint/optim/rmsprop.h>

#include "trajectory.h"

namespace adjoint::optim {
namespace {

constexpr double none = 0;

TEST(Adagrad, FollowsItsFormula) {
    for (const double initial : {0.0, 0.3}) {
        for (const bool maximize : {false, true}) {
            const Tensor x = parameter(start);
            Adagrad adagrad({x}, {.lr = 0.2,
                                  .lr_decay = 0.1,
                                  .weight_decay = 0.05,
                                  .initial_accumulator_value = initial,
                                  .eps = 1e-3,
                                  .maximize = maximize});
            expect_trajectory(adagrad, x, [=](double& p, double g, Vector& memory, int t) {
                const double d = (maximize ? -g : g) + 0.05 * p;
                if (t == 1) memory[0] = initial;
                memory[0] += d * d;
                p -= 0.2 / (1 + (t - 1) * 0.1) * d / (std::sqrt(memory[0]) + 1e-3);
            });
        }
    }
}

TEST(Adadelta, FollowsItsFormula) {
    const Tensor x = parameter(start);
    Adadelta adadelta({x}, {.lr = 0.7, .rho = 0.8, .eps = 1e-3, .weight_decay = 0.05});
    expect_trajectory(adadelta, x, [](double& p, double g, Vector& memory, int) {
        const double d = g + 0.05 * p;
        memory[0] = 0.8 * memory[0] + 0.2 * d * d;
        const double move = std::sqrt(memory[1] + 1e-3) / std::sqrt(memory[0] + 1e-3) * d;
        memory[1] = 0.8 * memory[1] + 0.2 * move * move;
        p -= 0.7 * move;
    });
}

TEST(RMSprop, FollowsItsFormula) {
    for (const bool centered : {false, true})
        for (const double momentum : {none, 0.6}) {
            const Tensor x = parameter(start);
            RMSprop rmsprop({x}, {.lr = 0.05,
                                  .alpha = 0.8,
                                  .eps = 1e-3,
                                  .weight_decay = 0.05,
                                  .momentum = momentum,
                                  .centered = centered});
            expect_trajectory(rmsprop, x, [=](double& p, double g, Vector& memory, int) {
                const double d = g + 0.05 * p;
                memory[0] = 0.8 * memory[0] + 0.2 * d * d;
                memory[1] = 0.8 * memory[1] + 0.2 * d;
                const double size =
                    std::sqrt(centered ? memory[0] - memory[1] * memory[1] : memory[0]) + 1e-3;
                memory[2] = momentum * memory[2] + d / size;
                p -= 0.05 * memory[2];
            });
            EXPECT_EQ(rmsprop.state().size(), 3U + (centered ? 1U : 0U) + (momentum > 0 ? 1U : 0U));
        }
}

// What torch::optim of libtorch 1.13.1 has after the same 20 steps in f64.
void expect_after_all(Optimizer& optimizer, const Tensor& x, const Vector& expected) {
    for (int t = 1; t <= steps; ++t) {
        give_gradient(x, t);
        optimizer.step();
    }
    const Vector got = x.to_vector<double>();
    for (std::size_t i = 0; i < got.size(); ++i) EXPECT_NEAR(got[i], expected[i], 1e-12);
}

TEST(Adagrad, MeetsPyTorch) {
    const Tensor x = parameter(start);
    Adagrad adagrad(
        {x},
        {.lr = 0.2, .lr_decay = 0.1, .weight_decay = 0.05, .initial_accumulator_value = 0.3, .eps = 1e-3});
    expect_after_all(adagrad, x,
                     {0.84628004680772484, -0.20971901779432536, 0.16912257933232902, 2.0398672376127847,
                      -1.1914184214137833});
}

TEST(RMSprop, MeetsPyTorch) {
    const Tensor plain = parameter(start), full = parameter(start);
    RMSprop first({plain}, {.lr = 0.05, .alpha = 0.8, .eps = 1e-3, .weight_decay = 0.05});
    expect_after_all(first, plain,
                     {0.71137486509168191, -0.12063818048875265, 0.18517916925570604, 1.8894796955514834,
                      -1.0042759993359454});
    RMSprop second(
        {full},
        {.lr = 0.05, .alpha = 0.8, .eps = 1e-3, .weight_decay = 0.05, .momentum = 0.6, .centered = true});
    expect_after_all(second, full,
                     {0.23498774957758289, 0.26641712710422094, 0.24998637317879402, 0.33919969401532535,
                      0.20097713497310324});
}

TEST(RMSprop, CenteredOnAConstantGradientStaysFinite) {
    const Tensor x = parameter({1.0}, f32);
    RMSprop rmsprop({x}, {.lr = 1e-3, .alpha = 0.1, .centered = true});
    for (int t = 0; t < 200; ++t) {
        x.set_grad(full_like(x, 0.1));
        rmsprop.step();
    }
    EXPECT_TRUE(std::isfinite(x.item()));
}

TEST(Adamax, FollowsItsFormula) {
    const Tensor x = parameter(start);
    Adamax adamax({x}, {.lr = 0.1, .betas = {0.8, 0.7}, .eps = 1e-3, .weight_decay = 0.05});
    expect_trajectory(adamax, x, [](double& p, double g, Vector& memory, int t) {
        const double d = g + 0.05 * p;
        memory[0] = 0.8 * memory[0] + 0.2 * d;
        memory[1] = std::max(0.7 * memory[1], std::abs(d) + 1e-3);
        p -= 0.1 / (1 - std::pow(0.8, t)) * memory[0] / memory[1];
    });
}

// The momentum of a step is a product over all steps before, of which each age has its own.
TEST(NAdam, ParametersOfAGroupMayDifferInAge) {
    const Tensor old = parameter({1, 2}), young = parameter({1, 2}), alone = parameter({1, 2}),
                 later = parameter({1, 2});
    NAdam both({old, young}), first({alone}), second({later});
    for (int t = 1; t <= 20000; ++t) {
        give_gradient(old, t);
        give_gradient(alone, t);
        if (t > 3) {
            give_gradient(young, t);
            give_gradient(later, t);
        }
        both.step();
        first.step();
        second.step();
    }
    EXPECT_EQ(old.to_vector<double>(), alone.to_vector<double>());
    EXPECT_EQ(young.to_vector<double>(), later.to_vector<double>());
    EXPECT_NE(old.to_vector<double>(), young.to_vector<double>());
}

TEST(NAdam, FollowsItsFormula) {
    for (const bool decoupled : {false, true}) {
        const Tensor x = parameter(start);
        NAdam nadam({x}, {.lr = 0.1,
                          .betas = {0.8, 0.7},
                          .eps = 1e-3,
                          .weight_decay = 0.05,
                          .momentum_decay = 0.02,
                          .decoupled_weight_decay = decoupled});
        expect_trajectory(nadam, x, [=](double& p, double g, Vector& memory, int t) {
            const auto mu = [](int at) { return 0.8 * (1 - 0.5 * std::pow(0.96, at * 0.02)); };
            double product = 1;
            for (int i = 1; i <= t; ++i) product *= mu(i);
            if (decoupled) p *= 1 - 0.1 * 0.05;
            const double d = decoupled ? g : g + 0.05 * p;
            memory[0] = 0.8 * memory[0] + 0.2 * d;
            memory[1] = 0.7 * memory[1] + 0.3 * d * d;
            const double size = std::sqrt(memory[1] / (1 - std::pow(0.7, t))) + 1e-3;
            p -= 0.1 * (1 - mu(t)) / (1 - product) * d / size;
            p -= 0.1 * mu(t + 1) / (1 - product * mu(t + 1)) * memory[0] / size;
        });
    }
}

TEST(RAdam, FollowsItsFormula) {
    // With 0.9 the rectification begins within the 20 steps, with 0.6 never.
    for (const double beta2 : {0.9, 0.6})
        for (const bool decoupled : {false, true}) {
            const Tensor x = parameter(start);
            RAdam radam({x}, {.lr = 0.1,
                              .betas = {0.8, beta2},
                              .eps = 1e-3,
                              .weight_decay = 0.05,
                              .decoupled_weight_decay = decoupled});
            expect_trajectory(radam, x, [=](double& p, double g, Vector& memory, int t) {
                if (decoupled) p *= 1 - 0.1 * 0.05;
                const double d = decoupled ? g : g + 0.05 * p;
                memory[0] = 0.8 * memory[0] + 0.2 * d;
                memory[1] = beta2 * memory[1] + (1 - beta2) * d * d;
                const double m = memory[0] / (1 - std::pow(0.8, t)), correction = 1 - std::pow(beta2, t);
                const double most = 2 / (1 - beta2) - 1;
                const double rho = most - 2 * t * std::pow(beta2, t) / correction;
                if (rho > 5) {
                    const double r =
                        std::sqrt((rho - 4) * (rho - 2) * most / ((most - 4) * (most - 2) * rho));
                    p -= 0.1 * m * r * std::sqrt(correction) / (std::sqrt(memory[1]) + 1e-3);
                } else {
                    p -= 0.1 * m;
                }
            });
        }
}

TEST(Rprop, FollowsItsFormula) {
    const Tensor x = parameter(start);
    Rprop rprop({x}, {.lr = 0.1, .etas = {0.4, 1.3}, .step_sizes = {0.05, 0.2}});
    bool grew = false, shrank = false, turned = false;
    expect_trajectory(rprop, x, [&](double& p, double g, Vector& memory, int t) {
        if (t == 1) memory[1] = 0.1;
        const double turn = g * memory[0];
        if (turn > 0) memory[1] = std::min(memory[1] * 1.3, 0.2);
        if (turn < 0) memory[1] = std::max(memory[1] * 0.4, 0.05);
        memory[0] = turn < 0 ? 0 : g;
        if (memory[0] > 0) p -= memory[1];
        if (memory[0] < 0) p += memory[1];
        grew = grew || memory[1] == 0.2;
        shrank = shrank || memory[1] == 0.05;
        turned = turned || turn < 0;
    });
    EXPECT_TRUE(grew && shrank && turned) << "every branch was taken";
}

TEST(Lion, FollowsItsFormula) {
    for (const bool maximize : {false, true}) {
        const Tensor x = parameter(start);
        Lion lion({x}, {.lr = 0.05, .betas = {0.8, 0.6}, .weight_decay = 0.1, .maximize = maximize});
        expect_trajectory(lion, x, [=](double& p, double g, Vector& memory, int) {
            const double d = maximize ? -g : g, c = 0.8 * memory[0] + 0.2 * d;
            p *= 1 - 0.05 * 0.1;
            p -= 0.05 * (c > 0 ? 1 : c < 0 ? -1 : 0);
            memory[0] = 0.6 * memory[0] + 0.4 * d;
        });
    }
}

/// Two parameters, one of which joins late, in two groups.
template <class O> struct Run {
    Tensor a = parameter(start, f32), b = parameter(start, f32);
    O optimizer{{{.parameters = {a}, .options = {.lr = 0.02}}, {.parameters = {b}, .options = {.lr = 0.05}}}};
    void train(int from, int to) {
        for (int t = from; t < to; ++t) {
            give_gradient(a, t);
            b.set_grad({});
            if (t >= 5) give_gradient(b, t);
            optimizer.step();
        }
    }
};

template <class O> struct Resumed : testing::Test {};
using Kinds = testing::Types<Adagrad, Adadelta, RMSprop, Adamax, NAdam, RAdam, Rprop, Lion>;
TYPED_TEST_SUITE(Resumed, Kinds);

TYPED_TEST(Resumed, BitForBit) {
    for (const int stop : {3, 7}) {
        Run<TypeParam> whole, first, second;
        whole.train(0, steps);
        first.train(0, stop);
        if (stop == 3) {
            EXPECT_EQ(first.b.template to_vector<double>(), start) << "no gradient, no move";
            EXPECT_EQ(first.b.version(), 0U);
        }
        second.a.detach().copy_(first.a.detach());
        second.b.detach().copy_(first.b.detach());
        second.optimizer.load_state(first.optimizer.state());
        second.train(stop, steps);
        EXPECT_EQ(second.a.template to_vector<float>(), whole.a.template to_vector<float>());
        EXPECT_EQ(second.b.template to_vector<float>(), whole.b.template to_vector<float>());
        EXPECT_NE(second.b.template to_vector<double>(), start);
        NamedTensors damaged = first.optimizer.state();
        damaged.pop_back();
        EXPECT_THROW(second.optimizer.load_state(damaged), ValueError);
    }
}

TEST(AdaptiveOptimizers, RefuseNonsense) {
    const Tensor x = parameter(start);
    const std::vector<Tensor> list{x};
    EXPECT_THROW(Adagrad(list, {.lr_decay = -1}), ValueError);
    EXPECT_THROW(Adagrad(list, {.initial_accumulator_value = -1}), ValueError);
    EXPECT_THROW(Adadelta(list, {.rho = 1}), ValueError);
    EXPECT_THROW(RMSprop(list, {.alpha = -0.1}), ValueError);
    EXPECT_THROW(RMSprop(list, {.momentum = -0.1}), ValueError);
    EXPECT_THROW(Adamax(list, {.betas = {0.9, 1}}), ValueError);
    EXPECT_THROW(NAdam(list, {.momentum_decay = -1}), ValueError);
    EXPECT_THROW(RAdam(list, {.eps = -1}), ValueError);
    EXPECT_THROW(Rprop(list, {.etas = {1.1, 1.2}}), ValueError);
    EXPECT_THROW(Rprop(list, {.etas = {0.5, 1}}), ValueError);
    EXPECT_THROW(Rprop(list, {.step_sizes = {2, 1}}), ValueError);
    EXPECT_THROW(Lion(list, {.weight_decay = -1}), ValueError);
    EXPECT_THROW(Lion(std::vector<Tensor>{}), ValueError);
}

}  // namespace
}  // namespace adjoint::optim
