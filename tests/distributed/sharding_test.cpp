// What the ranks share out: the steps are those of ranks that keep all, and each keeps its part alone.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include <adjoint/autograd/backward/checkpoint.h>
#include <adjoint/autograd/ops/arithmetic.h>
#include <adjoint/autograd/ops/elementwise.h>
#include <adjoint/autograd/ops/indexed.h>
#include <adjoint/autograd/ops/linalg.h>
#include <adjoint/autograd/ops/reduce.h>
#include <adjoint/autograd/ops/shape.h>
#include <adjoint/core/base/error.h>
#include <adjoint/core/contract/generator.h>
#include <adjoint/core/tensor/creation.h>
#include <adjoint/distributed/parallel/data_parallel.h>
#include <adjoint/nn/activation.h>
#include <adjoint/nn/embedding.h>
#include <adjoint/nn/linear.h>
#include <adjoint/nn/loss.h>
#include <adjoint/nn/recurrent.h>
#include <adjoint/nn/sequential.h>
#include <adjoint/optim/adam.h>
#include <adjoint/optim/clip.h>
#include <adjoint/optim/grad_scaler.h>
#include <adjoint/optim/sgd.h>
#include <adjoint/train/checkpoint.h>
#include <adjoint/train/fit.h>

#include "device/compare.h"
#include "distributed/faults.h"
#include "temporary_folder.h"

namespace adjoint::distributed {
namespace {

using device::expect_same_bits;

nn::Sequential small_net() {
    manual_seed(1);
    return nn::Sequential(nn::Linear(6, 30), nn::Tanh(), nn::Linear(30, 20), nn::Tanh(), nn::Linear(20, 3));
}

data::Dataset samples() {
    manual_seed(3);
    const Tensor x = randn({64, 6});
    return {.inputs = x, .targets = (x(all, 0) > x(all, 1)).to(i64) + (x(all, 2) > 0.5).to(i64)};
}

nn::NamedTensors sharing_fit(train::FitOptions options) {
    const nn::Sequential net = small_net();
    optim::Adam optimizer(net.parameters(), {.lr = 0.01});
    options.epochs = std::max(options.epochs, 2);
    options.batch_size = 8;
    options.verbose = false;
    train::fit(net, nn::CrossEntropyLoss(), optimizer, samples(), options);
    return net.state();
}

void expect_same_state(const nn::NamedTensors& expected, const nn::NamedTensors& got) {
    ASSERT_EQ(expected.size(), got.size());
    for (std::size_t i = 0; i < got.size(); ++i)
        expect_same_bits(got[i].second, expected[i].second, got[i].first);
}

std::vector<std::string> names_of(const optim::NamedTensors& state) {
    std::vector<std::string> names;
    for (const auto& [name, tensor] : state) names.push_back(name);
    return names;
}

class Shards : public ::testing::TestWithParam<Shard> {};
INSTANTIATE_TEST_SUITE_P(What, Shards,
                         ::testing::Values(Shard::optimizer, Shard::gradients, Shard::parameters));

TEST_P(Shards, TheStepsAreThoseOfRanksThatKeepAll) {
    for (const int ranks : {1, 2, 3, 4}) {
        const nn::NamedTensors expected = sharing_fit({.accumulate = ranks});
        run_quick(ranks, [&](const Group& group) {
            expect_same_state(
                expected,
                sharing_fit({.group = group, .parallel = {.bucket_bytes = 300, .shard = GetParam()}}));
        });
    }
}

// The first scale is too large for f16: all ranks leave out the same steps.
TEST_P(Shards, AnOverflowOfOneRankIsThatOfAll) {
    const nn::NamedTensors expected = sharing_fit({.accumulate = 2, .autocast = f16});
    run_quick(2, [&](const Group& group) {
        expect_same_state(expected,
                          sharing_fit({.autocast = f16, .group = group, .parallel = {.shard = GetParam()}}));
        const nn::Sequential net = small_net();
        optim::SGD optimizer(net.parameters(), {.lr = 0.1});
        optim::GradScaler scaler;
        const DataParallel parallel(net, group, {.shard = GetParam()});
        parallel.backward(sum(net(ones({1, 6}))));
        const Tensor first = net.parameters()[0].grad();
        if (first.defined()) first.fill_(INFINITY);  // where it lies
        parallel.unscale(scaler, optimizer);
        bool stepped = true;
        parallel.step([&] { stepped = scaler.step(optimizer); });
        EXPECT_FALSE(stepped);
    });
}

TEST_P(Shards, ARankHasTheStatesOfItsParametersAlone) {
    run_quick(3, [](const Group& group) {
        const nn::Sequential net = small_net();
        const DataParallel parallel(net, group, {.shard = GetParam()});
        optim::Adam optimizer(net.parameters());
        parallel.backward(sum(square(net(ones({2, 6})))));
        int gradients = 0;
        for (const Tensor& parameter : net.parameters()) gradients += parameter.grad().defined() ? 1 : 0;
        parallel.step(optimizer);

        // Of 180, 30, 600, 20, 60 and 3 numbers 600 are one rank's and the rest another two's.
        std::int64_t held = 0;
        for (const auto& [name, tensor] : optimizer.state()) held += tensor.numel();
        EXPECT_LT(held, 2 * 610) << group.rank();
        const Tensor total = tensor<std::int64_t>({held, gradients}, {2});
        group.all_reduce(total);
        EXPECT_EQ(total(0).item<std::int64_t>(), 2 * 893 + 6 + 3)
            << "moments, steps, and the rate of each rank";
        EXPECT_EQ(total(1).item<std::int64_t>(), GetParam() == Shard::optimizer ? 18 : 6);

        const nn::Sequential alone = small_net();
        optim::Adam whole(alone.parameters());
        sum(square(alone(ones({2, 6})))).backward();
        whole.step();
        const optim::NamedTensors state = parallel.state_of(optimizer);
        if (group.rank() > 0) return;
        EXPECT_EQ(names_of(state), names_of(whole.state()));
        for (std::size_t i = 0; i < state.size(); ++i)
            EXPECT_LT(max(abs(state[i].second - whole.state()[i].second)).item(), 1e-5) << state[i].first;
    });
}

TEST_P(Shards, ClippingKnowsTheGradientsOfAllRanks) {
    run_quick(3, [](const Group& group) {
        const nn::Sequential net = small_net(), alone = small_net();
        const DataParallel parallel(net, group, {.shard = GetParam()});
        optim::Adam optimizer(net.parameters()), other(alone.parameters());
        parallel.backward(sum(square(net(ones({2, 6})))));
        sum(square(alone(ones({2, 6})))).backward();
        const double norm = parallel.clip_grad_norm_(net.parameters(), 0.1).item(),
                     expected = optim::clip_grad_norm_(alone.parameters(), 0.1).item();
        EXPECT_GT(expected, 0.2);
        EXPECT_NEAR(norm, expected, 1e-4);
        for (std::size_t i = 0; i < net.parameters().size(); ++i)
            if (const Tensor gradient = net.parameters()[i].grad(); gradient.defined()) {
                EXPECT_LT(max(abs(gradient - alone.parameters()[i].grad())).item(), 1e-5) << i;
            }
        // A NaN on one rank is seen on all.
        net.parameters()[0].set_requires_grad(true);
        net.zero_grad();
        parallel.backward(sum(net(full({2, 6}, NAN))));
        EXPECT_TRUE(std::isnan(parallel.clip_grad_norm_(net.parameters(), 0.1).item()));
        for (const Tensor& parameter : net.parameters())
            if (parameter.grad().defined()) {
                EXPECT_TRUE(std::isnan(parameter.grad().to_vector<double>()[0]));
            }
    });
}

// From four ranks that share out to two that do not, and back to three.
TEST_P(Shards, ACheckpointIsThatOfARunThatKeepsAll) {
    const TemporaryFolder folder;
    const auto run = [&](int ranks, const std::string& from, const std::string& to, Shard shard, int epochs) {
        nn::NamedTensors result;
        run_quick(ranks, [&](const Group& group) {
            train::FitOptions options{
                .epochs = epochs, .resume = from, .accumulate = 4 / ranks, .group = group};
            options.parallel.shard = shard;
            options.callbacks.push_back(train::checkpoint({.path = to}));
            const nn::NamedTensors got = sharing_fit(options);
            if (group.rank() == 0) result = got;
        });
        return result;
    };
    const std::string a = folder / "a", b = folder / "b", c = folder / "c";
    const nn::NamedTensors expected = run(4, "", a, Shard::none, 4);
    run(4, "", b, GetParam(), 2);
    const train::Checkpoint whole = train::load_checkpoint(a), half = train::load_checkpoint(b);
    EXPECT_EQ(names_of(half.optimizer), names_of(whole.optimizer));
    expect_same_state(expected, run(4, b, c, GetParam(), 4));
    expect_same_state(expected, run(4, b, c, Shard::none, 4));
}

// Numbers that this rank has memory for.
std::int64_t numbers_here(const nn::Module& model) {
    std::int64_t count = 0;
    for (const Tensor& parameter : model.parameters())
        count += parameter.device().is_cpu() ? parameter.numel() : 0;
    return count;
}

// A weight for two layers, a recurrent layer of which only the state is used, and one that runs no hooks.
struct Awkward : nn::Module {
    struct Plain : nn::Module {
        const nn::Parameter scale = parameter("scale", full({8}, 2));
        Tensor operator()(const Tensor& x) const { return x * scale; }
    };
    const nn::Embedding embedding = child("embedding", nn::Embedding(5, 8));
    const nn::GRU memory = child("memory", nn::GRU(8, 8));
    const nn::Linear middle = child("middle", nn::Linear(8, 8));
    const Plain plain = child("plain", Plain());
    struct Tied : nn::Module {
        const nn::Parameter weight;
        explicit Tied(const Tensor& of) : weight(parameter("weight", of)) {}
        Tensor operator()(const Tensor& x) const {
            return computed(x, [&] { return matmul(x, t(weight)); });
        }
    };
    const nn::Linear head = child("head", nn::Linear(8, 8));
    const Tied tied = child("tied", Tied(embedding.weight));
    Tensor operator()(const Tensor& numbers) const {
        const Tensor h = select(memory(embedding(numbers)).h_n, 0, 0);
        const Tensor y = checkpoint([this](const Tensor& x) { return tanh(middle(tanh(middle(x)))); }, h);
        return tied(head(plain(y)));
    }
};

TEST(Sharding, AParameterIsElsewhereOnlyWhileALayerComputes) {
    run_quick(3, [](const Group& group) {
        const nn::Sequential net = small_net();
        optim::Adam optimizer(net.parameters());
        {
            const DataParallel parallel(net, group, {.shard = Shard::parameters});
            std::int64_t most = 0;
            nn::HookHandle hook = net.at<nn::Linear>(2).register_forward_pre_hook(
                [&](const nn::Module&, const Tensor&) { most = std::max(most, numbers_here(net)); });
            for (int step = 0; step < 3; ++step) {
                net.zero_grad();
                parallel.backward(sum(square(net(ones({2, 6})))));
                parallel.step(optimizer);
                EXPECT_LE(numbers_here(net), 606) << "the largest owner's";
                most = 0;
            }
            net(ones({2, 6}));
            EXPECT_LE(most, 180 + 30 + 60 + 626) << "its own, and those of one layer";
            EXPECT_LE(numbers_here(net), 606);
            parallel.gather_parameters();
            EXPECT_EQ(numbers_here(net), 893);
            parallel.release_parameters();
            EXPECT_LE(numbers_here(net), 606);
            EXPECT_THROW(parallel.release_parameters(), ValueError);
            parallel.gather_parameters();
            hook.remove();
        }
        EXPECT_FALSE(net.at<nn::Linear>(0).has_hooks());
        EXPECT_EQ(numbers_here(net), 893);
    });
}

TEST(Sharding, LayersWhoseHooksComeTooLateKeepTheirParameters) {
    const auto trained = [](const Group& group, Shard shard) {
        manual_seed(7);
        const Awkward net;
        optim::Adam optimizer(net.parameters(), {.lr = 0.01});
        const DataParallel parallel(net, group, {.shard = shard});
        for (int step = 0; step < 4; ++step) {
            net.zero_grad();
            parallel.backward(sum(square(net(tensor<std::int64_t>({1, 2, 4, group.rank()}, {4, 1})))));
            parallel.step(optimizer);
        }
        if (shard == Shard::parameters) {
            EXPECT_TRUE(net.plain.scale.device().is_cpu()) << "no hooks";
            EXPECT_TRUE(net.memory.parameters()[0].device().is_cpu()) << "its output is not used";
            std::vector<std::int64_t> there;
            for (const Tensor& weight : {net.head.weight, net.middle.weight, net.embedding.weight})
                there.push_back(weight.device().is_cpu() ? 1 : 0);
            const Tensor on = tensor(there, {3});
            group.all_reduce(on);
            EXPECT_EQ(on.to_vector<std::int64_t>(), (std::vector<std::int64_t>{1, 1, 1}))
                << "on one rank each";
        }
        parallel.gather_parameters();
        return net.state();
    };
    run_quick(3, [&](const Group& group) {
        const nn::NamedTensors expected = trained(group, Shard::none);
        expect_same_state(expected, trained(group, Shard::parameters));
    });
}

// Its output is not used, and so the gradient that would bring its weights back never comes.
TEST(Sharding, AFrozenLayerThatIsNotReachedStays) {
    run_quick(2, [](const Group& group) {
        manual_seed(1);
        struct Net : nn::Module {
            const nn::Embedding embedding = child("embedding", nn::Embedding(5, 8));
            const nn::GRU memory = child("memory", nn::GRU(8, 8));
            Tensor operator()(const Tensor& x) const { return memory(embedding(x)).h_n; }
        } const net;
        for (const Tensor& parameter : net.memory.parameters()) parameter.set_requires_grad(false);
        const DataParallel parallel(net, group, {.shard = Shard::parameters});
        for (int step = 0; step < 3; ++step) {
            parallel.backward(sum(net(tensor<std::int64_t>({1, 2}, {2, 1}))));
            EXPECT_TRUE(net.memory.parameters()[0].device().is_cpu());
        }
    });
}

TEST(Sharding, AWeightThatIsUsedBehindItsLayersBackIsAnError) {
    const std::string fault = fault_of(2, [&](const Group& group) {
        manual_seed(1);
        const nn::Linear layer(3, 3), other(3, 3);
        const nn::Sequential net(layer, other);
        const DataParallel parallel(net, group, {.shard = Shard::parameters});
        for (int step = 0; step < 2; ++step)
            parallel.backward(
                sum(matmul(net(ones({2, 3})), layer.weight) + matmul(ones({2, 3}), other.weight)));
    });
    expect_fault(fault, "matmul: operands live on cpu and another rank (gather_parameters() brings it here)");
}

TEST(Sharding, WhatCannotBeDoneIsSaid) {
    run_quick(2, [](const Group& group) {
        EXPECT_THROW(
            sharing_fit({.average = train::EMA{}, .group = group, .parallel = {.shard = Shard::parameters}}),
            ValueError);
    });
}

}  // namespace
}  // namespace adjoint::distributed
