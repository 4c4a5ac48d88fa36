// Loops over functors of one variable.
#include <adjoint/cpu/kernels/kernels.h>

namespace adjoint::cpu::ADJOINT_ISA {
namespace {

template <class F, class T> void map(const void* functor, void* out, const void* x, std::int64_t n) {
    const F f = *static_cast<const F*>(functor);
    T* to = static_cast<T*>(out);
    const T* from = static_cast<const T*>(x);
#pragma GCC ivdep
    for (std::int64_t i = 0; i < n; ++i) to[i] = f.template value<T>(from[i]);
}

template <class F> void add(MapKernel* row) {
    row[compute_f32] = map<F, float>;
    row[compute_f64] = map<F, double>;
    if constexpr (functor::takes_integers<F>) row[compute_i64] = map<F, std::int64_t>;
}

template <class... Fs> void add_all(Kernels& table, FunctorList<Fs...>) {
    std::size_t i = 0;
    (add<Fs>(table.map[i++]), ...);
}

}  // namespace

void add_unary(Kernels& table) { add_all(table, functor::UnaryList{}); }

}  // namespace adjoint::cpu::ADJOINT_ISA
