// The one thread pool of the CPU backend: fixed tasks, of which the caller can do all alone.
//
// What is a task depends on sizes only, never on the number of threads, so that results are the same bits for
// any number. A worker that has not started when the tasks run out is not waited for:
// a busy machine costs little.
#pragma once

#include <cstdint>
#include <memory>
#include <type_traits>

#include <adjoint/core/base/export.h>

namespace adjoint::cpu {

/// How many threads parallel_for uses, the caller among them: what set_num_threads said, else the environment
/// variable ADJOINT_NUM_THREADS, else the number of cores this process may run on.
ADJOINT_API int num_threads();

/// Sets the number of threads, n >= 1, for all later calls of parallel_for.
/// errors: ValueError if n < 1.
ADJOINT_API void set_num_threads(int n);

namespace detail {
ADJOINT_API void run_tasks(std::int64_t tasks, void (*call)(void* body, std::int64_t task), void* body);
}

/// Calls body(0), ..., body(tasks - 1), each once, in any order and on any thread, and returns when all are
/// done. Runs inline when nested, or when another thread has the pool.
/// errors: the first exception thrown by body; tasks not yet begun are then left out.
template <typename Body>
inline __attribute__((always_inline)) void parallel_for(std::int64_t tasks, Body&& body) {
    using Plain = std::remove_reference_t<Body>;
    if (tasks == 1) {
        body(std::int64_t{0});
        return;
    }
    detail::run_tasks(
        tasks, [](void* f, std::int64_t task) { (*static_cast<Plain*>(f))(task); },
        const_cast<void*>(static_cast<const void*>(std::addressof(body))));
}

}  // namespace adjoint::cpu
