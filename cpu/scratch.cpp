// The thread's buffer behind scratch().
#include <pthread.h>

#include <cstdlib>
#include <string>

#include <adjoint/core/base/error.h>
#include <adjoint/cpu/scratch.h>

namespace adjoint::cpu {
namespace {

struct ScratchMemory {
    void* memory = nullptr;
    std::size_t size = 0;

    void release() noexcept {
        std::free(memory);
        *this = {};
    }
};

// Without a destructor, since those of other objects of the thread, and after main() those of static ones,
// may still compute: the system frees the buffer after all of them, that of the main thread with the process.
constinit thread_local ScratchMemory scratch_memory;

pthread_key_t thread_end() {
    static const pthread_key_t key = [] {
        pthread_key_t made{};
        const auto release = [](void* buffer) { static_cast<ScratchMemory*>(buffer)->release(); };
        if (pthread_key_create(&made, release) != 0)
            throw OutOfMemoryError("scratch: the system has no place left for what belongs to a thread");
        return made;
    }();
    return key;
}

}  // namespace

void* scratch(std::size_t bytes) {
    ScratchMemory& own = scratch_memory;
    if (bytes > own.size) {
        constexpr std::size_t page = 4096;
        const std::size_t size = (bytes + page - 1) / page * page;
        own.release();  // first, so that both are never held
        void* const memory = std::aligned_alloc(page, size);
        if (!memory || pthread_setspecific(thread_end(), &own) != 0) {
            std::free(memory);
            throw OutOfMemoryError("scratch: no memory for " + std::to_string(size) + " bytes");
        }
        own = {memory, size};
    }
    return own.memory;
}

}  // namespace adjoint::cpu
