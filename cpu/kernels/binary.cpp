// Loops over functors of two variables.
#include <adjoint/cpu/kernels/kernels.h>

namespace adjoint::cpu::ADJOINT_ISA {
namespace {

template <class F, class T>
void zip(const void* functor, void* out, const void* a, const void* b, std::int64_t n) {
    const F f = *static_cast<const F*>(functor);
    T* to = static_cast<T*>(out);
    const T* x = static_cast<const T*>(a);
    const T* y = static_cast<const T*>(b);
#pragma GCC ivdep
    for (std::int64_t i = 0; i < n; ++i) to[i] = f.template value<T>(x[i], y[i]);
}

template <class F> void add(ZipKernel* row) {
    row[compute_f32] = zip<F, float>;
    row[compute_f64] = zip<F, double>;
    if constexpr (functor::takes_integers<F>) row[compute_i64] = zip<F, std::int64_t>;
}

template <class... Fs> void add_all(Kernels& table, FunctorList<Fs...>) {
    std::size_t i = 0;
    (add<Fs>(table.zip[i++]), ...);
}

}  // namespace

void add_binary(Kernels& table) { add_all(table, functor::BinaryList{}); }

}  // namespace adjoint::cpu::ADJOINT_ISA
