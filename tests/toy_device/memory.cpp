// The toy's registration, its memory and its recordings.
#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include <adjoint/core/base/error.h>
#include <adjoint/core/capture/list_recording.h>

#include "toy_device.h"

namespace adjoint {
namespace {

// NaN in every floating type, -1 in integers: what reads memory that nobody wrote,
// or that was given back, shows.
constexpr unsigned char poison = 0xff;

// What is given back is kept for the next who asks, and looked at then: nobody may have written there.
struct Pool {
    std::mutex mutex;
    std::map<std::size_t, std::vector<void*>> free;
    std::int64_t held = 0, stray_writes = 0;
};

// Never destroyed, as the devices: tensors with static storage duration outlive every destructor.
Pool& shared() {
    static Pool& pool = *new Pool;
    return pool;
}

Backend& start(int index) {
    static ToyBackend& first = *new ToyBackend(toy_device(0));
    static ToyBackend& second = *new ToyBackend(toy_device(1));
    if (index > 1) throw DeviceError("toy:" + std::to_string(index) + ": there are toy:0 and toy:1");
    return index == 0 ? first : second;
}

}  // namespace

Device toy_device(int index) {
    static const DeviceType kind = register_device_kind("toy", start);
    return {kind, static_cast<std::uint8_t>(index)};
}

ToyMemory toy_memory() {
    Pool& pool = shared();
    const std::scoped_lock lock(pool.mutex);
    return {pool.held, pool.stray_writes};
}

void* ToyBackend::allocate(std::size_t bytes) {
    Pool& pool = shared();
    const std::scoped_lock lock(pool.mutex);
    pool.held += static_cast<std::int64_t>(bytes);
    std::vector<void*>& blocks = pool.free[bytes];
    if (blocks.empty()) {
        void* fresh = std::malloc(bytes > 0 ? bytes : 1);
        if (!fresh) throw OutOfMemoryError("allocate: " + std::to_string(bytes) + " bytes on the toy");
        std::memset(fresh, poison, bytes);
        return fresh;
    }
    void* const block = blocks.back();
    blocks.pop_back();
    const auto* first = static_cast<const unsigned char*>(block);
    if (!std::all_of(first, first + bytes, [](unsigned char byte) { return byte == poison; }))
        ++pool.stray_writes;
    return block;
}

void ToyBackend::release(void* memory, std::size_t bytes) noexcept {
    Pool& pool = shared();
    const std::scoped_lock lock(pool.mutex);
    pool.held -= static_cast<std::int64_t>(bytes);
    std::memset(memory, poison, bytes);
    pool.free[bytes].push_back(memory);
}

void ToyBackend::copy_to_host(void* destination, const void* source, std::size_t bytes) {
    if (bytes > 0) std::memcpy(destination, source, bytes);
}

void on(ToyBackend&, const call::Upload& c) {
    if (c.bytes > 0) std::memcpy(c.out, c.values, c.bytes);
}

std::shared_ptr<Recording> ToyBackend::record(const std::function<void()>& step, bool optimize) {
    return record_as_list(*this, device_, step, optimize);
}

}  // namespace adjoint
