// The thread-local buffer behind scratch().
#include <cstdlib>
#include <memory>
#include <string>

#include <adjoint/core/base/error.h>
#include <adjoint/cpu/scratch.h>

namespace adjoint::cpu {
namespace {

struct Free {
    void operator()(void* p) const { std::free(p); }
};

struct ScratchMemory {
    std::unique_ptr<void, Free> memory;
    std::size_t size = 0;
};

thread_local ScratchMemory scratch_memory;

}  // namespace

void* scratch(std::size_t bytes) {
    if (bytes > scratch_memory.size) {
        constexpr std::size_t page = 4096;
        const std::size_t size = (bytes + page - 1) / page * page;
        scratch_memory.memory.reset();  // first, so that both are never held
        scratch_memory.size = 0;
        scratch_memory.memory.reset(std::aligned_alloc(page, size));
        if (!scratch_memory.memory) {
            throw OutOfMemoryError("scratch: no memory for " + std::to_string(size) + " bytes");
        }
        scratch_memory.size = size;
    }
    return scratch_memory.memory.get();
}

}  // namespace adjoint::cpu
