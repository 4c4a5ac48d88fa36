// Memory of devices and pinned memory of the host.
//
// A device's memory is a range of addresses that is mapped without any right; its bytes lie elsewhere. No
// address is given out twice, so that what was freed is known to be so.
#include <sys/mman.h>

#include <csignal>
#include <cstdlib>
#include <cstring>
#include <map>

#include "executor.h"
#include "state.h"

namespace adjoint::fake_cuda {
namespace {

constexpr std::size_t room = std::size_t{1} << 40;      // addresses of a device
constexpr std::size_t capacity = std::size_t{8} << 30;  // of its memory
constexpr std::size_t alignment = 512;
// Nothing else that is passed to kernels in eight bytes looks like these addresses.
void* const first_address = reinterpret_cast<void*>(std::uintptr_t{0x6f} << 40);
struct Block {
    std::size_t bytes;
    int device;
    bool given_up = false;  // by a cudaFreeAsync that has not run
};

struct Memory {
    char *addresses, *bytes;
    std::size_t next[most_devices] = {}, held[most_devices] = {};
    std::map<const char*, Block> blocks;
    std::map<const char*, std::size_t> pinned;

    Memory() {
        addresses = reserved(first_address, PROT_NONE);
        bytes = reserved(nullptr, PROT_READ | PROT_WRITE);
        struct sigaction action {};
        action.sa_sigaction = [](int, siginfo_t* info, void*) {
            if (is_device_address(info->si_addr)) violation("the host touches memory of a device");
            std::signal(SIGSEGV, SIG_DFL);
        };
        action.sa_flags = SA_SIGINFO;
        sigaction(SIGSEGV, &action, nullptr);
    }
    // There is a gap behind each block, so that its end is in no other.
    std::size_t place_for(std::size_t device, std::size_t wanted) {
        const std::size_t size = (wanted / alignment + 1) * alignment;
        const std::size_t place = next[device];
        if (size > room - place) violation("the fake has given out all its addresses");
        next[device] = place + size;
        return place;
    }
    static char* reserved(void* wanted, int rights) {
        void* const range =
            mmap(wanted, most_devices * room, rights, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (range == MAP_FAILED) violation("the system gives no addresses for the fake's memory");
        return static_cast<char*>(range);
    }
};

Memory& memory() {
    static auto* const all = new Memory;
    return *all;
}

// The block that a byte, or the end of which, lies at `data`; null if there is none.
const std::pair<const char* const, Block>* block_of(const void* data) {
    const auto& blocks = memory().blocks;
    const auto* place = static_cast<const char*>(data);
    auto next = blocks.upper_bound(place);
    if (next == blocks.begin()) return nullptr;
    --next;
    return place <= next->first + next->second.bytes ? &*next : nullptr;
}

cudaError_t take(void** data, std::size_t bytes) {
    Memory& all = memory();
    const auto device = static_cast<std::size_t>(current_device());
    if (bytes == 0) {
        *data = nullptr;
        return cudaSuccess;
    }
    if (bytes > capacity - all.held[device]) return cudaErrorMemoryAllocation;
    const char* const block = all.addresses + device * room + all.place_for(device, bytes);
    all.held[device] += bytes;
    all.blocks.emplace(block, Block{bytes, current_device()});
    if (executor()) executor()->give(block, bytes, bytes_at(block), false);
    *data = const_cast<char*>(block);
    return cudaSuccess;
}

void give_back(const char* block) {
    Memory& all = memory();
    const auto found = all.blocks.find(block);
    if (executor()) executor()->take_back(block);
    all.held[found->second.device] -= found->second.bytes;
    constexpr std::uintptr_t page = 4096;
    const auto start = (reinterpret_cast<std::uintptr_t>(bytes_at(block)) + page - 1) / page * page;
    const auto end = reinterpret_cast<std::uintptr_t>(bytes_at(block) + found->second.bytes) / page * page;
    if (start < end) madvise(reinterpret_cast<void*>(start), end - start, MADV_DONTNEED);
    all.blocks.erase(found);
}

Block& checked_block(void* data) {
    const auto found = memory().blocks.find(static_cast<const char*>(data));
    if (found == memory().blocks.end()) violation("what is freed is no memory that was given out");
    if (found->second.given_up) violation("memory is freed twice");
    return found->second;
}

}  // namespace

char* bytes_at(const void* data) {
    return memory().bytes + (static_cast<const char*>(data) - memory().addresses);
}

bool is_device_address(const void* data) {
    const auto* place = static_cast<const char*>(data);
    return place >= memory().addresses && place < memory().addresses + most_devices * room;
}

bool is_pinned(const void* data, std::size_t bytes) {
    const auto* place = static_cast<const char*>(data);
    auto next = memory().pinned.upper_bound(place);
    if (next == memory().pinned.begin()) return false;
    --next;
    return place + bytes <= next->first + next->second;
}

void check_memory(const Access& access, int device, const std::string& by) {
    const auto* const found = block_of(access.data);
    if (!found)
        violation(by + (is_device_address(access.data)
                            ? ": an operand lies in memory that was freed or never given out"
                            : ": an operand is no memory of a device"));
    const auto& [start, block] = *found;
    const auto first = static_cast<std::size_t>(static_cast<const char*>(access.data) - start);
    if (access.kind != Access::touches && access.bytes > block.bytes - first)
        violation(by + ": " + std::to_string(access.bytes) + " bytes at byte " + std::to_string(first) +
                  " of a block of " + std::to_string(block.bytes));
    if (block.given_up) violation(by + ": an operand was freed");
    if (block.device != device)
        violation(by + ": memory of device " + std::to_string(block.device) + " on device " +
                  std::to_string(device));
}

std::size_t device_bytes() {
    const Lock lock(mutex());
    std::size_t sum = 0;
    for (const std::size_t held : memory().held) sum += held;
    return sum;
}

}  // namespace adjoint::fake_cuda

using namespace adjoint::fake_cuda;

extern "C" {

cudaError_t cudaMalloc(void** data, std::size_t bytes) {
    return answer(__func__, [&] {
        check_allowed_in_capture();
        return take(data, bytes);
    });
}
cudaError_t cudaFree(void* data) {
    return answer(__func__, [&] {
        check_allowed_in_capture();
        if (!data) return cudaSuccess;
        run_device(checked_block(data).device);
        give_back(static_cast<char*>(data));
        return cudaSuccess;
    });
}
cudaError_t cudaMallocAsync(void** data, std::size_t bytes, cudaStream_t stream) {
    return answer(__func__, [&] {
        if (running(stream).device != current_device()) violation("a stream of another device");
        return take(data, bytes);
    });
}
cudaError_t cudaFreeAsync(void* data, cudaStream_t stream) {
    return answer(__func__, [&] {
        Block& block = checked_block(data);
        enqueue(
            &running(stream),
            {"free", {{data, block.bytes, Access::writes}}, [data] { give_back(static_cast<char*>(data)); }},
            true);
        block.given_up = true;
        return cudaSuccess;
    });
}
cudaError_t cudaHostAlloc(void** data, std::size_t bytes, unsigned) {
    return answer(__func__, [&] {
        check_allowed_in_capture();
        *data = std::aligned_alloc(4096, (bytes + 4095) / 4096 * 4096);
        memory().pinned.emplace(static_cast<char*>(*data), bytes);
        if (executor()) executor()->give(*data, bytes, static_cast<char*>(*data), true);
        return cudaSuccess;
    });
}
cudaError_t cudaMemGetInfo(std::size_t* left, std::size_t* total) {
    return answer(__func__, [&] {
        *total = capacity;
        *left = capacity - memory().held[current_device()];
        return cudaSuccess;
    });
}

cudaError_t cudaDeviceGetDefaultMemPool(cudaMemPool_t* pool, int) {
    return answer(__func__, [&] {
        *pool = reinterpret_cast<cudaMemPool_t>(&memory());
        return cudaSuccess;
    });
}
cudaError_t cudaMemPoolSetAttribute(cudaMemPool_t, cudaMemPoolAttr, void*) {
    return answer(__func__, [] { return cudaSuccess; });
}
cudaError_t cudaMemPoolGetAttribute(cudaMemPool_t, cudaMemPoolAttr, void* value) {
    return answer(__func__, [&] {
        const std::uint64_t held = memory().held[current_device()];
        std::memcpy(value, &held, sizeof held);
        return cudaSuccess;
    });
}
cudaError_t cudaMemPoolTrimTo(cudaMemPool_t, std::size_t) {
    return answer(__func__, [] { return cudaSuccess; });
}

}  // extern "C"
