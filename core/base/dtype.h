// The element types of a tensor, their names, sizes and promotion.
#pragma once

#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <type_traits>

#include <adjoint/core/base/export.h>
#include <adjoint/core/base/half.h>

namespace adjoint {

/// The types of elements.
enum class DType : std::uint8_t { f16, bf16, f32, f64, u8, i32, i64, boolean };

/// The types by their short names.
inline constexpr DType f16 = DType::f16;
inline constexpr DType bf16 = DType::bf16;
inline constexpr DType f32 = DType::f32;
inline constexpr DType f64 = DType::f64;
inline constexpr DType u8 = DType::u8;
inline constexpr DType i32 = DType::i32;
inline constexpr DType i64 = DType::i64;
inline constexpr DType boolean = DType::boolean;

namespace detail {
// Not inside of size_of, where it would be made anew for each call.
inline constexpr std::uint8_t element_sizes[] = {2, 2, 4, 8, 1, 4, 8, 1};
}  // namespace detail

/// Bytes per element.
constexpr std::size_t size_of(DType type) noexcept {
    return detail::element_sizes[static_cast<std::size_t>(type)];
}

/// "f32", "bool", ...
constexpr const char* name(DType type) noexcept {
    constexpr const char* names[] = {"f16", "bf16", "f32", "f64", "u8", "i32", "i64", "bool"};
    return names[static_cast<std::size_t>(type)];
}

/// As name().
ADJOINT_API std::ostream& operator<<(std::ostream& out, DType type);

/// f16, bf16, f32 or f64: the types that may carry a gradient.
constexpr bool is_floating(DType type) noexcept { return type <= DType::f64; }

/// The common type of two operands, as in PyTorch: bool < u8 < i32 < i64 < floating; f16 with bf16 gives f32.
ADJOINT_API DType promote(DType a, DType b) noexcept;

/// The type in which arithmetic on `type` is done: f32 for f16, bf16 and f32; f64; i64 for integers and bool.
constexpr DType compute_type(DType type) noexcept {
    if (type == DType::f64) return DType::f64;
    return is_floating(type) ? DType::f32 : DType::i64;
}

/// The DType of a C++ type, and a check that a C++ type is one.
template <class T> struct DTypeOf;
template <> struct DTypeOf<half> : std::integral_constant<DType, DType::f16> {};
template <> struct DTypeOf<bfloat16> : std::integral_constant<DType, DType::bf16> {};
template <> struct DTypeOf<float> : std::integral_constant<DType, DType::f32> {};
template <> struct DTypeOf<double> : std::integral_constant<DType, DType::f64> {};
template <> struct DTypeOf<std::uint8_t> : std::integral_constant<DType, DType::u8> {};
template <> struct DTypeOf<std::int32_t> : std::integral_constant<DType, DType::i32> {};
template <> struct DTypeOf<std::int64_t> : std::integral_constant<DType, DType::i64> {};
template <> struct DTypeOf<bool> : std::integral_constant<DType, DType::boolean> {};

/// The type whose elements are of the C++ type T.
template <class T> inline constexpr DType dtype_of = DTypeOf<std::remove_cv_t<T>>::value;

/// Calls f(T{}) with a value of the C++ type that `type` names.
template <class F> decltype(auto) visit_dtype(DType type, F&& f) {
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
    return f(bool{});
}

/// Calls f(T{}) for f32 or f64.
template <class F> decltype(auto) visit_real(DType type, F&& f) {
    if (type == DType::f64) return f(double{});
    return f(float{});
}

/// The same for a compute type: f32, f64 or i64.
template <class F> decltype(auto) visit_compute(DType type, F&& f) {
    if (type == DType::i64) return f(std::int64_t{});
    return visit_real(type, f);
}

}  // namespace adjoint
