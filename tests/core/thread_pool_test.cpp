// Tests of the thread pool: each task once, exceptions, nesting, several callers, changes of size, fork.
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <numeric>
#include <stdexcept>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include <adjoint/core/base/error.h>
#include <adjoint/core/base/sanitizer.h>
#include <adjoint/cpu/thread_pool.h>

namespace adjoint::cpu {
namespace {

class ThreadPool : public ::testing::Test {
  protected:
    void SetUp() override { set_num_threads(4); }
};

void expect_each_once(std::int64_t tasks) {
    std::vector<int> count(static_cast<std::size_t>(tasks), 0);
    parallel_for(tasks, [&](std::int64_t i) { count[static_cast<std::size_t>(i)] += 1; });
    ASSERT_EQ(std::accumulate(count.begin(), count.end(), std::int64_t{0}), tasks);
    for (const int c : count) ASSERT_EQ(c, 1);
}

TEST_F(ThreadPool, runs_each_task_once) {
    for (const std::int64_t tasks : {0, 1, 2, 3, 7, 100, 10000}) expect_each_once(tasks);
    for (int i = 0; i < 20000; ++i) expect_each_once(i % 5);
}

TEST_F(ThreadPool, other_threads_take_part) {
    // Each of two tasks waits for the other: only two threads can end this.
    std::atomic<int> met{0};
    parallel_for(2, [&](std::int64_t) {
        ++met;
        const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
        while (met < 2 && std::chrono::steady_clock::now() < end) std::this_thread::yield();
    });
    EXPECT_EQ(met, 2);
}

TEST_F(ThreadPool, exceptions_reach_the_caller_and_the_pool_stays_usable) {
    for (int round = 0; round < 10000; ++round) {
        bool caught = false;
        try {
            parallel_for(4, [&](std::int64_t i) {
                if (i == round % 4) throw std::runtime_error(std::to_string(round));
            });
        } catch (const std::runtime_error& error) {
            caught = error.what() == std::to_string(round);
        }
        ASSERT_TRUE(caught);
    }
    expect_each_once(1000);
}

TEST_F(ThreadPool, tasks_after_an_exception_are_left_out) {
    std::atomic<int> run{0};
    EXPECT_THROW(parallel_for(100000,
                              [&](std::int64_t) {
                                  ++run;
                                  throw ValueError("no");
                              }),
                 ValueError);
    EXPECT_LE(run, 4);
}

TEST_F(ThreadPool, nested_calls_run_inline) {
    std::atomic<int> count{0};
    std::atomic<int> elsewhere{0};
    parallel_for(8, [&](std::int64_t) {
        const auto self = std::this_thread::get_id();
        parallel_for(8, [&](std::int64_t) {
            ++count;
            if (std::this_thread::get_id() != self) ++elsewhere;
        });
    });
    EXPECT_EQ(count, 64);
    EXPECT_EQ(elsewhere, 0);
}

TEST_F(ThreadPool, several_callers_at_once) {
    std::vector<std::thread> callers;
    std::atomic<std::int64_t> sum{0};
    for (int t = 0; t < 4; ++t) {
        callers.emplace_back([&] {
            for (int round = 0; round < 2000; ++round) {
                parallel_for(5, [&](std::int64_t i) { sum.fetch_add(i + 1, std::memory_order_relaxed); });
            }
        });
    }
    for (auto& c : callers) c.join();
    EXPECT_EQ(sum, 4 * 2000 * 15);
}

TEST_F(ThreadPool, size_can_change_also_while_in_use) {
    std::atomic<bool> stop{false};
    std::thread other([&] {
        while (!stop) expect_each_once(16);
    });
    for (int round = 0; round < 100; ++round) {
        set_num_threads(1 + round % 4);
        ASSERT_EQ(num_threads(), 1 + round % 4);
        expect_each_once(16);
    }
    stop = true;
    other.join();
    EXPECT_THROW(set_num_threads(0), ValueError);
}

TEST_F(ThreadPool, one_thread_runs_in_order_on_the_caller) {
    set_num_threads(1);
    std::vector<std::int64_t> order;
    parallel_for(5, [&](std::int64_t i) { order.push_back(i); });
    EXPECT_EQ(order, (std::vector<std::int64_t>{0, 1, 2, 3, 4}));
}

TEST_F(ThreadPool, what_a_task_wrote_is_seen_by_the_caller) {
    std::vector<double> x(64);
    for (int round = 0; round < 5000; ++round) {
        parallel_for(64, [&](std::int64_t i) { x[static_cast<std::size_t>(i)] = round; });
        for (const double v : x) ASSERT_EQ(v, round);
    }
}

#if !ADJOINT_THREAD_SANITIZER
TEST_F(ThreadPool, works_in_a_forked_child) {
    expect_each_once(100);
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
        std::atomic<int> met{0};
        parallel_for(2, [&](std::int64_t) {
            ++met;
            const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
            while (met < 2 && std::chrono::steady_clock::now() < end) std::this_thread::yield();
        });
        _exit(met == 2 && num_threads() == 4 ? 0 : 1);
    }
    int status = -1;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    expect_each_once(100);
}
#endif

}  // namespace
}  // namespace adjoint::cpu
