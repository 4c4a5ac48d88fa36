// Several threads at once: gradients into one leaf, generators, warnings.
#include <gtest/gtest.h>

#include <cstdlib>
#include <thread>
#include <vector>

#include <adjoint/autograd/ops/arithmetic.h>
#include <adjoint/autograd/ops/reduce.h>
#include <adjoint/core/contract/generator.h>
#include <adjoint/core/tensor/creation.h>

namespace adjoint {
namespace {

template <class F> void in_threads(int count, F f) {
    std::vector<std::thread> threads;
    for (int i = 0; i < count; ++i) threads.emplace_back([f, i] { f(i); });
    for (std::thread& thread : threads) thread.join();
}

TEST(Threads, GradientsOfAllThreadsReachOneLeaf) {
    constexpr int threads = 4, passes = 300;
    for (const std::int64_t size : {1, 3000, 100000}) {
        const Tensor small = ones({size}, {.requires_grad = true}),
                     large = ones({size}, {.requires_grad = true});
        in_threads(threads, [&](int) {
            for (int i = 0; i < passes; ++i) sum(small * 2 + large).backward();
        });
        EXPECT_TRUE(equal(small.grad(), full({size}, 2 * threads * passes)));
        EXPECT_TRUE(equal(large.grad(), full({size}, threads * passes)));
    }
}

TEST(Threads, WithoutASeedEachDrawsItsOwnNumbers) {
    constexpr std::size_t count = 4;
    std::vector<Tensor> free(count), seeded(count);
    std::vector<GeneratorState> states(count);
    in_threads(count, [&](int i) {
        const auto at = static_cast<std::size_t>(i);
        states[at] = generator_state();
        free[at] = rand({16});
        manual_seed(7);
        seeded[at] = rand({16});
    });
    for (std::size_t i = 0; i < count; ++i) {
        EXPECT_GT(states[i].seed, 1u << 20) << "near the seeds that programs give";
        EXPECT_TRUE(equal(seeded[i], seeded[0]));
        for (std::size_t j = 0; j < i; ++j) EXPECT_FALSE(equal(free[i], free[j])) << i << " and " << j;
    }
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    EXPECT_EXIT(std::exit(generator_state() == GeneratorState{} ? 0 : 1), testing::ExitedWithCode(0), "")
        << "the main thread begins with the seed 0";
}

}  // namespace
}  // namespace adjoint
