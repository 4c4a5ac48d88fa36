// Copies and fills. The host's side has to be pinned memory that keeps its bytes until the copy has run;
// where a copy to the host goes, there is nonsense until then.
#include <cstring>

#include "executor.h"
#include "state.h"

namespace {

using namespace adjoint::fake_cuda;

std::uint64_t hash_of(const void* data, std::size_t bytes) {
    std::uint64_t hash = 0x9e3779b97f4a7c15u + bytes;
    const auto* place = static_cast<const char*>(data);
    for (std::size_t i = 0; i < bytes; i += 8) {
        std::uint64_t word = 0;
        std::memcpy(&word, place + i, std::min<std::size_t>(8, bytes - i));
        hash = (hash ^ word) * 0xff51afd7ed558ccdu;
        hash ^= hash >> 29;
    }
    return hash;
}

void check_host_side(cudaStream_t stream, const void* data, std::size_t bytes) {
    if (checked(stream).captured)
        violation("a copy from or to the host in a graph: its memory would have to live on");
    if (!is_pinned(data, bytes)) violation("memory of the host that is not pinned: the copy would wait");
}

Work copy_of(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind, cudaStream_t stream) {
    switch (kind) {
        case cudaMemcpyHostToDevice:
            check_host_side(stream, from, bytes);
            return {
                "memcpy to device", {{to, bytes, Access::writes}}, [=, before = hash_of(from, bytes)] {
                    if (hash_of(from, bytes) != before)
                        violation(
                            "memcpy to device: pinned memory was written before the copy from it had run");
                    std::memcpy(bytes_at(to), from, bytes);
                    if (executor()) executor()->write(to, bytes);
                }};
        case cudaMemcpyDeviceToHost:
            check_host_side(stream, to, bytes);
            std::memset(to, 0xcb, bytes);
            return {"memcpy to host", {{from, bytes, Access::reads}}, [=] {
                        if (executor()) executor()->read(from, bytes);
                        std::memcpy(to, bytes_at(from), bytes);
                    }};
        case cudaMemcpyDeviceToDevice:
            return {"memcpy", {{from, bytes, Access::reads}, {to, bytes, Access::writes}}, [=] {
                        std::memmove(bytes_at(to), bytes_at(from), bytes);
                        if (executor()) executor()->copy(to, from, bytes);
                    }};
        default:
            violation("a copy of another kind");
    }
}

}  // namespace

extern "C" {

cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind,
                            cudaStream_t stream) {
    return answer(__func__, [&] {
        enqueue(stream, copy_of(to, from, bytes, kind, stream), true);
        return cudaSuccess;
    });
}
cudaError_t cudaMemsetAsync(void* data, int value, std::size_t bytes, cudaStream_t stream) {
    return answer(__func__, [&] {
        enqueue(stream, {"memset", {{data, bytes, Access::writes}}, [=] {
                             std::memset(bytes_at(data), value, bytes);
                             if (executor()) executor()->write(data, bytes);
                         }});
        return cudaSuccess;
    });
}

}  // extern "C"
