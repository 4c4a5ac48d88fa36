// Graphs of a million operations: built, run backward and dropped on a small stack.
#include <gtest/gtest.h>

#include <pthread.h>

#include <functional>

#include <adjoint/autograd/backward/engine.h>
#include <adjoint/autograd/ops/arithmetic.h>
#include <adjoint/autograd/ops/elementwise.h>
#include <adjoint/autograd/ops/shape.h>
#include <adjoint/core/tensor/creation.h>

namespace adjoint {
namespace {

// Runs f on a thread with 256 KiB of stack, where anything that recurses over the graph overflows.
void on_small_stack(std::function<void()> f) {
    pthread_attr_t attributes;
    ASSERT_EQ(pthread_attr_init(&attributes), 0);
    ASSERT_EQ(pthread_attr_setstacksize(&attributes, 256 * 1024), 0);
    pthread_t thread{};
    const auto entry = [](void* function) -> void* {
        (*static_cast<std::function<void()>*>(function))();
        return nullptr;
    };
    ASSERT_EQ(pthread_create(&thread, &attributes, entry, &f), 0);
    ASSERT_EQ(pthread_join(thread, nullptr), 0);
    pthread_attr_destroy(&attributes);
}

constexpr int million = 1'000'000;

Tensor chain(const Tensor& x, int length) {
    Tensor y = x;
    for (int i = 0; i < length; ++i) y = y + 1;
    return y;
}

TEST(Depth, BackwardOverAMillionOperations) {
    on_small_stack([] {
        const Tensor x = zeros({}, {.dtype = f64, .requires_grad = true});
        const Tensor y = chain(x, million);
        EXPECT_EQ(y.item(), million);
        y.backward();
        EXPECT_EQ(x.grad().item(), 1);
    });
}

TEST(Depth, DroppedWithoutBackward) {
    on_small_stack([] {
        const Tensor x = zeros({}, {.requires_grad = true});
        Tensor y = chain(x, million);
        y = Tensor();
        EXPECT_FALSE(x.grad().defined());
    });
}

TEST(Depth, SavedTensorsAndCreateGraph) {
    on_small_stack([] {
        const Tensor x = full({}, 1.0, {.dtype = f64, .requires_grad = true});
        constexpr int length = 20'000;
        const Tensor factor = full({}, 1.0, {.dtype = f64, .requires_grad = true});
        Tensor y = x;
        for (int i = 0; i < length; ++i) y = y * factor;
        const Tensor slope = grad(y, factor, {.grad_outputs = {}, .create_graph = true});
        EXPECT_EQ(slope.item(), length);
        EXPECT_EQ(grad(slope, x).item(), length);
    });
}

TEST(Depth, GradOverAWideAndDeepGraph) {
    on_small_stack([] {
        const Tensor x = full({}, 1.0, {.dtype = f64, .requires_grad = true});
        Tensor y = x;
        // Each step uses its operand twice: 2^60 paths, 60 nodes.
        for (int i = 0; i < 60; ++i) y = y + y;
        EXPECT_EQ(grad(y, x).item(), 0x1p60);
    });
}

TEST(Depth, ViewsOfViews) {
    on_small_stack([] {
        const Tensor x = zeros({2, 3}, {.requires_grad = true});
        Tensor y = x;
        for (int i = 0; i < 100'000; ++i) y = t(y);
        y.backward(ones({2, 3}));
        EXPECT_EQ(x.grad().to_vector<float>(), std::vector<float>(6, 1.0f));
    });
}

}  // namespace
}  // namespace adjoint
