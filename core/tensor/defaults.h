// What tensors are made of where nobody says: the type and device that creation functions and layers take.
//
// The two are the process's, not a thread's, so that threads that make batches or compute parts of a model
// agree with the one that set them. Set them at the start of a program, or in tests for a scope, while no
// other thread creates tensors.
#pragma once

#include <type_traits>

#include <adjoint/core/base/device.h>
#include <adjoint/core/base/dtype.h>
#include <adjoint/core/base/export.h>

namespace adjoint {

namespace detail {

ADJOINT_API DType present_default_dtype() noexcept;
ADJOINT_API Device present_default_device() noexcept;

}  // namespace detail

/// Of zeros, ones, full, rand, randn, linspace, eye, arange of floating numbers, tensor({..}) and the layers;
/// f32 at first. What has a type by itself keeps it: integers, Tensor(0.5), tensor(std::vector, shape),
/// files. In a constant that the compiler computes it is f32, whatever was set.
constexpr DType default_dtype() noexcept {
    return std::is_constant_evaluated() ? DType::f32 : detail::present_default_dtype();
}
/// errors: DTypeError unless it is floating.
ADJOINT_API void set_default_dtype(DType dtype);

/// Of all creation functions and the layers; the CPU at first, and in such constants. Scalars like
/// Tensor(0.5), from_blob and what is read from files are on the CPU.
constexpr Device default_device() noexcept {
    return std::is_constant_evaluated() ? Device::cpu() : detail::present_default_device();
}
/// errors: DeviceError if it is not there.
ADJOINT_API void set_default_device(Device device);

/// Sets the default for a scope and restores it: { const DefaultDType guard(f64); ... }
class DefaultDType {
  public:
    explicit DefaultDType(DType dtype) : before_(default_dtype()) { set_default_dtype(dtype); }
    ~DefaultDType() { set_default_dtype(before_); }
    DefaultDType(const DefaultDType&) = delete;
    DefaultDType& operator=(const DefaultDType&) = delete;

  private:
    DType before_;
};

/// The same for a device.
class DefaultDevice {
  public:
    explicit DefaultDevice(Device device) : before_(default_device()) { set_default_device(device); }
    ~DefaultDevice() { set_default_device(before_); }
    DefaultDevice(const DefaultDevice&) = delete;
    DefaultDevice& operator=(const DefaultDevice&) = delete;

  private:
    Device before_;
};

}  // namespace adjoint
