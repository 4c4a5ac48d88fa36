// Memory that runs out at a chosen moment: the n-th request of this thread from then on fails, once.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include <adjoint/core/base/error.h>
#include <adjoint/core/memory/host_memory.h>

namespace adjoint {

/// While it lives, request number `which` (from 0) of this thread to operator new or posix_memalign fails.
class FailingMemory {
  public:
    explicit FailingMemory(int which) noexcept;
    ~FailingMemory();
    FailingMemory(const FailingMemory&) = delete;
    FailingMemory& operator=(const FailingMemory&) = delete;
    /// Whether it came to that.
    static bool has_failed() noexcept;
};

/// Runs `scene` again and again, with each of its requests for memory failing once: it ends well or with an
/// OutOfMemoryError that names all of `parts`, and nothing else. Returns how many failures it met.
template <class Scene> int with_every_failure(Scene scene, const std::vector<std::string>& parts = {}) {
    constexpr int most = 100000;
    for (int n = 0; n < most; ++n) {
        empty_cache();  // what is kept would not be asked for
        bool failed = false;
        std::string message;
        try {
            const FailingMemory memory(n);
            scene();
            failed = FailingMemory::has_failed();
        } catch (const OutOfMemoryError& error) {
            failed = true;
            message = error.what();
        } catch (const std::exception& error) {
            ADD_FAILURE() << "request " << n << ": an error of another kind: " << error.what();
            return n;
        }
        if (!failed) return n;
        for (const std::string& part : parts)
            if (!message.empty()) {
                EXPECT_NE(message.find(part), std::string::npos)
                    << "request " << n << ": expected \"" << part << "\" in: " << message;
            }
    }
    ADD_FAILURE() << "no end of it";
    return most;
}

}  // namespace adjoint
