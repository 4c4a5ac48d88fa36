// The program's allocation functions, with a counter in front.
#include "failing_memory.h"

#include <dlfcn.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <new>
#include <utility>

#include <adjoint/core/base/sanitizer.h>

namespace adjoint {
namespace {

// Until the one that fails; negative for none.
constinit thread_local int own_left = -1;
constinit std::atomic<int> left_of_all{-1};
constinit thread_local bool fails_again = false;
constinit std::atomic<bool> failed = false;

bool fails_now() noexcept {
    if (own_left >= 0) {
        if (own_left-- > 0) return false;
    } else if (left_of_all.load(std::memory_order_relaxed) < 0 || left_of_all.fetch_sub(1) != 0) {
        return false;
    }
    failed = true;
    return true;
}

bool memory_fails_now() noexcept {
    if (std::exchange(fails_again, false)) return true;
    return fails_again = fails_now();
}

}  // namespace

FailingMemory::FailingMemory(int which, Requests requests) noexcept {
    failed = false;
    fails_again = false;
    if (requests == Requests::of_this_thread)
        own_left = which;
    else
        left_of_all = which;
}
FailingMemory::~FailingMemory() {
    own_left = -1;
    left_of_all = -1;
    fails_again = false;
}
bool FailingMemory::has_failed() noexcept { return failed; }

}  // namespace adjoint

// Never inlined: g++ would see a block of operator new go to free().
[[gnu::noinline]] void* operator new(std::size_t bytes) {
    if (!adjoint::fails_now())
        if (void* const block = std::malloc(bytes > 0 ? bytes : 1)) return block;
    throw std::bad_alloc();
}
[[gnu::noinline]] void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept {
    return adjoint::fails_now() ? nullptr : std::malloc(bytes > 0 ? bytes : 1);
}
[[gnu::noinline]] void operator delete(void* block) noexcept { std::free(block); }
[[gnu::noinline]] void operator delete(void* block, std::size_t) noexcept { std::free(block); }

extern "C" int posix_memalign(void** block, std::size_t alignment, std::size_t bytes) noexcept {
    static const auto system_function =
        reinterpret_cast<int (*)(void**, std::size_t, std::size_t)>(dlsym(RTLD_NEXT, "posix_memalign"));
    return adjoint::memory_fails_now() ? ENOMEM : system_function(block, alignment, bytes);
}

#if ADJOINT_ADDRESS_SANITIZER
// A request that is larger than any memory fails, instead of ending the program.
extern "C" const char* __asan_default_options() { return "allocator_may_return_null=1"; }
#endif
