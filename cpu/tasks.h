// Work on many like pieces (rows, planes) cut into tasks of a size that pays for a thread's attention.
#pragma once

#include <algorithm>
#include <cstdint>

#include <adjoint/cpu/thread_pool.h>

namespace adjoint::cpu {

constexpr std::int64_t ceil_div(std::int64_t x, std::int64_t step) { return (x + step - 1) / step; }
constexpr std::int64_t round_up(std::int64_t x, std::int64_t step) { return ceil_div(x, step) * step; }

/// Calls f(i) for each i below `count`; a piece costs about as much as `elements` additions.
template <class F> void for_pieces(std::int64_t count, std::int64_t elements, F f) {
    constexpr std::int64_t task_elements = 16384;
    const std::int64_t per_task =
        std::max<std::int64_t>(1, task_elements / std::max<std::int64_t>(elements, 1));
    parallel_for(ceil_div(count, per_task), [&](std::int64_t task) {
        for (std::int64_t i = task * per_task; i < std::min(count, (task + 1) * per_task); ++i) f(i);
    });
}

}  // namespace adjoint::cpu
