// Optimizers: trajectories against plain loops of doubles, parameters without a gradient, groups, state.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>

#include <adjoint/autograd/ops/arithmetic.h>
#include <adjoint/autograd/ops/elementwise.h>
#include <adjoint/autograd/ops/linalg.h>
#include <adjoint/autograd/ops/reduce.h>
#include <adjoint/autograd/ops/shape.h>
#include <adjoint/core/base/error.h>
#include <adjoint/core/contract/generator.h>
#include <adjoint/core/tensor/creation.h>
#include <adjoint/nn/linear.h>
#include <adjoint/optim/adagrad.h>
#include <adjoint/optim/adam.h>
#include <adjoint/optim/lion.h>
#include <adjoint/optim/muon.h>
#include <adjoint/optim/rmsprop.h>
#include <adjoint/optim/sgd.h>

#include "trajectory.h"

namespace adjoint::optim {
namespace {

TEST(SGD, PlainWithDecayAndMaximize) {
    for (const bool maximize : {false, true}) {
        const Tensor x = parameter(start);
        SGD sgd({x}, {.lr = 0.05, .weight_decay = 0.1, .maximize = maximize});
        expect_trajectory(
            sgd, x, [&](double& p, double g, Vector&, int) { p -= 0.05 * ((maximize ? -g : g) + 0.1 * p); });
    }
}

TEST(SGD, MomentumDampeningDecay) {
    const Tensor x = parameter(start);
    SGD sgd({x}, {.lr = 0.05, .momentum = 0.9, .dampening = 0.4, .weight_decay = 0.1});
    expect_trajectory(sgd, x, [](double& p, double g, Vector& memory, int t) {
        const double d = g + 0.1 * p;
        // The first buffer is the gradient itself, undampened.
        memory[0] = t == 1 ? d : 0.9 * memory[0] + 0.6 * d;
        p -= 0.05 * memory[0];
    });
}

TEST(SGD, Nesterov) {
    const Tensor x = parameter(start);
    SGD sgd({x}, {.lr = 0.02, .momentum = 0.8, .weight_decay = 0.01, .nesterov = true, .maximize = true});
    expect_trajectory(sgd, x, [](double& p, double g, Vector& memory, int) {
        const double d = -g + 0.01 * p;
        memory[0] = 0.8 * memory[0] + d;
        p -= 0.02 * (d + 0.8 * memory[0]);
    });
}

Reference adam_reference(double lr, double beta1, double beta2, double eps, double decay, bool decoupled,
                         bool amsgrad, bool maximize) {
    return [=](double& p, double g, Vector& memory, int t) {
        if (maximize) g = -g;
        if (decoupled)
            p -= lr * decay * p;
        else
            g += decay * p;
        memory[0] = beta1 * memory[0] + (1 - beta1) * g;
        memory[1] = beta2 * memory[1] + (1 - beta2) * g * g;
        memory[2] = std::max(memory[2], memory[1]);
        const double m = memory[0] / (1 - std::pow(beta1, t));
        const double v = (amsgrad ? memory[2] : memory[1]) / (1 - std::pow(beta2, t));
        p -= lr * m / (std::sqrt(v) + eps);
    };
}

TEST(Adam, FollowsItsFormula) {
    for (const bool amsgrad : {false, true})
        for (const bool maximize : {false, true}) {
            const Tensor x = parameter(start);
            Adam adam({x}, {.lr = 0.1,
                            .betas = {0.8, 0.7},
                            .eps = 1e-3,
                            .weight_decay = 0.05,
                            .amsgrad = amsgrad,
                            .maximize = maximize});
            expect_trajectory(adam, x, adam_reference(0.1, 0.8, 0.7, 1e-3, 0.05, false, amsgrad, maximize));
            EXPECT_EQ(adam.state().size(), amsgrad ? 5U : 4U);
        }
}

TEST(AdamW, DecaysApartFromTheGradient) {
    for (const bool amsgrad : {false, true}) {
        const Tensor x = parameter(start);
        AdamW adam({x},
                   {.lr = 0.1, .betas = {0.8, 0.7}, .eps = 1e-3, .weight_decay = 0.3, .amsgrad = amsgrad});
        expect_trajectory(adam, x, adam_reference(0.1, 0.8, 0.7, 1e-3, 0.3, true, amsgrad, false));
    }
}

TEST(AdamW, DecaysByDefaultAndAdamDoesNot) {
    const Tensor a = parameter({1.0}), b = parameter({1.0});
    Adam adam({a}, {.lr = 0.5});
    AdamW adamw({b}, {.lr = 0.5});
    a.set_grad(zeros_like(a));
    b.set_grad(zeros_like(b));
    adam.step();
    adamw.step();
    EXPECT_EQ(a.item(), 1.0);
    EXPECT_DOUBLE_EQ(b.item(), 1 - 0.5 * 0.01);
}

TEST(Optimizer, LeavesParametersWithoutGradientAlone) {
    const Tensor moving = parameter(start), late = parameter(start), never = parameter(start);
    AdamW adam({moving, late, never}, {.lr = 0.1, .betas = {0.8, 0.7}, .weight_decay = 0.3});
    const Reference reference = adam_reference(0.1, 0.8, 0.7, 1e-8, 0.3, true, false, false);
    Vector expected_moving = start, expected_late = start;
    std::vector<Vector> memory(2 * start.size(), Vector(3, 0.0));
    for (int t = 1; t <= 7; ++t) {
        give_gradient(moving, t);
        // `late` joins at the third step and rests in the fifth; its own count of steps rules its correction.
        const bool joins = t >= 3 && t != 5;
        late.set_grad({});
        if (joins) give_gradient(late, t);
        adam.step();
        for (std::size_t i = 0; i < start.size(); ++i) {
            reference(expected_moving[i], gradient_at(expected_moving[i], t), memory[i], t);
            if (joins)
                reference(expected_late[i], gradient_at(expected_late[i], t), memory[start.size() + i],
                          t < 5 ? t - 2 : t - 3);
        }
    }
    for (std::size_t i = 0; i < start.size(); ++i) {
        EXPECT_NEAR(moving.to_vector<double>()[i], expected_moving[i], 1e-12);
        EXPECT_NEAR(late.to_vector<double>()[i], expected_late[i], 1e-12);
    }
    EXPECT_EQ(never.to_vector<double>(), start);
    EXPECT_EQ(never.version(), 0U);
    const NamedTensors state = adam.state();
    ASSERT_EQ(state.size(), 1U + 2 * 3);
    EXPECT_EQ(state[1].first, "0.step");
    EXPECT_EQ(state[1].second.item<int>(), 7);
    EXPECT_EQ(state[4].first, "1.step");
    EXPECT_EQ(state[4].second.item<int>(), 4);
}

TEST(Optimizer, MomentumDoesNotCarryOnWithoutGradient) {
    const Tensor x = parameter(start);
    SGD sgd({x}, {.lr = 0.1, .momentum = 0.9, .weight_decay = 0.5});
    give_gradient(x, 1);
    sgd.step();
    const Vector after = x.to_vector<double>();
    sgd.zero_grad();
    EXPECT_FALSE(x.grad().defined());
    sgd.step();
    EXPECT_EQ(x.to_vector<double>(), after);
}

TEST(Optimizer, TheFirstStepIsEachParametersOwn) {
    const Tensor early = parameter({0}), late = parameter({0});
    SGD sgd({early, late}, {.lr = 1, .momentum = 0.5, .dampening = 0.5});
    early.set_grad(ones_like(early));
    sgd.step();
    late.set_grad(ones_like(late));
    sgd.step();
    EXPECT_EQ(early.item(), -2);  // 1, then 0.5 * 1 + 0.5 * 1
    EXPECT_EQ(late.item(), -1);   // undampened at first
}

TEST(Optimizer, FollowsAModuleThatIsConverted) {
    const nn::Linear layer(3, 2);
    const Tensor weight = layer.weight;
    Adam adam(layer.parameters(), {.lr = 0.1});
    const auto train = [&](DType dtype) {
        adam.zero_grad();
        sum(square(layer(ones({4, 3}, {.dtype = dtype})) - 1.0)).backward();
        adam.step();
    };
    train(f32);
    const double before = weight.to_vector<double>()[0];
    layer.to(f64);
    train(f64);
    EXPECT_NE(weight.to_vector<double>()[0], before);
    EXPECT_EQ(adam.state()[1].second.item<int>(), 2);
    EXPECT_EQ(adam.state()[2].second.dtype(), f64);
    layer.to(f16);
    weight.set_grad(zeros_like(weight));
    EXPECT_THROW(adam.step(), DTypeError);
}

TEST(Optimizer, GroupsHaveTheirOwnOptions) {
    const Tensor a = parameter(start), b = parameter(start), c = parameter(start);
    SGD sgd({{.parameters = {a, b}, .options = {.lr = 0.1}},
             {.parameters = {c}, .options = {.lr = 0.01, .momentum = 0.9}}});
    ASSERT_EQ(sgd.group_count(), 2U);
    EXPECT_EQ(sgd.parameters().size(), 3U);
    sgd.set_lr(0.5, 1);
    EXPECT_EQ(sgd.lr(0), 0.1);
    EXPECT_EQ(sgd.lr(1), 0.5);
    for (const Tensor& x : {a, b, c}) x.set_grad(ones_like(x));
    sgd.step();
    sgd.step();
    for (std::size_t i = 0; i < start.size(); ++i) {
        EXPECT_NEAR(b.to_vector<double>()[i], start[i] - 0.2, 1e-12);
        EXPECT_NEAR(c.to_vector<double>()[i], start[i] - 0.5 * (1 + 1.9), 1e-12);
    }
    sgd.set_lr(0.25);
    EXPECT_EQ(sgd.lr(0), 0.25);
    EXPECT_EQ(sgd.lr(1), 0.25);
    EXPECT_THROW(sgd.lr(2), IndexError);
    EXPECT_THROW(sgd.set_lr(-1), ValueError);
    EXPECT_THROW(sgd.set_lr(std::numeric_limits<double>::quiet_NaN()), ValueError);
}

TEST(Optimizer, RefusesWhatItCannotMove) {
    const Tensor x = parameter(start);
    EXPECT_THROW(SGD(std::vector<Tensor>{}), ValueError);
    EXPECT_THROW(SGD({x, x}), ValueError);
    EXPECT_THROW(SGD({{.parameters = {x}, .options = {}}, {.parameters = {x}, .options = {}}}), ValueError);
    EXPECT_THROW(SGD({x * 2.0}), AutogradError);
    EXPECT_THROW(SGD({Tensor()}), ValueError);
    EXPECT_THROW(SGD({ones({2}, {.dtype = i64})}), DTypeError);
    EXPECT_THROW(SGD({transpose(ones({2, 3}), 0, 1)}), ValueError);
    EXPECT_THROW(SGD({x}, {.lr = -0.1}), ValueError);
    EXPECT_THROW(SGD({x}, {.momentum = -0.1}), ValueError);
    EXPECT_THROW(SGD({x}, {.nesterov = true}), ValueError);
    EXPECT_THROW(SGD({x}, {.momentum = 0.9, .dampening = 0.1, .nesterov = true}), ValueError);
    EXPECT_THROW(Adam({x}, {.betas = {1.0, 0.9}}), ValueError);
    EXPECT_THROW(AdamW({x}, {.eps = -1}), ValueError);
}

TEST(Optimizer, MovesNothingWhenAGradientDoesNotFit) {
    const Tensor a = parameter(start), b = parameter(start);
    Adam adam({a, b}, {.lr = 0.1});
    give_gradient(a, 1);
    b.impl().grad = ones({2}, {.dtype = f64}).ref();
    EXPECT_THROW(adam.step(), ShapeError);
    EXPECT_EQ(a.to_vector<double>(), start);
    give_gradient(b, 1);
    adam.step();
    EXPECT_NE(a.to_vector<double>(), start);
    EXPECT_EQ(adam.state()[1].second.item<int>(), 1);
}

TEST(Optimizer, TakesGradientsOfAnyLayout) {
    const Tensor x = tensor(Vector{1, 2, 3, 4, 5, 6}, {2, 3});
    x.set_requires_grad();
    x.set_grad(transpose(tensor(Vector{1, 2, 3, 4, 5, 6}, {3, 2}), 0, 1));
    SGD sgd({x}, {.lr = 1});
    sgd.step();
    EXPECT_EQ(x.to_vector<double>(), (Vector{0, -1, -2, 2, 1, 0}));
}

TEST(Optimizer, AStepBetweenForwardAndBackwardIsNoticed) {
    const Tensor x = parameter(start);
    SGD sgd({x}, {.lr = 0.1});
    const Tensor loss = sum(square(x));
    give_gradient(x, 1);
    sgd.step();
    EXPECT_THROW(loss.backward(), AutogradError);
}

TEST(Optimizer, WorksInSinglePrecisionAndOnLargeParameters) {
    manual_seed(3);
    const Tensor x = randn({70001}), before = x.clone();
    x.set_requires_grad();
    Adam adam({x}, {.lr = 0.01});
    const Tensor g = randn({70001});
    x.set_grad(g);
    adam.step();
    // The first step of Adam is lr times the sign of the gradient.
    EXPECT_TRUE(allclose(x.detach(), before - sign(g) * 0.01, 1e-4, 1e-5));
}

/// One training run: two groups, one parameter that joins late.
struct TwoGroups {
    Tensor a = parameter(start, f32), b = parameter(start, f32);
    Adam adam{{{.parameters = {a}, .options = {.lr = 0.1, .amsgrad = true}},
               {.parameters = {b}, .options = {.lr = 0.05, .weight_decay = 0.1}}}};
    void train(int from, int to) {
        for (int t = from; t < to; ++t) {
            give_gradient(a, t);
            b.set_grad({});
            if (t >= 5) give_gradient(b, t);
            adam.step();
        }
    }
};

TEST(Optimizer, ResumesBitForBit) {
    for (const int stop : {3, 7}) {  // before and after the second parameter has moved
        TwoGroups whole, first;
        whole.adam.set_lr(0.07, 1);
        first.adam.set_lr(0.07, 1);
        whole.train(0, steps);
        first.train(0, stop);
        TwoGroups second;
        second.a.detach().copy_(first.a.detach());
        second.b.detach().copy_(first.b.detach());
        second.adam.load_state(first.adam.state());
        EXPECT_EQ(second.adam.lr(1), 0.07);
        first.train(stop, stop + 2);  // the loaded state is a copy
        second.train(stop, steps);
        EXPECT_EQ(second.a.to_vector<float>(), whole.a.to_vector<float>());
        EXPECT_EQ(second.b.to_vector<float>(), whole.b.to_vector<float>());
    }
}

TEST(Optimizer, RefusesAStateThatDoesNotFit) {
    TwoGroups run;
    run.train(0, 7);
    const NamedTensors good = run.adam.state();
    const auto refused = [&](const std::function<void(NamedTensors&)>& damage) {
        NamedTensors state;
        for (const auto& [name, tensor] : good) state.emplace_back(name, tensor.clone());
        state[0].second.fill_(0.9);  // would be seen if anything was taken over
        damage(state);
        EXPECT_ANY_THROW(run.adam.load_state(state));
        EXPECT_EQ(run.adam.lr(0), 0.1);
        EXPECT_EQ(run.adam.state().size(), good.size());
    };
    refused([](NamedTensors& s) { s.pop_back(); });
    refused([](NamedTensors& s) { s.erase(s.begin()); });
    refused([](NamedTensors& s) { s.push_back(s.back()); });
    refused([](NamedTensors& s) { s.emplace_back("2.step", Tensor(1)); });
    refused([](NamedTensors& s) { s.back().second = zeros({2}); });
    refused([](NamedTensors& s) { s.back().second = s.back().second.to(f64); });
    refused([](NamedTensors& s) { s.back().second = Tensor(); });
    refused([](NamedTensors& s) {
        for (auto& [name, tensor] : s)
            if (name == "1.step") tensor = Tensor(-1);
    });
    run.adam.load_state(good);
    EXPECT_EQ(run.adam.state().size(), good.size());
}

// What the first of them has and each other one has not.
template <class O, class Options> void expect_other_trials(const std::vector<Options>& all) {
    const Tensor parameter = ones({2, 2}, {.requires_grad = true});
    const auto trial = [&](const Options& options) { return O({parameter}, options).trial(); };
    EXPECT_EQ(trial(all[0]), trial(all[0]));
    for (std::size_t i = 1; i < all.size(); ++i)
        EXPECT_GT(std::abs(trial(all[i]) / trial(all[0]) - 1), 1e-11) << O({parameter}).name() << ' ' << i;
    EXPECT_EQ(parameter.to_vector<double>(), std::vector<double>(4, 1));
}

TEST(Optimizer, ATrialShowsEveryOption) {
    expect_other_trials<SGD, SGDOptions>({{.momentum = 0.9},
                                          {.lr = 0.01, .momentum = 0.9},
                                          {.momentum = 0.8},
                                          {.momentum = 0.9, .dampening = 0.1},
                                          {.momentum = 0.9, .weight_decay = 1e-4},
                                          {.momentum = 0.9, .nesterov = true},
                                          {.momentum = 0.9, .maximize = true}});
    expect_other_trials<Adam, AdamOptions>({{},
                                            {.betas = {0.8, 0.999}},
                                            {.betas = {0.9, 0.99}},
                                            {.eps = 1e-7},
                                            {.weight_decay = 1e-4},
                                            {.amsgrad = true},
                                            {.maximize = true}});
    expect_other_trials<AdamW, AdamWOptions>({{}, {.weight_decay = 1e-4}});
    expect_other_trials<Adamax, AdamaxOptions>({{}, {.betas = {0.9, 0.99}}, {.eps = 1e-7}});
    expect_other_trials<NAdam, NAdamOptions>({{}, {.betas = {0.9, 0.99}}, {.eps = 1e-7}});
    expect_other_trials<RAdam, RAdamOptions>({{}, {.betas = {0.9, 0.99}}, {.eps = 1e-7}});
    expect_other_trials<Adagrad, AdagradOptions>(
        {{}, {.lr_decay = 0.1}, {.initial_accumulator_value = 0.1}, {.eps = 1e-9}});
    expect_other_trials<Adadelta, AdadeltaOptions>({{}, {.rho = 0.8}, {.eps = 1e-7}, {.weight_decay = 0.1}});
    expect_other_trials<RMSprop, RMSpropOptions>(
        {{}, {.alpha = 0.9}, {.eps = 1e-7}, {.momentum = 0.9}, {.centered = true}});
    expect_other_trials<Rprop, RpropOptions>({{}, {.etas = {0.4, 1.2}}, {.etas = {0.5, 1.1}}});
    expect_other_trials<Lion, LionOptions>(
        {{}, {.betas = {0.5, 0.99}}, {.betas = {0.9, 0.9}}, {.weight_decay = 0.1}});
    expect_other_trials<Muon, MuonOptions>(
        {{}, {.weight_decay = 0.2}, {.momentum = 0.5}, {.nesterov = false}});
    const Adam two(
        {{{ones({1}, {.requires_grad = true})}, {}}, {{ones({1}, {.requires_grad = true})}, {.eps = 1}}});
    EXPECT_NE(two.trial(0), two.trial(1));
    EXPECT_THROW(two.trial(2), IndexError);
}

}  // namespace
}  // namespace adjoint::optim
