// Ranks that do not do the same, and what a program may do between passes and steps.
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include <adjoint/autograd/ops/arithmetic.h>
#include <adjoint/autograd/ops/elementwise.h>
#include <adjoint/autograd/ops/reduce.h>
#include <adjoint/autograd/ops/shape.h>
#include <adjoint/core/base/error.h>
#include <adjoint/core/tensor/creation.h>
#include <adjoint/distributed/group/purpose.h>
#include <adjoint/distributed/parallel/data_parallel.h>
#include <adjoint/nn/linear.h>
#include <adjoint/nn/sequential.h>
#include <adjoint/optim/adam.h>
#include <adjoint/optim/clip.h>
#include <adjoint/optim/grad_scaler.h>
#include <adjoint/optim/lbfgs.h>
#include <adjoint/optim/sgd.h>

#include "distributed/faults.h"

namespace adjoint::distributed {
namespace {

using Values = std::vector<double>;

TEST(Misuse, OperationsForSomethingElseAreNamed) {
    const std::string fault = fault_of(2, [](const Group& group) {
        const Purpose outer("both");
        group.barrier();
        const Purpose inner(group.rank() == 0 ? "the teacher" : "the pupil");
        group.all_reduce(ones({2}));
    });
    expect_fault(fault, "all_reduce (sum) of f32 (2,) (the teacher)");
    expect_fault(fault, "all_reduce (sum) of f32 (2,) (the pupil)");
}

TEST(Misuse, AnEngineHasOneGroupAtATime) {
    const auto engines = thread_engines(1);
    {
        const Group group(engines[0]);
        const Group copy = group;
        EXPECT_THROW(Group{engines[0]}, DistributedError);
    }
    EXPECT_EQ(Group(engines[0]).size(), 1);
    EXPECT_THROW(Group(std::shared_ptr<Engine>()), ValueError);
}

// What comes is not written over what has not gone yet.
TEST(Misuse, ResultsMayLieInTheOperand) {
    run_quick(2, [](const Group& group) {
        const double r = group.rank();
        const Tensor x = tensor({r, r + 10, r + 20, r + 30});
        group.all_to_all_async(x, x).wait();
        EXPECT_EQ(x.to_vector<double>(),
                  group.rank() == 0 ? (Values{0, 10, 1, 11}) : (Values{20, 30, 21, 31}));
        const Tensor y = tensor({r, r + 10, r + 20, r + 30}), back = narrow(y, 0, 2, 2);
        group.reduce_scatter_async(back, y).wait();
        EXPECT_EQ(back.to_vector<double>(), group.rank() == 0 ? (Values{1, 21}) : (Values{41, 61}));
    });
}

TEST(Misuse, RanksThatTrainOtherParametersAreNamed) {
    // The same shapes travel, and they are not of the same parameters.
    const std::string fault = fault_of(2, [](const Group& group) {
        const nn::Sequential model = two_layers();
        const DataParallel parallel(model, group);
        const Tensor loss = sum(model(ones({1, 4})));
        parallel.backward(loss);
        model.parameters()[group.rank() == 0 ? 0 : 2].set_requires_grad(false);
        model.zero_grad();
        parallel.backward(sum(model(ones({1, 4}))));
    });
    expect_fault(fault, "gradients of 3 of 4 parameters");
    EXPECT_EQ(fault_of(2,
                       [](const Group& group) {
                           const nn::Sequential model = two_layers();
                           const DataParallel parallel(model, group);
                           parallel.backward(sum(model(ones({1, 4}))));
                           model.parameters()[0].set_requires_grad(false);  // on all ranks
                           model.zero_grad();
                           parallel.backward(sum(model(ones({1, 4}))));
                           EXPECT_FALSE(model.parameters()[0].grad().defined());
                       }),
              "nothing was thrown");
}

TEST(Misuse, OptionsThatDifferAreNamed) {
    const auto made = [](auto&& choose) {
        return fault_of(2, [&](const Group& group) {
            DataParallelOptions options;
            if (group.rank() == 1) choose(options);
            DataParallel(two_layers(), group, options);
        });
    };
    expect_fault(made([](DataParallelOptions& o) { o.compress = true; }),
                 "rank 0 has compress false, rank 1 has compress true");
    expect_fault(made([](DataParallelOptions& o) { o.shard = Shard::gradients; }),
                 "rank 0 has shard none, rank 1 has shard gradients");
    expect_fault(made([](DataParallelOptions& o) { o.bucket_bytes = 7; }), "rank 1 has buckets of 7 bytes");
}

class EveryShard : public ::testing::TestWithParam<Shard> {};
INSTANTIATE_TEST_SUITE_P(What, EveryShard,
                         ::testing::Values(Shard::none, Shard::optimizer, Shard::gradients,
                                           Shard::parameters));

// The gradient on the ranks that have it.
void expect_gradient(const Tensor& parameter, double value) {
    if (parameter.grad().defined()) {
        EXPECT_EQ(parameter.grad().to_vector<double>()[0], value);
    }
}

TEST_P(EveryShard, PassesBeforeAStepAddUp) {
    run_quick(2, [](const Group& group) {
        const nn::Linear model(3, 2);
        const DataParallel parallel(model, group, {.shard = GetParam()});
        for (int pass = 1; pass <= 3; ++pass) {
            parallel.backward(sum(model(ones({1, 3}))));
            expect_gradient(model.weight, pass);
            expect_gradient(model.bias, pass);
        }
        model.zero_grad();
        sum(model(full({1, 3}, 10))).backward();  // of this rank alone, as the parts before the last one
        parallel.backward(sum(model(ones({1, 3}))));
        expect_gradient(model.weight, 10 * group.size() + 1);
        if (model.weight.grad().defined()) model.weight.grad().fill_(0);
        if (model.bias.grad().defined()) model.bias.grad().fill_(0);
        parallel.backward(sum(model(ones({1, 3}))));
        expect_gradient(model.weight, 1);
    });
}

// The sum of one model's pass is no gradient of a rank for another that has the same layer.
TEST(Misuse, ModelsThatShareALayerAddUp) {
    for (const Shard shard : {Shard::none, Shard::optimizer})
        run_quick(2, [&](const Group& group) {
            const nn::Linear shared(3, 3);
            const nn::Sequential a(shared, nn::Linear(3, 1)), b(shared, nn::Linear(3, 1));
            const DataParallel of_a(a, group, {.shard = shard}), of_b(b, group, {.shard = shard});
            of_a.backward(sum(a(ones({1, 3}))));
            const std::vector<double> first =
                shared.bias.grad().defined() ? shared.bias.grad().to_vector<double>() : Values();
            of_b.backward(sum(b(ones({1, 3}))));
            if (first.empty()) return;
            const std::vector<double> weight = b.parameters()[2].to_vector<double>();
            EXPECT_NEAR(shared.bias.grad().to_vector<double>()[0], first[0] + weight[0], 1e-6);
        });
}

// Each would put the sum of a gradient, or the parameter itself, on a rank of its own choice.
TEST(Misuse, LayersOfTwoModelsAreNotSharedOutTwice) {
    for (const Shard shard : {Shard::gradients, Shard::parameters})
        run_quick(2, [&](const Group& group) {
            const nn::Linear shared(3, 3);
            const nn::Sequential a(shared, nn::Linear(3, 1)), b(shared, nn::Linear(3, 1));
            {
                const DataParallel of_a(a, group, {.shard = shard});
                EXPECT_THROW(DataParallel(b, group, {.shard = shard}), ValueError);
            }
            EXPECT_NO_THROW(DataParallel(b, group, {.shard = shard}));
        });
}

// Of the gradients a rank has a part alone.
TEST_P(EveryShard, WhatTakesAPartForTheWholeIsRefused) {
    run_quick(2, [](const Group& group) {
        const nn::Sequential model = two_layers();
        const DataParallel parallel(model, group, {.shard = GetParam()});
        optim::SGD optimizer(model.parameters(), {.lr = 0.1});
        optim::GradScaler scaler;
        const auto refused = [&](const auto& f, const char* instead) {
            std::string fault;
            try {
                f();
            } catch (const ValueError& error) {
                fault = error.what();
            }
            if (GetParam() < Shard::gradients)
                EXPECT_EQ(fault, "");
            else
                expect_fault(fault, instead);
        };
        const std::vector<Tensor> parameters = model.parameters();
        for (int step = 0; step < 2; ++step) {
            model.zero_grad();
            parallel.backward(scaler.scale(sum(model(ones({1, 4})))));
            refused([&] { optim::clip_grad_norm_(parameters, 1); }, "parallel.clip_grad_norm_(parameters,");
            refused([&] { optimizer.step(); }, "parallel.step(optimizer) takes its place");
            refused([&] { scaler.unscale(optimizer); },
                    "parallel.unscale(scaler, optimizer) takes its place");
            parallel.unscale(scaler, optimizer);
            parallel.clip_grad_norm_(parameters, 1);
            parallel.step([&] { scaler.step(optimizer); });
            scaler.update();
        }
        parallel.gather_parameters();
    });
}

TEST_P(EveryShard, ARankWithoutSamplesHasALossOfNothing) {
    if (GetParam() == Shard::parameters) GTEST_SKIP() << "all ranks run the same layers";
    run_quick(2, [](const Group& group) {
        const nn::Linear model(3, 2), alone(3, 2);
        alone.load(model.state());
        const DataParallel parallel(model, group, {.shard = GetParam()});
        optim::SGD optimizer(model.parameters(), {.lr = 0.1}), other(alone.parameters(), {.lr = 0.1});
        if (group.rank() == 0)
            parallel.backward(sum(model(ones({1, 3}))), 1);
        else
            parallel.backward(zeros({}), 0);
        parallel.step(optimizer);
        if (group.rank() > 0) return;
        sum(alone(ones({1, 3}))).backward();
        other.step();
        EXPECT_EQ(model.weight.to_vector<double>(), alone.weight.to_vector<double>());
    });
}

TEST(Misuse, ALossIsOneNumber) {
    run_quick(2, [](const Group& group) {
        const nn::Linear model(3, 2);
        EXPECT_THROW(DataParallel(model, group).backward(model(ones({1, 3}))), AutogradError);
    });
}

// Without its word the ranks would not know of an overflow that one of them has.
TEST_P(EveryShard, AScalerThatStepsHasToBeTold) {
    run_quick(2, [](const Group& group) {
        const nn::Sequential model = two_layers();
        const DataParallel parallel(model, group, {.shard = GetParam()});
        optim::SGD optimizer(model.parameters(), {.lr = 0.1});
        optim::GradScaler scaler;
        parallel.backward(scaler.scale(sum(model(ones({1, 4})))));
        const auto step = [&] { parallel.step([&] { scaler.step(optimizer); }); };
        if (GetParam() == Shard::none) return step();
        EXPECT_THROW(step(), ValueError);
    });
}

TEST_P(EveryShard, GradientsOfOneRankBehindASumAreRefused) {
    expect_fault(fault_of(2,
                          [](const Group& group) {
                              const nn::Linear model(3, 2);
                              const DataParallel parallel(model, group, {.shard = GetParam()});
                              parallel.backward(sum(model(ones({1, 3}))));
                              parallel.gather_parameters();
                              sum(model(ones({1, 3}))).backward();
                              parallel.backward(sum(model(ones({1, 3}))));
                          }),
                 "the sum of an earlier backward pass was changed");
}

TEST(Misuse, ARefusedPassLeavesNothingBehind) {
    run_quick(2, [](const Group& group) {
        const nn::Linear model(3, 2);
        const DataParallel parallel(model, group, {.bucket_bytes = 1});
        const auto pass = [&] {
            parallel.backward(sum(model(ones({1, 3}))));
            return model.weight.grad().to_vector<double>();
        };
        const std::vector<double> once = pass();
        model.bias.grad().fill_(0.5);
        EXPECT_THROW(pass(), ValueError);
        model.zero_grad();
        EXPECT_EQ(pass(), once);
    });
}

TEST_P(EveryShard, StepsMoveParametersThatAllHave) {
    run_quick(2, [](const Group& group) {
        const nn::Sequential model = two_layers(), alone = two_layers();
        const DataParallel parallel(model, group, {.shard = GetParam()});
        optim::Adam optimizer(model.parameters(), {.lr = 0.1}), other(alone.parameters(), {.lr = 0.1});
        for (int step = 0; step < 4; ++step) {
            if (step == 2) parallel.gather_parameters();
            model.zero_grad();
            parallel.backward(sum(square(model(ones({1, 4})))));
            parallel.step(optimizer);
            alone.zero_grad();
            sum(square(alone(ones({1, 4})))).backward();
            other.step();
        }
        for (std::size_t i = 0; i < 4; ++i)
            EXPECT_EQ(model.parameters()[i].to_vector<double>(), alone.parameters()[i].to_vector<double>())
                << i;
        parallel.release_parameters();
        parallel.gather_parameters();
    });
}

TEST_P(EveryShard, StepsThatMakeGradientsNeedAll) {
    const auto trained = [](const Group& group) {
        const nn::Linear model(3, 2);
        const DataParallel parallel(model, group, {.shard = GetParam()});
        optim::LBFGS optimizer(model.parameters(), {.max_iter = 3});
        parallel.step([&] {
            optimizer.step([&] {
                model.zero_grad();
                const Tensor loss = sum(square(model(ones({1, 3}))));
                parallel.backward(loss);
                return loss;
            });
        });
        EXPECT_LT(sum(square(model(ones({1, 3})))).item(), 0.01);
    };
    const std::string fault = fault_of(2, trained);
    if (GetParam() == Shard::none)
        EXPECT_EQ(fault, "nothing was thrown");
    else
        expect_fault(fault, "needs all gradients and parameters on all ranks (Shard::none)");
}

TEST(Misuse, ParametersThatAreElsewhereMakeNoSecondModel) {
    run_quick(2, [](const Group& group) {
        const nn::Sequential model = two_layers();
        const DataParallel parallel(model, group, {.shard = Shard::parameters});
        parallel.backward(sum(model(ones({1, 4}))));
        EXPECT_THROW(DataParallel(model, Group()), ValueError);  // a rank has one of the two layers
        parallel.gather_parameters();
        EXPECT_NO_THROW(DataParallel(model, Group()));
    });
}

}  // namespace
}  // namespace adjoint::distributed
