// Softmax and the fused softmax cross entropy, a row at a time.
#include <adjoint/cpu/fold.h>
#include <adjoint/cpu/kernels/kernels.h>

namespace adjoint::cpu::ADJOINT_ISA {
namespace {

template <class T> __attribute__((always_inline)) inline T row_max(const T* x, std::int64_t n) {
    return fold<functor::Max, T>(n, [x](std::int64_t i) { return x[i]; });
}

template <class T> void softmax(bool log, void* out, const void* in, std::int64_t n) {
    const T* x = static_cast<const T*>(in);
    T* y = static_cast<T*>(out);
    const T top = row_max(x, n);
    if (log) {
        // Where every element is -inf the difference is NaN, as it should be.
        const T total = fold<functor::Sum, T>(n, [x, top](std::int64_t i) { return math::exp(x[i] - top); });
        const T shift = math::log(total);
#pragma GCC ivdep
        for (std::int64_t i = 0; i < n; ++i) y[i] = (x[i] - top) - shift;
        return;
    }
#pragma GCC ivdep
    for (std::int64_t i = 0; i < n; ++i) y[i] = math::exp(x[i] - top);
    const T total = fold<functor::Sum, T>(n, [y](std::int64_t i) { return y[i]; });
    const T scale = T(1) / total;
#pragma GCC ivdep
    for (std::int64_t i = 0; i < n; ++i) y[i] *= scale;
}

// softmax: dx = y (g - sum g y); log softmax: dx = g - exp(y) sum g
template <class T>
void softmax_backward(bool log, void* out, const void* upstream, const void* result, std::int64_t n) {
    T* dx = static_cast<T*>(out);
    const T* g = static_cast<const T*>(upstream);
    const T* y = static_cast<const T*>(result);
    if (log) {
        const T total = fold<functor::Sum, T>(n, [g](std::int64_t i) { return g[i]; });
#pragma GCC ivdep
        for (std::int64_t i = 0; i < n; ++i) dx[i] = g[i] - math::exp(y[i]) * total;
        return;
    }
    const T total = fold<functor::Sum, T>(n, [g, y](std::int64_t i) { return g[i] * y[i]; });
#pragma GCC ivdep
    for (std::int64_t i = 0; i < n; ++i) dx[i] = y[i] * (g[i] - total);
}

template <class T>
void cross_entropy(void* loss, void* gradient, const void* logits, std::int64_t target, std::int64_t n,
                   std::int64_t counted) {
    const T* x = static_cast<const T*>(logits);
    const T top = row_max(x, n);
    T total;
    if (gradient) {
        T* dx = static_cast<T*>(gradient);
#pragma GCC ivdep
        for (std::int64_t i = 0; i < n; ++i) dx[i] = math::exp(x[i] - top);
        total = fold<functor::Sum, T>(n, [dx](std::int64_t i) { return dx[i]; });
        const T share = T(1) / static_cast<T>(counted), scale = T(1) / total;
        const T at_target = (dx[target] * scale - T(1)) * share;
#pragma GCC ivdep
        for (std::int64_t i = 0; i < n; ++i) dx[i] = dx[i] * scale * share;
        dx[target] = at_target;
    } else {
        total = fold<functor::Sum, T>(n, [x, top](std::int64_t i) { return math::exp(x[i] - top); });
    }
    *static_cast<T*>(loss) = math::log(total) - (x[target] - top);
}

}  // namespace

void add_rows(Kernels& table) {
    table.softmax[0] = softmax<float>;
    table.softmax[1] = softmax<double>;
    table.softmax_backward[0] = softmax_backward<float>;
    table.softmax_backward[1] = softmax_backward<double>;
    table.cross_entropy[0] = cross_entropy<float>;
    table.cross_entropy[1] = cross_entropy<double>;
}

}  // namespace adjoint::cpu::ADJOINT_ISA
