// One tap of max pooling for a row of windows.
#include <adjoint/core/cpu/kernels/kernels.h>

namespace adjoint::cpu::ADJOINT_ISA {
namespace {

// A stride known when compiled gives shuffles instead of gathers.
template <class T, std::int64_t fixed_stride>
void max_row(T* y, std::int64_t* index, const T* x, std::int64_t place, std::int64_t any_stride,
             std::int64_t n) {
    const std::int64_t stride = fixed_stride > 0 ? fixed_stride : any_stride;
    // Neither a number nor a second NaN takes the place of a NaN.
    const auto better = [](T value, T best) { return (value > best) | ((value != value) & (best == best)); };
    if (index == nullptr) {
#pragma GCC ivdep
        for (std::int64_t o = 0; o < n; ++o) {
            const T value = x[o * stride], best = y[o];
            y[o] = better(value, best) ? value : best;
        }
        return;
    }
#pragma GCC ivdep
    for (std::int64_t o = 0; o < n; ++o) {
        const T value = x[o * stride], best = y[o];
        const bool take = better(value, best);
        y[o] = take ? value : best;
        index[o] = take ? place + o * stride : index[o];
    }
}

template <class T>
void max_pool(void* out, std::int64_t* index, const void* in, std::int64_t place, std::int64_t stride,
              std::int64_t n) {
    T* y = static_cast<T*>(out);
    const T* x = static_cast<const T*>(in);
    if (stride == 1)
        max_row<T, 1>(y, index, x, place, stride, n);
    else if (stride == 2)
        max_row<T, 2>(y, index, x, place, stride, n);
    else
        max_row<T, 0>(y, index, x, place, stride, n);
}

}  // namespace

void add_pool(Kernels& table) {
    table.max_pool[0] = max_pool<float>;
    table.max_pool[1] = max_pool<double>;
}

}  // namespace adjoint::cpu::ADJOINT_ISA
