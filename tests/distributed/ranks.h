// Ranks as threads, with a time-out that no test reaches unless something hangs.
#pragma once

#include <functional>

#include <adjoint/distributed/group/group.h>

namespace adjoint::distributed {

inline void run_quick(int ranks, const std::function<void(const Group&)>& f,
                      const GroupOptions& options = {.timeout = std::chrono::seconds(60)}) {
    run_threads(ranks, f, options);
}

}  // namespace adjoint::distributed
