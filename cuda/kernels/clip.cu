// The norm of many tensors in two launches: blocks add the squares of their chunks, and blocks scale chunks,
// each after it has added what the first ones left.
#include <adjoint/cuda/cuda_backend.h>
#include <adjoint/cuda/kernels/fold.h>
#include <adjoint/cuda/kernels/launch.h>

namespace adjoint::cuda_backend {

constexpr int clip_threads = 256, most_tensors = 160;  // whose table fits into a kernel's arguments

/// Blocks first_block[t] .. first_block[t + 1] - 1 have a chunk each of tensor t.
struct TensorTable {
    int tensors = 0;
    std::int64_t chunk = 0;
    void* data[most_tensors];
    std::int64_t sizes[most_tensors];
    unsigned first_block[most_tensors + 1] = {};
};

/// The elements of a block.
template <class T> struct Chunk {
    T* x;
    std::int64_t count;
    ADJOINT_DEVICE explicit Chunk(const TensorTable& table) {
        int low = 0, high = table.tensors;
        while (high - low > 1) {
            const int middle = (low + high) / 2;
            (blockIdx.x >= table.first_block[middle] ? low : high) = middle;
        }
        const std::int64_t first = (blockIdx.x - table.first_block[low]) * table.chunk,
                           left = table.sizes[low] - first;
        x = static_cast<T*>(table.data[low]) + first;
        count = left < table.chunk ? left : table.chunk;
    }
};

template <class T>
__global__ void __launch_bounds__(clip_threads)
    add_squares(const ADJOINT_GRID_CONSTANT TensorTable table, double* partial) {
    wait_for_earlier();
    const Chunk<T> chunk(table);
    double total = 0;
    for (std::int64_t i = threadIdx.x; i < chunk.count; i += clip_threads) {
        const double x = static_cast<double>(chunk.x[i]);
        total += x * x;
    }
    total = fold_group<functor::Sum>(total, clip_threads);
    if (threadIdx.x == 0) partial[blockIdx.x] = total;
}

template <class T>
__global__ void __launch_bounds__(clip_threads)
    scale_to_norm(const ADJOINT_GRID_CONSTANT TensorTable table, const double* partial, const double most,
                  T* to) {
    wait_for_earlier();
    double total = 0;
    for (unsigned i = threadIdx.x; i < gridDim.x; i += clip_threads) total += partial[i];
    total = fold_group<functor::Sum>(total, clip_threads);
    const T norm = static_cast<T>(math::sqrt(total));
    if (blockIdx.x == 0 && threadIdx.x == 0) *to = norm;
    const T share = functor::RdivScalar{most}.template value<T>(norm + static_cast<T>(1e-6));
    const T factor = functor::Clamp{0, 1}.template value<T>(share);
    const Chunk<T> chunk(table);
    for (std::int64_t i = threadIdx.x; i < chunk.count; i += clip_threads) chunk.x[i] *= factor;
}

void on(CudaBackend& cuda, const call::ClipNorm& c) {
    constexpr std::int64_t shortest = 4096, most_chunks = 1024;
    if (c.tensors.size() > most_tensors) return compose(cuda, c);
    std::int64_t elements = 0;
    for (const TensorSlice& one : c.tensors) elements += one.numel;
    TensorTable table;
    table.chunk = std::max(shortest, divide_up(elements, most_chunks));
    for (const TensorSlice& one : c.tensors) {
        if (one.numel == 0) continue;
        const int t = table.tensors++;
        table.data[t] = one.data;
        table.sizes[t] = one.numel;
        table.first_block[t + 1] =
            table.first_block[t] + static_cast<unsigned>(divide_up(one.numel, table.chunk));
    }
    if (table.tensors == 0) return compose(cuda, c);
    const dim3 blocks(table.first_block[table.tensors]);
    const Scratch partial(cuda.device, blocks.x * sizeof(double));
    visit_real(c.dtype, [&]<class T>(T) {
        launch(cuda.device, call::ClipNorm::name, &add_squares<T>, blocks, dim3(clip_threads), 0, table,
               partial.as<double>());
        launch(cuda.device, call::ClipNorm::name, &scale_to_norm<T>, blocks, dim3(clip_threads), 0, table,
               static_cast<const double*>(partial.as<double>()), c.most, static_cast<T*>(c.norm));
    });
}

}  // namespace adjoint::cuda_backend
