// The kernels of activations.
#include <adjoint/cpu/activate.h>

#include <algorithm>

#include <adjoint/core/contract/activate.h>
#include <adjoint/core/contract/compose.h>
#include <adjoint/cpu/cpu_backend.h>
#include <adjoint/cpu/kernels/kernels.h>
#include <adjoint/cpu/thread_pool.h>

namespace adjoint::cpu {

void activate(Activation activation, DType type, void* y, const void* x, std::int64_t n) {
    visit_activation(activation,
                     [&](auto f) { kernels().map[UnaryOp(f).index()][compute_column(type)](&f, y, x, n); });
}

// Each run of a channel's elements is added as soon as it is made; the sums of the runs follow in order.
void on(CpuBackend& cpu, const call::ActivationBackward& c) {
    constexpr std::int64_t shortest = 64, at_once = 16384;
    if (compute_type(c.dtype) != c.dtype || c.inner < shortest) return compose(cpu, c);
    const Compute column = compute_column(c.dtype);
    const ZipKernel pass_back = visit_activation(c.activation, [&]<class F>(F f) -> ZipKernel {
        if constexpr (F::saves == Saves::nothing)
            return nullptr;
        else
            return cpu.kernels.zip[BinaryOp(functor::SlopeTimes<F>{f}).index()][column];
    });
    const ReduceKernels& sum = cpu.kernels.reduce[ReduceOp(functor::Sum{}).index()][column];
    const std::int64_t runs = c.batch * c.channels, per_task = std::max<std::int64_t>(1, at_once / c.inner);
    const composition::WorkingMemory memory(cpu, c.sums ? runs : 0, c.dtype);
    const auto bytes = static_cast<std::int64_t>(size_of(c.dtype));
    parallel_for((runs + per_task - 1) / per_task, [&](std::int64_t task) {
        for (std::int64_t run = task * per_task; run < std::min(runs, (task + 1) * per_task); ++run) {
            const std::int64_t from = run * c.inner * bytes;
            const char* const g = static_cast<const char*>(c.g) + from;
            char* const dz = c.dz ? static_cast<char*>(c.dz) + from : nullptr;
            // The functors of activations hold nothing.
            if (pass_back) pass_back(nullptr, dz, g, static_cast<const char*>(c.saved) + from, c.inner);
            if (c.sums) sum.row(static_cast<char*>(memory.data()) + run * bytes, dz ? dz : g, c.inner);
        }
    });
    if (c.sums) sum.columns(c.sums, memory.data(), c.channels, c.batch, c.channels, true);
}

}  // namespace adjoint::cpu
