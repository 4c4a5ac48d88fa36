// The thread pool: a published job, an atomic task counter, and workers that spin
// for a moment and then sleep.
#include <linux/futex.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <exception>
#include <limits>
#include <string>
#include <thread>
#include <utility>

#include <adjoint/core/base/error.h>
#include <adjoint/core/base/signals.h>
#include <adjoint/cpu/thread_pool.h>

namespace adjoint::cpu {
namespace {

using Call = void (*)(void*, std::int64_t);
using FutexWord = std::atomic<std::uint32_t>;
static_assert(sizeof(FutexWord) == 4 && FutexWord::is_always_lock_free);

// Long enough to bridge the gap between two operations of a training step, as to wake a sleeping core takes
// longer than a small product; short enough to cost a foreign process next to nothing.
constexpr auto spin_time = std::chrono::microseconds(50);

void futex_wait(FutexWord& word, std::uint32_t value) {
    syscall(SYS_futex, reinterpret_cast<std::uint32_t*>(&word), FUTEX_WAIT_PRIVATE, value, nullptr, nullptr,
            0);
}

void futex_wake(FutexWord& word, std::int64_t threads) {
    const auto count = static_cast<int>(std::min<std::int64_t>(threads, std::numeric_limits<int>::max()));
    syscall(SYS_futex, reinterpret_cast<std::uint32_t*>(&word), FUTEX_WAKE_PRIVATE, count, nullptr, nullptr,
            0);
}

void pause() {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    asm volatile("yield");
#endif
}

// True as soon as `ready` is, false if it was not within spin_time.
template <typename Ready> bool spin_until(Ready ready) {
    const auto end = std::chrono::steady_clock::now() + spin_time;
    do {
        for (int i = 0; i < 8; ++i) {
            if (ready()) return true;
            pause();
        }
    } while (std::chrono::steady_clock::now() < end);
    return false;
}

// A pool is never destroyed: its workers are detached and may look at it until the process ends.
class Pool {
  public:
    Pool(int threads, Pool* previous) : threads_(threads), previous_(previous) {}

    [[nodiscard]] int threads() const { return threads_; }

    // False if another call has the pool.
    bool run(std::int64_t tasks, Call call, void* body) {
        if (busy_.exchange(true, std::memory_order_acquire)) return false;
        if (!started_) start();
        publish(tasks, call, body);
        wake(tasks);
        finish(drain());
        std::exception_ptr error;
        if (failed_.load(std::memory_order_relaxed)) {
            error = std::exchange(error_, nullptr);
            failed_.store(false, std::memory_order_relaxed);
        }
        busy_.store(false, std::memory_order_release);
        if (error) std::rethrow_exception(std::move(error));
        return true;
    }

    // Workers leave when they next look; a call in progress is finished by its caller.
    void retire() {
        retired_.store(true, std::memory_order_relaxed);
        signal_.fetch_add(1);
        futex_wake(signal_, threads_);
    }

  private:
    // The state word is the job's generation in the upper half, and its next task in the lower. A worker
    // takes a task by adding one: that fails if the job is another by now, so what was read of the job
    // belongs to the task.
    static constexpr std::uint64_t closed = 0xffffffffu;

    void start() noexcept {
        started_ = true;
        const SignalsBlocked blocked;
        try {
            for (int i = 1; i < threads_; ++i) std::thread([this] { work(); }).detach();
        } catch (const std::exception&) {
            // No thread or no memory left: fewer workers do the same work.
        }
    }

    void publish(std::int64_t tasks, Call call, void* body) {
        const std::uint64_t generation = (state_.load(std::memory_order_relaxed) >> 32) + 1;
        // Closed before the job changes: a late worker of the last job must not take a task
        // of a half-written one.
        state_.store(generation << 32 | closed, std::memory_order_relaxed);
        tasks_.store(static_cast<std::uint32_t>(tasks), std::memory_order_release);
        call_.store(call, std::memory_order_release);
        body_.store(body, std::memory_order_release);
        done_.store(0, std::memory_order_relaxed);
        state_.store((generation + 1) << 32, std::memory_order_release);
    }

    void wake(std::int64_t tasks) {
        // Both sides write one word and read the other in one total order: either the worker sees the new
        // signal or the caller sees the sleeper.
        signal_.fetch_add(1);
        if (sleepers_.load() > 0) futex_wake(signal_, tasks - 1);
    }

    // Runs tasks until none is left, and returns how many this thread ran.
    std::uint32_t drain() {
        std::uint32_t count = 0;
        std::uint64_t state = state_.load(std::memory_order_acquire);
        for (;;) {
            const std::uint64_t task = state & closed;
            const Call call = call_.load(std::memory_order_acquire);
            void* const body = body_.load(std::memory_order_acquire);
            if (task == closed || task >= tasks_.load(std::memory_order_acquire)) return count;
            if (!state_.compare_exchange_weak(state, state + 1, std::memory_order_acq_rel,
                                              std::memory_order_acquire)) {
                continue;
            }
            ++state;
            ++count;
            if (failed_.load(std::memory_order_relaxed)) continue;
            try {
                call(body, static_cast<std::int64_t>(task));
            } catch (...) {
                if (!failed_.exchange(true, std::memory_order_relaxed)) error_ = std::current_exception();
            }
        }
    }

    // The caller's end of a job: waits for the workers that have taken tasks.
    void finish(std::uint32_t count) {
        const std::uint32_t tasks = tasks_.load(std::memory_order_relaxed);
        std::uint32_t done = done_.fetch_add(count) + count;
        if (done == tasks) return;
        if (spin_until([&] { return done_.load(std::memory_order_acquire) == tasks; })) return;
        caller_sleeps_.store(true);
        while ((done = done_.load()) != tasks) futex_wait(done_, done);
        caller_sleeps_.store(false);
    }

    void work() {
        while (!retired_.load(std::memory_order_relaxed)) {
            const std::uint32_t seen = signal_.load(std::memory_order_acquire);
            // The tasks count, read before this thread reports: afterwards the job may
            // already be the next one.
            if (const std::uint32_t count = drain(); count > 0) {
                done_.fetch_add(count);
                if (caller_sleeps_.load()) futex_wake(done_, 1);
            }
            if (spin_until([&] { return signal_.load(std::memory_order_acquire) != seen; })) continue;
            sleepers_.fetch_add(1);
            if (signal_.load() == seen) futex_wait(signal_, seen);
            sleepers_.fetch_sub(1);
        }
    }

    const int threads_;
    Pool* const previous_;  // keeps retired pools reachable, for the leak checker
    bool started_ = false;
    std::exception_ptr error_;

    alignas(64) std::atomic<bool> busy_{false};
    std::atomic<bool> failed_{false};
    std::atomic<bool> retired_{false};
    std::atomic<bool> caller_sleeps_{false};
    std::atomic<std::uint32_t> tasks_{0};
    std::atomic<Call> call_{nullptr};
    std::atomic<void*> body_{nullptr};
    alignas(64) std::atomic<std::uint64_t> state_{closed};
    alignas(64) FutexWord signal_{0};
    std::atomic<int> sleepers_{0};
    alignas(64) FutexWord done_{0};
};

int default_threads() {
    if (const char* text = std::getenv("ADJOINT_NUM_THREADS")) {
        char* end = nullptr;
        const long n = std::strtol(text, &end, 10);
        if (end == text || *end != '\0' || n < 1 || n > 4096) {
            throw ValueError("ADJOINT_NUM_THREADS: expected a number from 1 to 4096, got \"" +
                             std::string(text) + "\"");
        }
        return static_cast<int>(n);
    }
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0) return std::max(1, CPU_COUNT(&set));
    return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

std::atomic<Pool*> current{nullptr};

// In a forked child the workers do not exist; the number of threads is kept.
std::atomic<int> threads_after_fork{0};
void forget_pool() {
    if (const Pool* pool = current.load()) {
        threads_after_fork.store(pool->threads());
        current.store(nullptr);
    }
}

Pool* install(int threads, Pool* expected) {
    [[maybe_unused]] static const int registered = pthread_atfork(nullptr, nullptr, forget_pool);
    auto* const fresh = new Pool(threads, expected);
    if (current.compare_exchange_strong(expected, fresh)) return fresh;
    delete fresh;  // it has no workers yet
    return expected;
}

Pool* pool() {
    if (Pool* p = current.load(std::memory_order_acquire)) return p;
    const int kept = threads_after_fork.load();
    return install(kept > 0 ? kept : default_threads(), nullptr);
}

}  // namespace

int num_threads() { return pool()->threads(); }

void set_num_threads(int n) {
    if (n < 1) throw ValueError("set_num_threads: expected at least 1, got " + std::to_string(n));
    for (;;) {
        Pool* const old = current.load();
        if (old != nullptr && old->threads() == n) return;
        Pool* const now = install(n, old);
        if (now->threads() != n) continue;
        if (old != nullptr && now != old) old->retire();
        return;
    }
}

namespace detail {

void run_tasks(std::int64_t tasks, Call call, void* body) {
    // More tasks than the counter holds are too small to share.
    if (tasks > 1 && tasks < std::int64_t{1} << 31) {
        Pool* const p = pool();
        if (p->threads() > 1 && p->run(tasks, call, body)) return;
    }
    for (std::int64_t task = 0; task < tasks; ++task) call(body, task);
}

}  // namespace detail
}  // namespace adjoint::cpu
