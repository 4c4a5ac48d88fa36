// Memory that runs out at a chosen moment: the n-th request from then on fails, once.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <string>

#include <adjoint/core/base/error.h>
#include <adjoint/core/memory/host_memory.h>

namespace adjoint {

/// Whose requests are counted.
enum class Requests { of_this_thread, of_all_threads };

/// While it lives, request number `which` (from 0) to operator new or posix_memalign fails; where it is
/// posix_memalign, the next one of the thread does too, since memory for tensors is asked for a second
/// time with empty caches.
class FailingMemory {
  public:
    explicit FailingMemory(int which, Requests requests = Requests::of_this_thread) noexcept;
    ~FailingMemory();
    FailingMemory(const FailingMemory&) = delete;
    FailingMemory& operator=(const FailingMemory&) = delete;
    /// Whether it came to that.
    static bool has_failed() noexcept;
};

/// What with_every_failure is told besides.
struct FailureOptions {
    std::vector<std::string> parts = {};  ///< that the errors name
    Requests requests = Requests::of_this_thread;
    std::function<void()> before = {};      ///< makes what the scene begins with, out of plenty
    std::function<void()> afterwards = {};  ///< looks, after each failure, whether all goes on as before
};

/// Runs `scene` again and again, with each of its requests for memory failing once: it ends well or with an
/// OutOfMemoryError, and nothing else. Returns how many failures it met.
template <class Scene> int with_every_failure(Scene scene, const FailureOptions& options) {
    constexpr int most = 100000;
    for (int n = 0; n < most; ++n) {
        if (options.before) options.before();
        empty_cache();  // what is kept would not be asked for
        bool failed = false;
        std::string message;
        try {
            const FailingMemory memory(n, options.requests);
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
        for (const std::string& part : options.parts)
            if (!message.empty()) {
                EXPECT_NE(message.find(part), std::string::npos)
                    << "request " << n << ": expected \"" << part << "\" in: " << message;
            }
        if (options.afterwards) options.afterwards();
        if (testing::Test::HasFailure()) {
            ADD_FAILURE() << "after the failure of request " << n;
            return n;
        }
    }
    ADD_FAILURE() << "no end of it";
    return most;
}
template <class Scene> int with_every_failure(Scene scene, const std::vector<std::string>& parts = {}) {
    return with_every_failure(scene, FailureOptions{.parts = parts});
}

}  // namespace adjoint
