// Elementwise operations: loops cut into tasks and blocks.
#include <algorithm>
#include <array>
#include <utility>

#include <adjoint/cpu/block.h>
#include <adjoint/cpu/cpu_backend.h>
#include <adjoint/cpu/kernels/kernels.h>
#include <adjoint/cpu/thread_pool.h>
#include <adjoint/cpu/transpose.h>

namespace adjoint::cpu {
namespace {

constexpr std::int64_t task_size = 32768;  // elements; below it a second thread costs more than it brings

// Calls run(pointers) on blocks of operands brought into the compute type; operand 0 is written, the others
// are read, unless `reads` says that nobody looks at them.
template <bool reads = true, int N, class Run> void for_blocks(const Loop<N>& loop, Run run) {
    bool direct = loop.dense;
    for (int i = 0; i < N; ++i) direct = direct && loop.operands[i].dtype == loop.compute;
    if (direct && loop.numel <= task_size) {
        void* pointers[N];
        for (int i = 0; i < N; ++i) pointers[i] = loop.operands[i].data;
        run(pointers, loop.numel);
        return;
    }
    const std::int64_t tasks = (loop.numel + task_size - 1) / task_size;
    if (direct) {
        const auto bytes = static_cast<std::int64_t>(size_of(loop.compute));
        const auto piece = [&](std::int64_t task) {
            const std::int64_t start = task * task_size, n = std::min(task_size, loop.numel - start);
            void* pointers[N];
            for (int i = 0; i < N; ++i)
                pointers[i] = static_cast<char*>(loop.operands[i].data) + start * bytes;
            run(pointers, n);
        };
        parallel_for(tasks, piece);
        return;
    }
    parallel_for(tasks, [&](std::int64_t task) {
        alignas(64) char buffers[N][block_size * 8];
        const std::int64_t end = std::min((task + 1) * task_size, loop.numel);
        auto walks = [&]<std::size_t... i>(std::index_sequence<i...>) {
            return std::array<Walk, N>{
                Walk(loop.rank, loop.sizes, loop.strides[i], loop.operands[i], loop.compute)...};
        }
        (std::make_index_sequence<N>{});
        for (std::int64_t start = task * task_size; start < end; start += block_size) {
            const std::int64_t n = std::min(block_size, end - start);
            void* pointers[N];
            for (int i = 1; reads && i < N; ++i)
                pointers[i] = const_cast<void*>(walks[i].load(start, n, buffers[i]));
            pointers[0] = walks[0].target(start, buffers[0]);
            run(pointers, n);
            walks[0].store(start, n, buffers[0]);
        }
    });
}

}  // namespace

void on(CpuBackend&, const call::Fill& c) {
    for_blocks<false>(c.loop,
                      [&](void* const* p, std::int64_t n) { fill_block(c.loop.compute, p[0], c.value, n); });
}

void on(CpuBackend& cpu, const call::Map& c) {
    if (!c.loop.dense && std::holds_alternative<functor::Copy>(c.op) && transposed_copy(c.loop)) return;
    const MapKernel kernel = cpu.kernels.map[c.op.index()][compute_column(c.loop.compute)];
    const void* functor = payload(c.op);
    for_blocks(c.loop, [&](void* const* p, std::int64_t n) { kernel(functor, p[0], p[1], n); });
}

void on(CpuBackend& cpu, const call::Zip& c) {
    const ZipKernel kernel = cpu.kernels.zip[c.op.index()][compute_column(c.loop.compute)];
    const void* functor = payload(c.op);
    for_blocks(c.loop, [&](void* const* p, std::int64_t n) { kernel(functor, p[0], p[1], p[2], n); });
}

void on(CpuBackend&, const call::Select& c) {
    for_blocks(c.loop, [&](void* const* p, std::int64_t n) {
        select_block(c.loop.compute, p[0], p[1], p[2], p[3], n);
    });
}

void on(CpuBackend& cpu, const call::Update& c) {
    const void* functor = payload(c.op);
    for (const UpdateSlice& slice : c.slices) {
        const int column = slice.dtype == DType::f64 ? 1 : 0;
        const UpdateKernel kernel = cpu.kernels.update[c.op.index()][column];
        const auto bytes = static_cast<std::int64_t>(size_of(slice.dtype));
        parallel_for((slice.numel + task_size - 1) / task_size, [&](std::int64_t task) {
            const std::int64_t start = task * task_size, n = std::min(task_size, slice.numel - start);
            const auto at = [&](const void* base) {
                return base ? const_cast<char*>(static_cast<const char*>(base)) + start * bytes : nullptr;
            };
            void* const states[3] = {at(slice.states[0]), at(slice.states[1]), at(slice.states[2])};
            kernel(functor, at(slice.parameter), at(slice.gradient), states, n);
        });
    }
}

}  // namespace adjoint::cpu
