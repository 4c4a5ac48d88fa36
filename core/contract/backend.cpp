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

std::shared_ptr<Recording> Backend::record(const std::function<void()>&) {
    fail<CaptureError>("capture: this device cannot record a step");
}

bool Backend::convolves_narrow(const Convolution&) { return false; }

std::optional<std::size_t> Backend::recurrence_reserve(const Recurrence&) { return std::nullopt; }

void Backend::recurrence(const Recurrence&, const RecurrentPass&) {
    fail<DeviceError>("recurrence: this device has none of its own");
}

void Backend::recurrence_backward(const Recurrence&, const RecurrentPass&, const RecurrentGradients&) {
    fail<DeviceError>("recurrence_backward: this device has none of its own");
}

void register_backend(Device device, Backend& backend) {
    check<DeviceError>(!device.is_cpu() && device.index < max_cuda_devices,
                       "register_backend: {} is not supported", device);
    cuda_backends[device.index].store(&backend, std::memory_order_release);
}

}  // namespace adjoint
