// The thread-local buffer behind scratch().
#include <cstdlib>
#include <memory>
#include <string>

#include <adjoint/core/cpu/scratch.h>
#include <adjoint/core/error.h>

namespace adjoint::cpu {
namespace {

struct Free {
    void operator()(void* p) const { std::free(p); }
};

struct Buffer {
    std::unique_ptr<void, Free> memory;
    std::size_t size = 0;
};

thread_local Buffer buffer;

}  // namespace

void* scratch(std::size_t bytes) {
    if (bytes > buffer.size) {
        constexpr std::size_t page = 4096;
        const std::size_t size = (bytes + page - 1) / page * page;
        buffer.memory.reset();  // first, so that both are never held
        buffer.size = 0;
        buffer.memory.reset(std::aligned_alloc(page, size));
        if (!buffer.memory) {
            throw OutOfMemoryError("scratch: no memory for " + std::to_string(size) + " bytes");
        }
        buffer.size = size;
    }
    return buffer.memory.get();
}

}  // namespace adjoint::cpu
