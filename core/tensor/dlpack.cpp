// Tensors to the structs of DLPack and back.
#include <adjoint/core/tensor/dlpack.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <span>

#include <adjoint/core/base/format.h>
#include <adjoint/core/contract/backend.h>
#include <adjoint/core/tensor/dlpack_abi.h>

namespace adjoint {
namespace {

constexpr std::uint32_t dlpack_major = 1;

DLDataType dlpack_type(DType type) {
    const auto bits = static_cast<std::uint8_t>(8 * size_of(type));
    const int code = type == DType::bf16      ? DL_BFLOAT
                     : is_floating(type)      ? DL_FLOAT
                     : type == DType::boolean ? DL_BOOL
                     : type == DType::u8      ? DL_UINT
                                              : DL_INT;
    return {static_cast<std::uint8_t>(code), bits, 1};
}

DType type_of(const DLDataType& type) {
    for (const DType ours : {DType::f16, DType::bf16, DType::f32, DType::f64, DType::u8, DType::i32,
                             DType::i64, DType::boolean}) {
        const DLDataType own = dlpack_type(ours);
        if (own.code == type.code && own.bits == type.bits && type.lanes == 1) return ours;
    }
    fail<DTypeError>(
        "from_dlpack: no type for code {}, {} bits, {} lanes; expected float, bfloat, int of 32 or 64 bits, "
        "uint "
        "of 8 or bool",
        type.code, type.bits, type.lanes);
}

DLDevice dlpack_device(Device device) {
    check<DeviceError>(device.is_cpu() || device.is_cuda(),
                       "to_dlpack: {} is no device of DLPack's; use to()", to_string(device));
    return {device.is_cpu() ? DL_CPU : DL_CUDA, device.index};
}

Device device_of(const DLDevice& device) {
    if (device.device_type == DL_CPU || device.device_type == DL_CUDA_HOST) return Device::cpu();
    check<DeviceError>(device.device_type == DL_CUDA || device.device_type == DL_CUDA_MANAGED,
                       "from_dlpack: device type {}, expected the CPU or CUDA", device.device_type);
    check<DeviceError>(device.device_id >= 0 && device.device_id < detail::max_devices_of_kind,
                       "from_dlpack: there is no device cuda:{}", device.device_id);
    const Device ours = Device::cuda(device.device_id);
    (void)backend(ours);  // or says why it is not there
    return ours;
}

/// A tensor that has been handed out, with the sizes that its description points to.
template <class Managed> struct HandedOut {
    Tensor tensor;
    Shape shape, strides;
    Managed managed{};

    explicit HandedOut(const Tensor& x) : tensor(x), shape(x.shape()), strides(x.strides()) {
        managed.dl_tensor = {.data = x.impl().data,
                             .device = dlpack_device(x.device()),
                             .ndim = x.dim(),
                             .dtype = dlpack_type(x.dtype()),
                             .shape = shape.begin(),
                             .strides = strides.begin(),
                             .byte_offset = 0};
        managed.manager_ctx = this;
        managed.deleter = [](Managed* self) { delete static_cast<HandedOut*>(self->manager_ctx); };
    }
};

template <class Managed> Managed* hand_out(const Tensor& x) {
    check<AutogradError>(
        !x.requires_grad(),
        "to_dlpack: the tensor requires a gradient, which would not notice what others write; "
        "hand out detach()");
    auto handed = std::make_unique<HandedOut<Managed>>(x.detach());
    backend(x.device()).synchronize();
    return &handed.release()->managed;
}

struct Extent {
    Shape shape, strides;
    std::int64_t numel = 0, reach = 0;  // elements, and places from the first to the last
};

Extent extent_of(const DLTensor& x) {
    check<ValueError>(x.ndim >= 0 && x.ndim <= max_dims,
                      "from_dlpack: {} dimensions, at most {} are supported", x.ndim, max_dims);
    check<ValueError>(x.ndim == 0 || x.shape != nullptr, "from_dlpack: sizes are missing");
    const std::span sizes(x.shape, static_cast<std::size_t>(x.ndim));
    for (const std::int64_t size : sizes) check<ValueError>(size >= 0, "from_dlpack: a size of {}", size);
    Extent out;
    out.shape = Shape(sizes);
    out.numel = std::find(sizes.begin(), sizes.end(), 0) == sizes.end() ? 1 : 0;
    bool overflow = false;
    for (const std::int64_t size : sizes) overflow |= __builtin_mul_overflow(out.numel, size, &out.numel);
    check<ValueError>(!overflow, "from_dlpack: the sizes {} are beyond 2^63 elements", out.shape);
    out.strides = x.strides != nullptr && out.numel > 0
                      ? Shape(std::span<const std::int64_t>(x.strides, static_cast<std::size_t>(x.ndim)))
                      : dense_strides(out.shape);
    out.reach = out.numel > 0 ? 1 : 0;
    for (int d = 0; d < x.ndim && out.numel > 0; ++d) {
        check<ValueError>(out.strides[d] >= 0 || out.shape[d] == 1,
                          "from_dlpack: a stride of {}; negative strides are not supported", out.strides[d]);
        std::int64_t step = 0;
        overflow |= __builtin_mul_overflow(out.strides[d], out.shape[d] - 1, &step) ||
                    __builtin_add_overflow(out.reach, step, &out.reach);
    }
    overflow |=
        __builtin_mul_overflow(out.reach, static_cast<std::int64_t>(size_of(type_of(x.dtype))), &out.reach);
    check<ValueError>(!overflow, "from_dlpack: the strides {} of sizes {} reach beyond 2^63 bytes",
                      out.strides, out.shape);
    return out;
}

/// Where the first element lies.
void* first_of(const DLTensor& x) {
    std::uintptr_t place = 0;
    check<ValueError>(
        !__builtin_add_overflow(reinterpret_cast<std::uintptr_t>(x.data), x.byte_offset, &place),
        "from_dlpack: an offset of {} bytes is beyond all memory", x.byte_offset);
    return x.data != nullptr ? reinterpret_cast<void*>(place) : nullptr;
}

/// A tensor on the memory; `deleter` runs when the last one on it goes.
Tensor on_memory_of(const DLTensor& x, std::function<void()> deleter) {
    const DType type = type_of(x.dtype);
    const Device device = device_of(x.device);
    const Extent extent = extent_of(x);
    check<ValueError>(x.data != nullptr || extent.numel == 0, "from_dlpack: no memory for the shape {}",
                      extent.shape);
    void* const first = first_of(x);
    check<ValueError>(reinterpret_cast<std::uintptr_t>(first) % size_of(type) == 0,
                      "from_dlpack: the memory is not aligned for {}", name(type));
    Tensor tensor(Ref<TensorImpl>::adopt(new TensorImpl(extent.shape, extent.numel, type)));
    tensor.impl().hold(
        Storage::borrow(first, static_cast<std::size_t>(extent.reach), device, std::move(deleter)));
    tensor.impl().strides = extent.strides;
    tensor.impl().contiguous = is_dense(extent.shape, extent.strides);
    return tensor;
}

template <class Managed> void give_back(Managed* managed) {
    if (managed->deleter != nullptr) managed->deleter(managed);
}

}  // namespace

DLManagedTensorVersioned* to_dlpack(const Tensor& x) {
    auto* managed = hand_out<DLManagedTensorVersioned>(x);
    managed->version = {dlpack_major, 0};
    return managed;
}

DLManagedTensor* to_dlpack_unversioned(const Tensor& x) { return hand_out<DLManagedTensor>(x); }

Tensor from_dlpack(DLManagedTensorVersioned* managed) {
    check<ValueError>(managed != nullptr, "from_dlpack: a null pointer");
    check<ValueError>(managed->version.major == dlpack_major, "from_dlpack: version {}.{}, expected {}.x",
                      managed->version.major, managed->version.minor, dlpack_major);
    if ((managed->flags & DL_READ_ONLY) == 0)
        return on_memory_of(managed->dl_tensor, [managed] { give_back(managed); });
    // Given back once there is a copy: without one it is still the caller's.
    const Tensor copy = on_memory_of(managed->dl_tensor, {}).clone();
    give_back(managed);
    return copy;
}

Tensor from_dlpack(DLManagedTensor* managed) {
    check<ValueError>(managed != nullptr, "from_dlpack: a null pointer");
    return on_memory_of(managed->dl_tensor, [managed] { give_back(managed); });
}

}  // namespace adjoint
