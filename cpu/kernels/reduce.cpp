// Reductions of rows and columns, and optimizer steps.
#include <adjoint/cpu/kernels/kernels.h>

namespace adjoint::cpu::ADJOINT_ISA {
namespace {

// Element i of a row goes to lane i % lanes; the lanes are combined pairwise. The pattern is the same for
// every instruction set level.
constexpr int lanes = 64;

template <class Op, class T> void reduce_row(void* out, const void* x, std::int64_t n) {
    const Op op{};
    const T* from = static_cast<const T*>(x);
    T sums[lanes];
    for (int j = 0; j < lanes; ++j) sums[j] = Op::template start<T>();
    std::int64_t i = 0;
    for (; i + lanes <= n; i += lanes)
        for (int j = 0; j < lanes; ++j) sums[j] = op.template value<T>(sums[j], from[i + j]);
    for (int j = 0; i < n; ++i, ++j) sums[j] = op.template value<T>(sums[j], from[i]);
    for (int width = lanes / 2; width > 0; width /= 2)
        for (int j = 0; j < width; ++j) sums[j] = op.template value<T>(sums[j], sums[j + width]);
    *static_cast<T*>(out) = sums[0];
}

template <class Op, class T>
void reduce_columns(void* acc, const void* x, std::int64_t stride, std::int64_t rows, std::int64_t columns,
                    bool fresh) {
    const Op op{};
    T* to = static_cast<T*>(acc);
    const T* from = static_cast<const T*>(x);
    if (fresh)
        for (std::int64_t j = 0; j < columns; ++j) to[j] = Op::template start<T>();
    for (std::int64_t i = 0; i < rows; ++i) {
        const T* row = from + i * stride;
#pragma GCC ivdep
        for (std::int64_t j = 0; j < columns; ++j) to[j] = op.template value<T>(to[j], row[j]);
    }
}

template <class Op, class T> void combine(void* a, const void* b, std::int64_t n) {
    const Op op{};
    T* to = static_cast<T*>(a);
    const T* from = static_cast<const T*>(b);
#pragma GCC ivdep
    for (std::int64_t j = 0; j < n; ++j) to[j] = op.template value<T>(to[j], from[j]);
}

template <class Op> void add(ReduceKernels* row) {
    row[compute_f32] = {reduce_row<Op, float>, reduce_columns<Op, float>, combine<Op, float>};
    row[compute_f64] = {reduce_row<Op, double>, reduce_columns<Op, double>, combine<Op, double>};
    row[compute_i64] = {reduce_row<Op, std::int64_t>, reduce_columns<Op, std::int64_t>,
                        combine<Op, std::int64_t>};
}

template <class... Ops> void add_all(Kernels& table, FunctorList<Ops...>) {
    std::size_t i = 0;
    (add<Ops>(table.reduce[i++]), ...);
}

template <class F, class T>
void update(const void* functor, void* parameter, const void* gradient, void* const* states, std::int64_t n) {
    const F f = *static_cast<const F*>(functor);
    T* p = static_cast<T*>(parameter);
    const T* g = static_cast<const T*>(gradient);
    T* s0 = static_cast<T*>(states[0]);
    T* s1 = static_cast<T*>(states[1]);
    T* s2 = static_cast<T*>(states[2]);
    T none{};
#pragma GCC ivdep
    for (std::int64_t i = 0; i < n; ++i) {
        if constexpr (F::states == 0) {
            T a = none, b = none, c = none;
            f.template step<T>(p[i], g[i], a, b, c);
        } else if constexpr (F::states == 1) {
            T b = none, c = none;
            f.template step<T>(p[i], g[i], s0[i], b, c);
        } else if constexpr (F::states == 2) {
            T c = none;
            f.template step<T>(p[i], g[i], s0[i], s1[i], c);
        } else {
            f.template step<T>(p[i], g[i], s0[i], s1[i], s2[i]);
        }
    }
}

template <class... Fs> void add_updates(Kernels& table, FunctorList<Fs...>) {
    std::size_t i = 0;
    ((table.update[i][0] = update<Fs, float>, table.update[i][1] = update<Fs, double>, ++i), ...);
}

}  // namespace

void add_reduce(Kernels& table) {
    add_all(table, functor::ReduceList{});
    add_updates(table, functor::UpdateList{});
}

}  // namespace adjoint::cpu::ADJOINT_ISA
