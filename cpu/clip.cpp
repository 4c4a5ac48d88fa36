// The norm of many tensors: chunks of all of them as tasks, their sums added in order.
#include <algorithm>
#include <cmath>
#include <vector>

#include <adjoint/cpu/cpu_backend.h>
#include <adjoint/cpu/kernels/kernels.h>
#include <adjoint/cpu/thread_pool.h>

namespace adjoint::cpu {
namespace {

constexpr std::int64_t square_block = 512, clip_chunk = 16 * square_block;

struct Chunk {
    char* data;
    std::int64_t count;
};

std::vector<Chunk> chunks_of(const call::ClipNorm& c) {
    std::vector<Chunk> all;
    const auto bytes = static_cast<std::int64_t>(size_of(c.dtype));
    for (const TensorSlice& tensor : c.tensors)
        for (std::int64_t first = 0; first < tensor.numel; first += clip_chunk)
            all.push_back({static_cast<char*>(tensor.data) + first * bytes,
                           std::min(clip_chunk, tensor.numel - first)});
    return all;
}

template <class T> void clip(const CpuBackend& cpu, const call::ClipNorm& c) {
    const Compute column = compute_column(c.dtype);
    const MapKernel square = cpu.kernels.map[UnaryOp(functor::Square{}).index()][column];
    const MapKernel scale = cpu.kernels.map[UnaryOp(functor::MulScalar{0}).index()][column];
    const ReduceRowKernel sum = cpu.kernels.reduce[ReduceOp(functor::Sum{}).index()][column].row;
    const std::vector<Chunk> chunks = chunks_of(c);
    std::vector<double> sums(chunks.size());
    const auto tasks = static_cast<std::int64_t>(chunks.size());
    parallel_for(tasks, [&](std::int64_t task) {
        const Chunk& own = chunks[static_cast<std::size_t>(task)];
        const T* x = reinterpret_cast<const T*>(own.data);
        double total = 0;
        for (std::int64_t first = 0; first < own.count; first += square_block) {
            T squares[square_block], part;
            const std::int64_t n = std::min(square_block, own.count - first);
            square(nullptr, squares, x + first, n);
            sum(&part, squares, n);
            total += static_cast<double>(part);
        }
        sums[static_cast<std::size_t>(task)] = total;
    });
    double total = 0;
    for (const double part : sums) total += part;
    const T norm = static_cast<T>(std::sqrt(total));
    *static_cast<T*>(c.norm) = norm;
    const T factor = functor::Clamp{0, 1}.template value<T>(
        functor::RdivScalar{c.most}.template value<T>(norm + static_cast<T>(1e-6)));
    if (factor == T(1)) return;
    const functor::MulScalar by{static_cast<double>(factor)};
    parallel_for(tasks, [&](std::int64_t task) {
        const Chunk& own = chunks[static_cast<std::size_t>(task)];
        scale(&by, own.data, own.data, own.count);
    });
}

}  // namespace

void on(CpuBackend& cpu, const call::ClipNorm& c) {
    visit_real(c.dtype, [&]<class T>(T) { clip<T>(cpu, c); });
}

}  // namespace adjoint::cpu
