// The thread pool of a system without threads: the caller does all tasks.
#include <string>

#include <adjoint/core/base/error.h>
#include <adjoint/cpu/thread_pool.h>

namespace adjoint::cpu {

int num_threads() { return 1; }

void set_num_threads(int n) {
    if (n != 1) throw ValueError("set_num_threads: this build has one thread, got " + std::to_string(n));
}

namespace detail {

void run_tasks(std::int64_t tasks, void (*call)(void* body, std::int64_t task), void* body) {
    for (std::int64_t task = 0; task < tasks; ++task) call(body, task);
}

}  // namespace detail
}  // namespace adjoint::cpu
