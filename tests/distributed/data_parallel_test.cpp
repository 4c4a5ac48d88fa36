// Ranks that train together against one process that adds the gradients of their parts.
#include <adjoint/distributed/parallel/data_parallel.h>

#include <gtest/gtest.h>

#include <cmath>
#include <mutex>
#include <string>
#include <vector>

#include <adjoint/autograd/ops/arithmetic.h>
#include <adjoint/autograd/ops/cross_entropy.h>
#include <adjoint/autograd/ops/elementwise.h>
#include <adjoint/autograd/ops/indexed.h>
#include <adjoint/autograd/ops/reduce.h>
#include <adjoint/autograd/ops/shape.h>
#include <adjoint/autograd/record/grad_mode.h>
#include <adjoint/core/base/error.h>
#include <adjoint/core/contract/generator.h>
#include <adjoint/core/tensor/creation.h>
#include <adjoint/data/loader.h>
#include <adjoint/nn/batch_norm.h>
#include <adjoint/nn/linear.h>
#include <adjoint/nn/sequential.h>
#include <adjoint/optim/sgd.h>

#include "device/compare.h"
#include "distributed/ranks.h"
#include "toy_device/toy_device.h"

namespace adjoint::distributed {
namespace {

using device::expect_same_bits;
using Tensors = std::vector<Tensor>;

struct Net : nn::Module {
    const nn::Linear first = child("first", nn::Linear(6, 40));
    const nn::Linear unused = child("unused", nn::Linear(3, 3));
    const nn::BatchNorm1d norm = child("norm", nn::BatchNorm1d(40));
    const nn::Linear last = child("last", nn::Linear(40, 3));
    Tensor operator()(const Tensor& x) const { return last(relu(norm(first(x)))); }
};

Net net_of(std::uint64_t seed) {
    manual_seed(seed);
    return Net();
}

// So many that a step at the end has parts of unequal sizes, of two samples at least.
data::Dataset points() {
    manual_seed(3);
    const Tensor x = randn({62, 6});
    return {.inputs = x, .targets = (x(all, 0) > x(all, 1)).to(i64) + (x(all, 2) > 0.5).to(i64)};
}

// The parameters after some steps of `parts` parts, of which this process has all or a rank's. The loss of
// the last part of a step and its share are given to `last`.
template <class Last> Tensors trained(const Net& net, const data::LoaderParts& parts, const Last& last) {
    optim::SGD optimizer(net.parameters(), {.lr = 0.1, .momentum = 0.9});
    data::Loader loader(points(), {.batch_size = 4, .seed = 5, .parts = parts});
    for (int epoch = 0; epoch < 2; ++epoch)
        for (const data::Batch& batch : loader) {
            optimizer.zero_grad();
            std::int64_t first = 0;
            for (std::size_t i = 0; i < batch.parts.size(); ++i) {
                const std::int64_t count = batch.parts[i];
                const Tensor loss =
                    cross_entropy(net(narrow(batch.x, 0, first, count)), narrow(batch.y, 0, first, count));
                const double share = static_cast<double>(count) / static_cast<double>(batch.step_size);
                if (i + 1 < batch.parts.size())
                    (loss * share).backward();
                else
                    last(loss, share);
                first += count;
            }
            optimizer.step();
        }
    return net.parameters();
}

Tensors alone(int parts) {
    return trained(net_of(1), {parts, 0, parts},
                   [](const Tensor& loss, double share) { (loss * share).backward(); });
}

void expect_same(const Tensors& expected, const Tensors& got) {
    ASSERT_EQ(expected.size(), got.size());
    for (std::size_t i = 0; i < expected.size(); ++i) expect_same_bits(got[i], expected[i], "parameter");
}

class ParallelRanks : public ::testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(Threads, ParallelRanks, ::testing::Values(1, 2, 3, 4));

TEST_P(ParallelRanks, HaveTheBitsOfOneProcess) {
    const int ranks = GetParam();
    const Tensors expected = alone(ranks);
    for (const std::int64_t bytes : {std::int64_t{1}, std::int64_t{600}, std::int64_t{25} << 20})
        run_quick(ranks, [&](const Group& group) {
            const Net net = net_of(1 + static_cast<std::uint64_t>(group.rank()));
            const DataParallel parallel(net, group, {.bucket_bytes = bytes});
            const Tensors got = trained(net, {ranks, group.rank(), 1}, [&](const Tensor& loss, double share) {
                parallel.backward(loss, share);
            });
            expect_same(expected, got);
            EXPECT_FALSE(net.unused.weight.grad().defined()) << "nobody has reached it";
        });
}

// Sums of sums: not the bits of one process, but the same on every rank, and close.
TEST_P(ParallelRanks, MayAddUpGradientsFirst) {
    const int ranks = GetParam();
    const Tensors expected = alone(2 * ranks);
    std::mutex mutex;
    Tensors of_one;
    run_quick(ranks, [&](const Group& group) {
        const Net net = net_of(1);
        const DataParallel parallel(net, group);
        const Tensors got =
            trained(net, {2 * ranks, 2 * group.rank(), 2},
                    [&](const Tensor& loss, double share) { parallel.backward(loss, share); });
        const std::scoped_lock lock(mutex);
        for (std::size_t i = 0; i < got.size(); ++i)
            EXPECT_LT(max(abs(got[i] - expected[i])).item(), 1e-4) << i;
        if (of_one.empty()) of_one = got;
        expect_same(of_one, got);
    });
}

// Frozen, shared and reached by one rank alone.
TEST(DataParallel, EveryKindOfParameter) {
    struct Kinds : nn::Module {
        const nn::Parameter shared = parameter("shared", full({3}, 2));
        const nn::Parameter frozen = parameter("frozen", full({3}, 5));
        const nn::Parameter seldom = parameter("seldom", full({2}, 1));
        const nn::Parameter half = parameter("half", full({5}, 1).to(f16));
        const nn::Parameter scalar = parameter("scalar", full({}, 3).to(f64));
        const nn::Parameter empty_one = parameter("empty", zeros({0, 4}));
    };
    run_quick(3, [](const Group& group) {
        const Kinds model;
        model.frozen.set_requires_grad(false);
        const DataParallel parallel(model, group, {.bucket_bytes = 8});
        for (int step = 0; step < 3; ++step) {
            model.zero_grad();
            if (step == 2) model.frozen.set_requires_grad(true);
            const double k = group.rank() + 1;
            Tensor loss = sum(model.shared * model.shared * model.frozen * k) + sum(model.half.to(f32)) * k +
                          (model.scalar * k).to(f32) + sum(model.empty_one);
            if (group.rank() == 1) loss = loss + sum(model.seldom);
            parallel.backward(loss);
            EXPECT_NEAR(model.shared.grad().to_vector<double>()[2], 2 * 2 * 5 * 2, 1e-5);  // the mean k is 2
            EXPECT_EQ(model.half.grad().dtype(), f16);
            EXPECT_NEAR(model.half.grad().to_vector<double>()[4], 2, 1e-2);
            EXPECT_NEAR(model.scalar.grad().item<double>(), 2, 1e-6);  // the share is f32, as the loss
            EXPECT_NEAR(model.seldom.grad().to_vector<double>()[1], 1.0 / 3, 1e-6) << group.rank();
            EXPECT_EQ(model.frozen.grad().defined(), step == 2);
        }
        EXPECT_NEAR(model.frozen.grad().to_vector<double>()[0], 2 * 2 * 2, 1e-5);
    });
}

TEST(DataParallel, GradientsOfAStepAreNotThoseOfTheNext) {
    run_quick(2, [](const Group& group) {
        const nn::Linear model(2, 1);
        const DataParallel parallel(model, group);
        parallel.backward(sum(model(ones({1, 2}))));
        const Tensor kept = model.weight.grad();
        const std::vector<double> before = kept.to_vector<double>();
        model.zero_grad();
        parallel.backward(sum(model(full({1, 2}, 7))));
        EXPECT_EQ(kept.to_vector<double>(), before);
        EXPECT_EQ(model.weight.grad().to_vector<double>()[0], 7);
    });
}

TEST(DataParallel, OnAnotherDevice) {
    run_quick(2, [](const Group& group) {
        const nn::Linear model(2, 1);
        model.to(toy_device());
        const DataParallel parallel(model, group);
        parallel.backward(sum(model(full({1, 2}, group.rank()).to(toy_device()))));
        EXPECT_EQ(model.weight.grad().device(), toy_device());
        EXPECT_EQ(model.weight.grad().to_vector<double>()[1], 0.5);
    });
}

TEST(DataParallel, ModelsThatDifferAreNamed) {
    const auto message = [](const std::function<void(const Group&)>& f) -> std::string {
        try {
            run_quick(3, f);
        } catch (const DistributedError& error) {
            return error.what();
        }
        return "nothing was thrown";
    };
    EXPECT_NE(message([](const Group& group) {
                  DataParallel(nn::Sequential(nn::Linear(2, 3), nn::Linear(3, group.rank() == 2 ? 4 : 5)),
                               group);
              }).find("rank 0 has 1.weight f32 (5, 3), rank 2 has 1.weight f32 (4, 3)"),
              std::string::npos);
    EXPECT_NE(message([](const Group& group) {
                  DataParallel(nn::Linear(2, 3, {.bias = group.rank() != 1}), group);
              }).find("rank 0 has bias f32 (3,), rank 1 has no bias"),
              std::string::npos);
    EXPECT_NE(message([](const Group& group) {
                  const nn::Linear model(2, 3);
                  model.bias.set_requires_grad(group.rank() != 1);
                  DataParallel(model, group);
              }).find("rank 0 has bias f32 (3,), rank 1 has bias f32 (3,), frozen"),
              std::string::npos);
    const nn::Linear layer(1, 1);
    EXPECT_THROW(DataParallel(layer, Group(), {.bucket_bytes = 0}), ValueError);
    EXPECT_THROW(DataParallel(layer, Group()).backward(sum(layer(ones({1, 1}))), 1.5), ValueError);
}

TEST(DataParallel, BuffersMeetInTheMiddle) {
    run_quick(2, [](const Group& group) {
        const nn::BatchNorm1d norm(2);
        const DataParallel parallel(norm, group);
        norm(full({4, 2}, group.rank() == 0 ? 1 : 3));
        parallel.synchronize_buffers();
        EXPECT_NEAR(norm.running_mean.to_vector<double>()[0], 0.1 * 2, 1e-6);
    });
}

// A step whose gradient overflows is a step without use, not the end of the training.
TEST(DataParallel, CompressionGetsOverAGradientThatIsNotFinite) {
    run_quick(2, [](const Group& group) {
        const nn::Linear model(1, 1, {.bias = false});
        const DataParallel parallel(model, group, {.compress = true});
        for (const double x : {1.0, double(INFINITY), 2.0}) {
            model.zero_grad();
            parallel.backward(sum(model(full({1, 1}, x))));
            EXPECT_EQ(model.weight.grad().item<double>(), x);
        }
    });
}

// In half of the bytes: what one step rounds away comes with the next.
TEST(DataParallel, CompressionForgetsNothing) {
    run_quick(2, [](const Group& group) {
        const nn::Linear model(1, 1, {.bias = false});
        const DataParallel parallel(model, group, {.compress = true});
        const double gradient = 1 + 1.0 / 1024;  // between two numbers of bf16
        double total = 0;
        for (int step = 0; step < 64; ++step) {
            model.zero_grad();
            parallel.backward(sum(model(full({1, 1}, gradient))));
            const double got = model.weight.grad().item<double>();
            EXPECT_TRUE(step == 0 || std::abs(got - gradient) < 1.0 / 64) << got;
            total += got;
        }
        EXPECT_NEAR(total, 64 * gradient, 1.0 / 64);
    });
}

// The sum of three is no number of bf16 either, and each addition would round.
TEST(DataParallel, CompressionSumsInFull) {
    run_quick(3, [](const Group& group) {
        const nn::Linear model(1, 1, {.bias = false});
        const DataParallel parallel(model, group, {.compress = true});
        const double gradient = 1 + 1.0 / 128;  // a number of bf16
        double total = 0;
        for (int step = 0; step < 16; ++step) {
            model.zero_grad();
            parallel.backward(sum(model(full({1, 1}, gradient))), 1);
            const double got = model.weight.grad().item<double>();
            EXPECT_LE(std::abs(got - 3 * gradient), 1.0 / 64) << got;
            total += got;
        }
        EXPECT_NEAR(total, 16 * 3 * gradient, 1.0 / 64);
    });
}

// A layer that is reached in every other pass gets what is left over in the next but one.
TEST(DataParallel, CompressionWaitsForALayerThatIsNotReached) {
    run_quick(2, [](const Group& group) {
        struct Two : nn::Module {
            const nn::Parameter a = parameter("a", ones({1})), b = parameter("b", ones({1}));
        };
        const Two model;
        const DataParallel parallel(model, group, {.compress = true});
        const double gradient = 1 + 3.0 / 1024;  // bf16 has 1 and 1 + 8 / 1024
        double total = 0;
        for (int pass = 0; pass < 16; ++pass) {
            model.zero_grad();
            const Tensor& reached = pass % 2 == 0 ? model.a : model.b;
            parallel.backward(sum(reached * gradient));
            if (pass % 2 == 0) total += model.a.grad().item<double>();
        }
        EXPECT_NEAR(total, 8 * gradient, 1.0 / 128);
    });
}

// Behind the first pass gradients travel in another order, where what is left over of each has its place.
TEST(DataParallel, CompressionForgetsNothingOfTheFirstPass) {
    run_quick(2, [](const Group& group) {
        struct Two : nn::Module {
            const nn::Parameter a = parameter("a", ones({1})), b = parameter("b", ones({3}));
        };
        const Two model;
        const DataParallel parallel(model, group, {.compress = true});
        const double step = 1.0 / 128, rest = 3.0 / 1024;  // of bf16 above 1, and less than half of that
        for (const double expected : {1.0, 1 + step}) {
            model.zero_grad();
            parallel.backward(sum(model.b * (1 + rest)) + sum(model.a));
            EXPECT_EQ(model.b.grad().to_vector<double>(), (std::vector<double>(3, expected)));
            EXPECT_EQ(model.a.grad().item<double>(), 1);
        }
    });
}

}  // namespace
}  // namespace adjoint::distributed
