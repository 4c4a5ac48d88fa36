// The registry of devices.
#include <adjoint/core/contract/backend.h>

#include <atomic>

#include <adjoint/core/base/format.h>
#include <adjoint/core/contract/cuda_start.h>

namespace adjoint {
namespace {
constexpr int max_cuda_devices = 16;
std::atomic<Backend*> cuda_backends[max_cuda_devices];
}  // namespace

Backend& backend(Device device) {
    if (recorder()) [[unlikely]]
        return recording_backend(device);
    if (device.is_cpu()) [[likely]]
        return cpu_backend();
    Backend* found = device.index < max_cuda_devices
                         ? cuda_backends[device.index].load(std::memory_order_acquire)
                         : nullptr;
    return found ? *found : start_cuda_device(device.index);
}

void call::compose(Backend&, const Recurrent&) {
    fail<DeviceError>("recurrence: this device has none of its own");
}

void call::compose(Backend&, const RecurrentBackward&) {
    fail<DeviceError>("recurrence_backward: this device has none of its own");
}

void register_backend(Device device, Backend& backend) {
    check<DeviceError>(!device.is_cpu() && device.index < max_cuda_devices,
                       "register_backend: {} is not supported", device);
    cuda_backends[device.index].store(&backend, std::memory_order_release);
}

}  // namespace adjoint
