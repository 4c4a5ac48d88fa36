// cuda/runtime/runtime.h on host memory: a block of its own from the system for each tensor, so that
// AddressSanitizer sees every bound, filled with 0xff: NaN, -1, no bool.
// A graph is the list of what was queued.
#include <adjoint/cuda/runtime/runtime.h>

#include <cstdlib>
#include <cstring>
#include <mutex>
#include <new>
#include <string>
#include <unordered_map>
#include <vector>

#include <adjoint/core/base/error.h>
#include <adjoint/core/base/index_error.h>
#include <adjoint/core/contract/cuda_start.h>

#include "emulated_device.h"
#include "emulator.h"

namespace adjoint::cuda_backend {
namespace {

struct Block {
    std::size_t bytes;
    PoolId pool;
};

// What there is of memory. A block of a pool that is released waits for the next of its size.
struct Blocks {
    std::mutex mutex;
    std::unordered_map<void*, Block> all;
    std::unordered_map<PoolId, std::unordered_map<std::size_t, std::vector<void*>>> pools;
    PoolId last_pool = 0;
    std::int64_t bytes = 0;

    void* take(std::size_t size, PoolId pool) {
        void* memory = std::malloc(size);
        if (memory == nullptr) throw std::bad_alloc();
        std::memset(memory, 0xff, size);
        all.emplace(memory, Block{size, pool});
        bytes += static_cast<std::int64_t>(size);
        return memory;
    }
    void give(void* memory) {
        const auto found = all.find(memory);
        bytes -= static_cast<std::int64_t>(found->second.bytes);
        all.erase(found);
        std::free(memory);
    }
};

Blocks& blocks() {
    static auto* const there_is = new Blocks;  // tensors may outlive every destructor
    return *there_is;
}

class EmulatedGraph final : public Graph {
  public:
    void run(DeviceState& device) override {
        for (const auto& work : stream.taken) emulator::queue(device.stream, work);
    }
    CUstream_st stream;
};

}  // namespace

void* allocate(DeviceState&, std::size_t bytes, Use, PoolId pool) {
    Blocks& memory = blocks();
    const std::scoped_lock lock(memory.mutex);
    if (pool != 0)
        if (std::vector<void*>& free = memory.pools.at(pool)[bytes]; !free.empty()) {
            void* block = free.back();
            free.pop_back();
            return block;
        }
    return memory.take(bytes, pool);
}

void release(DeviceState&, void* data, std::size_t) noexcept {
    if (data == nullptr) return;
    Blocks& memory = blocks();
    const std::scoped_lock lock(memory.mutex);
    const Block& block = memory.all.at(data);
    if (block.pool == 0)
        memory.give(data);
    else
        memory.pools.at(block.pool)[block.bytes].push_back(data);
}

PoolId make_pool(DeviceState&) {
    Blocks& memory = blocks();
    const std::scoped_lock lock(memory.mutex);
    memory.pools[++memory.last_pool];
    return memory.last_pool;
}

void drop_pool(DeviceState&, PoolId pool) {
    Blocks& memory = blocks();
    const std::scoped_lock lock(memory.mutex);
    for (const auto& [bytes, free] : memory.pools.at(pool))
        for (void* block : free) memory.give(block);
    memory.pools.erase(pool);
    for (auto& [data, block] : memory.all)
        if (block.pool == pool) block.pool = 0;
}

void copy_from_host(DeviceState&, void* destination, const void* source, std::size_t bytes) {
    if (bytes > 0) std::memcpy(destination, source, bytes);
}

void copy_to_host(DeviceState& device, void* destination, const void* source, std::size_t bytes) {
    synchronize(device);
    if (bytes > 0) std::memcpy(destination, source, bytes);
}

void copy_on_device(DeviceState& device, void* destination, const void* source, std::size_t bytes) {
    emulator::queue(device.stream, [=] {
        emulator::run("copy", {}, {}, 0, true, [&] { std::memcpy(destination, source, bytes); });
    });
}

void clear(DeviceState& device, void* memory, std::size_t bytes) {
    emulator::queue(device.stream,
                    [=] { emulator::run("clear", {}, {}, 0, true, [&] { std::memset(memory, 0, bytes); }); });
}

std::shared_ptr<Delivery> deliver(DeviceState&, const void*, std::size_t) { return nullptr; }

void synchronize(DeviceState& device) {
    count_cuda_sync();
    if (device.fault->op == 0) return;
    const Fault fault = *device.fault;
    *device.fault = {};
    throw_index_error(reinterpret_cast<const char*>(static_cast<std::uintptr_t>(fault.op)), fault.value,
                      fault.position, fault.low, fault.high);
}

std::unique_ptr<Graph> make_graph(DeviceState& making, const std::function<void()>& launches) {
    auto graph = std::make_unique<EmulatedGraph>();
    making.stream = &graph->stream;
    launches();
    return graph;
}

void select(const DeviceState&) {}
void check_launch(const DeviceState&, const char* op) {
    if (!emulated_error().empty()) throw CudaError(std::string(op) + ": " + emulated_error());
}

}  // namespace adjoint::cuda_backend

namespace adjoint {

std::string& emulated_error() {
    static std::string text;
    return text;
}

std::int64_t emulated_memory() {
    cuda_backend::Blocks& memory = cuda_backend::blocks();
    const std::scoped_lock lock(memory.mutex);
    return memory.bytes;
}

}  // namespace adjoint
