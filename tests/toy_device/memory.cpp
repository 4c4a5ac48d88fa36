// The toy's registration, its memory and its recordings.
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <string>

#include <adjoint/core/base/error.h>
#include <adjoint/core/capture/list_recording.h>

#include "toy_device.h"

namespace adjoint {
namespace {

std::atomic<std::int64_t> held{0};

// NaN in every floating type, -1 in integers: what reads memory that nobody wrote, or that was given back,
// shows.
constexpr int poison = 0xff;

// Never destroyed: tensors with static storage duration outlive every destructor.
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

std::int64_t toy_memory() { return held; }

void* ToyBackend::allocate(std::size_t bytes) {
    void* memory = std::malloc(bytes > 0 ? bytes : 1);
    if (!memory) throw OutOfMemoryError("allocate: " + std::to_string(bytes) + " bytes on the toy");
    std::memset(memory, poison, bytes);
    held += static_cast<std::int64_t>(bytes);
    return memory;
}

void ToyBackend::release(void* memory, std::size_t bytes) noexcept {
    std::memset(memory, poison, bytes);
    held -= static_cast<std::int64_t>(bytes);
    std::free(memory);
}

void ToyBackend::copy_to_host(void* destination, const void* source, std::size_t bytes) {
    if (bytes > 0) std::memcpy(destination, source, bytes);
}

void on(ToyBackend&, const call::Upload& c) {
    if (c.bytes > 0) std::memcpy(c.out, c.values, c.bytes);
}

std::shared_ptr<Recording> ToyBackend::record(const std::function<void()>& step) {
    return record_as_list(*this, device_, step);
}

}  // namespace adjoint
