// Max pooling of a row of windows.
#include <algorithm>
#include <limits>
#include <type_traits>
#include <utility>

#include <adjoint/cpu/kernels/kernels.h>

namespace adjoint::cpu::ADJOINT_ISA {
namespace {

// Half of the widest vectors there are: rows of windows are short.
#if defined(__AVX__)
constexpr int vector_bytes = 32;
#else
constexpr int vector_bytes = 16;
#endif
template <class T> constexpr int lanes = vector_bytes / static_cast<int>(sizeof(T));

template <class T> struct VectorOf {
    using Type __attribute__((vector_size(vector_bytes))) = T;
    using Unaligned __attribute__((vector_size(vector_bytes), aligned(sizeof(T)), may_alias)) = T;
};
template <class T> using Vector = typename VectorOf<T>::Type;
template <class T> using Integer = std::conditional_t<sizeof(T) == 4, std::int32_t, std::int64_t>;

template <class I, int bytes> struct PlacesOf {
    using Type __attribute__((vector_size(bytes))) = I;
    using Unaligned __attribute__((vector_size(bytes), aligned(sizeof(I)), may_alias)) = I;
};

template <class T> __attribute__((always_inline)) inline Vector<T> load(const T* x) {
    return *reinterpret_cast<const typename VectorOf<T>::Unaligned*>(x);
}

// a and b lie one element over each other: from the middle on the elements wanted have odd numbers.
template <class T, int... lane>
__attribute__((always_inline)) inline Vector<T> every_second(Vector<T> a, Vector<T> b,
                                                             std::integer_sequence<int, lane...>) {
    return __builtin_shufflevector(a, b, (2 * lane + (lane < lanes<T> / 2 ? 0 : 1))...);
}

// x[0], x[stride], .. without reading beyond the last of them.
template <class T, std::int64_t fixed_stride>
__attribute__((always_inline)) inline Vector<T> load_stepped(const T* x, std::int64_t stride) {
    if constexpr (fixed_stride == 1) {
        return load(x);
    } else if constexpr (fixed_stride == 2) {
        return every_second<T>(load(x), load(x + lanes<T> - 1), std::make_integer_sequence<int, lanes<T>>());
    } else {
        Vector<T> v;
        for (int l = 0; l < lanes<T>; ++l) v[l] = x[l * stride];
        return v;
    }
}

// Neither a number nor a second NaN takes the place of a NaN.
template <class T> __attribute__((always_inline)) inline auto better(T value, T best) {
    return (value > best) | ((value != value) & (best == best));  // NOLINT(misc-redundant-expression)
}

// Windows first .. first + lanes - 1.
template <class T, std::int64_t fixed_stride>
__attribute__((always_inline)) inline void block(const MaxPoolCall& call, std::int64_t first) {
    const std::int64_t stride = fixed_stride > 0 ? fixed_stride : call.stride;
    const T* const x = static_cast<const T*>(call.x) + call.place + first * stride;
    Vector<T> best = load_stepped<T, fixed_stride>(x, stride);
    Vector<Integer<T>> winner{};  // distance of the tap
    for (std::int64_t t = 1; t < call.tap_count; ++t) {
        const Vector<T> value = load_stepped<T, fixed_stride>(x + call.taps[t], stride);
        const Vector<Integer<T>> take = better(value, best),
                                 distance = Vector<Integer<T>>{} + static_cast<Integer<T>>(call.taps[t]);
        best = take ? value : best;
        winner = take ? distance : winner;
    }
    *reinterpret_cast<typename VectorOf<T>::Unaligned*>(static_cast<T*>(call.y) + first) = best;
    if (call.indices == nullptr) return;
    using Places = typename PlacesOf<std::int64_t, lanes<T> * 8>::Type;
    Places steps;
    for (int l = 0; l < lanes<T>; ++l) steps[l] = l;
    *reinterpret_cast<typename PlacesOf<std::int64_t, lanes<T> * 8>::Unaligned*>(call.indices + first) =
        __builtin_convertvector(winner, Places) + steps * stride + (call.place + first * stride);
}

template <class T> void single(const MaxPoolCall& call, std::int64_t o) {
    const T* const x = static_cast<const T*>(call.x) + call.place + o * call.stride;
    std::int64_t winner = 0;
    for (std::int64_t t = 1; t < call.tap_count; ++t)
        if (better(x[call.taps[t]], x[call.taps[winner]])) winner = t;
    static_cast<T*>(call.y)[o] = x[call.taps[winner]];
    if (call.indices) call.indices[o] = call.place + o * call.stride + call.taps[winner];
}

template <class T, std::int64_t fixed_stride> void row(const MaxPoolCall& call) {
    if (call.count < lanes<T> || call.taps[call.tap_count - 1] > std::numeric_limits<Integer<T>>::max()) {
        for (std::int64_t o = 0; o < call.count; ++o) single<T>(call, o);
        return;
    }
    // The last block ends with the row: what it has in common with the one before is computed twice.
    for (std::int64_t o = 0; o < call.count; o += lanes<T>)
        block<T, fixed_stride>(call, std::min(o, call.count - lanes<T>));
}

template <class T> void max_pool(const MaxPoolCall& call) {
    if (call.stride == 1)
        row<T, 1>(call);
    else if (call.stride == 2)
        row<T, 2>(call);
    else
        row<T, 0>(call);
}

}  // namespace

void add_pool(Kernels& table) {
    table.max_pool[0] = max_pool<float>;
    table.max_pool[1] = max_pool<double>;
}

}  // namespace adjoint::cpu::ADJOINT_ISA
