// 16 bytes of elements at a time, of the type in which a kernel computes; elements of other types beside
// each other are read and written at once, too.
#pragma once

#include <adjoint/cuda/kernels/device_code.h>

namespace adjoint::cuda_backend {

/// n elements side by side, moved at once.
template <class T, int n> struct alignas(n * sizeof(T)) Group { T values[n]; };

template <class T> struct alignas(16) Pack {
    static constexpr int size = 16 / sizeof(T);
    T values[size];
};

/// As many elements of another type as a Pack<T> has.
template <class T, class Other>
struct alignas(Pack<T>::size * sizeof(Other) < 16 ? Pack<T>::size * sizeof(Other) : 16) OtherPack {
    Other values[Pack<T>::size];
};

/// convert<T>(x); between half and float the device has instructions.
template <class T, class From> ADJOINT_DEVICE T converted(From x) {
#if defined(__CUDA_ARCH__)
    if constexpr (std::is_same_v<From, half> && std::is_same_v<T, float>) {
        float y = 0;
        asm("cvt.f32.f16 %0, %1;" : "=f"(y) : "h"(x.bits));
        return y;
    } else if constexpr (std::is_same_v<From, float> && std::is_same_v<T, half>) {
        half y;
        asm("cvt.rn.f16.f32 %0, %1;" : "=h"(y.bits) : "f"(x));
        return y;
    } else {
        return convert<T>(x);
    }
#else
    return convert<T>(x);
#endif
}

/// visit_dtype, which is the host's, on the device.
template <class F> ADJOINT_DEVICE void with_element_type(DType type, F f) {
    switch (type) {
        case DType::f16:
            return f(half{});
        case DType::bf16:
            return f(bfloat16{});
        case DType::f32:
            return f(float{});
        case DType::f64:
            return f(double{});
        case DType::u8:
            return f(std::uint8_t{});
        case DType::i32:
            return f(std::int32_t{});
        case DType::i64:
            return f(std::int64_t{});
        case DType::boolean:
            break;
    }
    f(bool{});
}

template <class T>
ADJOINT_DEVICE_CALL Pack<T> load_converted_pack(const void* data, DType type, std::int64_t place) {
    Pack<T> out{};
    with_element_type(type, [&]<class Other>(Other) {
        const auto in =
            *reinterpret_cast<const OtherPack<T, Other>*>(static_cast<const Other*>(data) + place);
        ADJOINT_UNROLL
        for (int i = 0; i < Pack<T>::size; ++i) out.values[i] = converted<T>(in.values[i]);
    });
    return out;
}
template <class T>
ADJOINT_DEVICE_CALL void store_converted_pack(void* data, DType type, std::int64_t place, Pack<T> values) {
    with_element_type(type, [&]<class Other>(Other) {
        OtherPack<T, Other> out;
        ADJOINT_UNROLL
        for (int i = 0; i < Pack<T>::size; ++i) out.values[i] = converted<Other>(values.values[i]);
        *reinterpret_cast<OtherPack<T, Other>*>(static_cast<Other*>(data) + place) = out;
    });
}

/// The elements from `place` on, a multiple of the pack's size.
template <class T> ADJOINT_DEVICE Pack<T> load_pack(const void* data, DType type, std::int64_t place) {
    if (type == dtype_of<T>) return *reinterpret_cast<const Pack<T>*>(static_cast<const T*>(data) + place);
    return load_converted_pack<T>(data, type, place);
}
template <class T>
ADJOINT_DEVICE void store_pack(void* data, DType type, std::int64_t place, const Pack<T>& values) {
    if (type == dtype_of<T>)
        *reinterpret_cast<Pack<T>*>(static_cast<T*>(data) + place) = values;
    else
        store_converted_pack<T>(data, type, place, values);
}

/// Whether packs of T begin at `data`.
template <class T> bool begins_packs(const void* data, DType type) {
    const std::size_t bytes = static_cast<std::size_t>(Pack<T>::size) * size_of(type);
    return reinterpret_cast<std::uintptr_t>(data) % (bytes < 16 ? bytes : 16) == 0;
}

}  // namespace adjoint::cuda_backend
