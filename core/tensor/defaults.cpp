// The defaults of the process.
#include <adjoint/core/tensor/defaults.h>

#include <atomic>
#include <cstdint>

#include <adjoint/core/base/bit_cast.h>
#include <adjoint/core/base/format.h>
#include <adjoint/core/contract/backend.h>

namespace adjoint {
namespace {

constinit std::atomic<DType> dtype_by_default = DType::f32;
// As a number: of a struct whose alignment is less than its size clang makes a call into libatomic.
constinit std::atomic<std::uint16_t> device_by_default = bit_cast<std::uint16_t>(Device::cpu());

}  // namespace

DType detail::present_default_dtype() noexcept { return dtype_by_default.load(std::memory_order_relaxed); }
Device detail::present_default_device() noexcept {
    return bit_cast<Device>(device_by_default.load(std::memory_order_relaxed));
}

void set_default_dtype(DType dtype) {
    check<DTypeError>(is_floating(dtype), "set_default_dtype: {}, expected a floating type", name(dtype));
    dtype_by_default = dtype;
}

void set_default_device(Device device) {
    named("set_default_device", [&] { (void)backend(device); });
    device_by_default = bit_cast<std::uint16_t>(device);
}

}  // namespace adjoint
