// The registry of devices.
#include <adjoint/core/contract/backend.h>

#include <atomic>
#include <mutex>

#include <adjoint/core/base/absent_kind.h>
#include <adjoint/core/base/format.h>
#include <adjoint/core/contract/absent_device.h>
#include <adjoint/core/contract/cuda_start.h>
#include <adjoint/core/contract/profiled_backend.h>
#include <adjoint/core/contract/span.h>

namespace adjoint {
namespace {

using StartDevice = Backend& (*)(int index);

constexpr int max_kinds = detail::max_device_kinds, max_devices = detail::max_devices_of_kind;

// Those of the CPU stay empty: it is not looked up.
constinit std::atomic<Backend*> started[max_kinds][max_devices];

// Held while a kind is added: who has read its name finds what starts it.
constinit std::mutex kinds_mutex;
constinit StartDevice starters[max_kinds] = {nullptr, start_cuda_device};

__attribute__((noinline)) Backend& start_device(Device device) {
    const auto kind = static_cast<int>(device.type);
    StartDevice start = nullptr;
    if (kind < max_kinds) {
        const std::scoped_lock lock(kinds_mutex);
        start = starters[kind];
    }
    check<DeviceError>(start != nullptr, "{}: its kind is not known; register_device_kind adds one", device);
    Backend& backend = start(device.index);
    register_backend(device, backend);
    return backend;
}

Backend& started_device(Device device) {
    const auto kind = static_cast<int>(device.type);
    Backend* found = kind < max_kinds && device.index < max_devices
                         ? started[kind][device.index].load(std::memory_order_acquire)
                         : nullptr;
    return found ? *found : start_device(device);
}

}  // namespace

std::shared_ptr<Delivery> Backend::deliver(const void*, std::size_t) { return nullptr; }

Backend& backend(Device device) {
    if (recorder()) [[unlikely]]
        return recording_backend(device);
    if (detail::spans_wanted()) [[unlikely]]
        return profiled_backend(device.is_cpu() ? cpu_backend() : started_device(device), device);
    if (device.is_cpu()) [[likely]]
        return cpu_backend();
    return started_device(device);
}

DeviceType register_device_kind(const char* name, StartDevice start) {
    check<ValueError>(start != nullptr, "register_device_kind: nothing starts a '{}'", name);
    const std::scoped_lock lock(kinds_mutex);
    const DeviceType type = detail::add_device_kind(name);
    starters[static_cast<int>(type)] = start;
    return type;
}

Device register_absent_device(const char* text, Backend& backend) {
    const std::scoped_lock lock(kinds_mutex);
    const Device device{detail::add_absent_kind(text), 0};
    register_backend(device, backend);
    return device;
}

void register_backend(Device device, Backend& backend) {
    const auto kind = static_cast<int>(device.type);
    check<DeviceError>(!device.is_cpu() && kind < max_kinds && device.index < max_devices,
                       "register_backend: no room for {}; a kind has devices 0 to {}, and the CPU is there",
                       device, max_devices - 1);
    started[kind][device.index].store(&backend, std::memory_order_release);
}

}  // namespace adjoint
