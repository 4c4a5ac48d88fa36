// The defaults of the process.
#include <adjoint/core/tensor/defaults.h>

#include <atomic>

#include <adjoint/core/base/format.h>
#include <adjoint/core/contract/backend.h>

namespace adjoint {
namespace {

constinit std::atomic<DType> dtype_by_default = DType::f32;
constinit std::atomic<Device> device_by_default = Device::cpu();

}  // namespace

DType detail::present_default_dtype() noexcept { return dtype_by_default.load(std::memory_order_relaxed); }
Device detail::present_default_device() noexcept { return device_by_default.load(std::memory_order_relaxed); }

void set_default_dtype(DType dtype) {
    check<DTypeError>(is_floating(dtype), "set_default_dtype: {}, expected a floating type", name(dtype));
    dtype_by_default = dtype;
}

void set_default_device(Device device) {
    named("set_default_device", [&] { (void)backend(device); });
    device_by_default = device;
}

}  // namespace adjoint
