// Graphs give their memory back: after a step nothing of it is left.
#include <gtest/gtest.h>

#include <exception>
#include <functional>

#include <adjoint/autograd/backward/engine.h>
#include <adjoint/autograd/ops/arithmetic.h>
#include <adjoint/autograd/ops/elementwise.h>
#include <adjoint/autograd/ops/linalg.h>
#include <adjoint/autograd/ops/reduce.h>
#include <adjoint/autograd/ops/softmax.h>
#include <adjoint/core/memory/host_memory.h>
#include <adjoint/core/tensor/creation.h>

namespace adjoint {
namespace {

// Bytes that tensors and nodes hold more after f than before; the first run may fill caches.
std::int64_t left_by(const std::function<void()>& f) {
    f();
    const std::int64_t before = host_memory_stats().in_use;
    for (int i = 0; i < 5; ++i) f();
    return host_memory_stats().in_use - before;
}

class Memory : public testing::Test {
  protected:
    Tensor x = rand({16, 8}, {.dtype = f64, .requires_grad = true});
    Tensor w = rand({8, 4}, {.dtype = f64, .requires_grad = true});
    // Saved inputs, saved outputs, views, reductions.
    Tensor loss() const { return mean(square(softmax(tanh(matmul(x, w)), 1) * sigmoid(exp(matmul(x, w))))); }
    void forget() const {
        x.set_grad({});
        w.set_grad({});
    }
};

TEST_F(Memory, AStepLeavesNothing) {
    EXPECT_EQ(left_by([&] {
                  loss().backward();
                  forget();
              }),
              0);
}

TEST_F(Memory, AnUnusedGraphLeavesNothing) {
    EXPECT_EQ(left_by([&] { loss(); }), 0);
}

TEST_F(Memory, ARetainedGraphLeavesNothing) {
    EXPECT_EQ(left_by([&] {
                  const Tensor y = loss();
                  y.backward({}, true);
                  y.backward({}, true);
                  forget();
              }),
              0);
}

TEST_F(Memory, HigherOrdersLeaveNothing) {
    EXPECT_EQ(left_by([&] {
                  const Tensor first = grad(loss(), w, {.grad_outputs = {}, .create_graph = true});
                  const Tensor second =
                      grad(sum(square(first)), w, {.grad_outputs = {}, .create_graph = true});
                  grad(sum(second), w);
              }),
              0);
}

TEST_F(Memory, HooksAndKeptGradientsLeaveNothing) {
    EXPECT_EQ(left_by([&] {
                  const Tensor h = tanh(matmul(x, w));
                  h.retain_grad();
                  h.register_hook([](const Tensor& g) { return g * 2; });
                  sum(h).backward();
                  forget();
              }),
              0);
}

TEST_F(Memory, AFailedPassLeavesNothing) {
    EXPECT_EQ(left_by([&] {
                  const Tensor h = exp(matmul(x, w));
                  const Tensor y = sum(h);
                  h.detach().fill_(0);
                  EXPECT_THROW(y.backward(), std::exception);
                  EXPECT_THROW(h.backward(), std::exception);
                  forget();
              }),
              0);
}

TEST_F(Memory, AnInPlaceResultDoesNotKeepItselfAlive) {
    EXPECT_EQ(left_by([&] {
                  const Tensor h = matmul(x, w);
                  h *= tanh(h);
                  h *= h;
                  h /= exp(h);
              }),
              0);
}

TEST_F(Memory, ABackwardPassFreesWhatWasSavedAtOnce) {
    const Tensor big = rand({256, 256}, {.requires_grad = true});
    const std::int64_t before = host_memory_stats().in_use;
    Tensor y = big;
    for (int i = 0; i < 8; ++i) y = tanh(y);
    const Tensor total = sum(y);
    y = Tensor();
    EXPECT_GT(host_memory_stats().in_use - before, 8 * 256 * 1024);
    total.backward();
    big.set_grad({});
    EXPECT_LT(host_memory_stats().in_use - before, 256 * 1024) << "the graph is alive, what it saved is not";
}

}  // namespace
}  // namespace adjoint
