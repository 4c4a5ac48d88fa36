// Optimizer steps: one kernel for many tensors.
#include <adjoint/cuda/cuda_backend.h>
#include <adjoint/cuda/kernels/launch.h>
#include <adjoint/cuda/kernels/update.h>
#include <adjoint/cuda/runtime/graph_data.h>

namespace adjoint::cuda_backend {
constexpr unsigned update_threads = 256;

/// The step is `given`, or in a graph what lies at `stored`.
template <class T, class F>
__global__ void __launch_bounds__(update_threads)
    update_elements(const F given, const F* stored, const UpdateTable table) {
    wait_for_earlier();
    const F f = stored != nullptr ? *stored : given;
    const int s = table.slice_of(blockIdx.x);
    const std::int64_t first = (blockIdx.x - table.first_block[s]) * update_chunk, size = table.sizes[s],
                       end = first + update_chunk < size ? first + update_chunk : size;
    std::int64_t rest = first;
    if (updates_packs<T, F>(table, s)) {
        constexpr int width = Pack<T>::size;
        static_assert(update_chunk % width == 0);
        rest = end / width * width;
        for (std::int64_t i = first / width + threadIdx.x; i < rest / width; i += blockDim.x)
            update_pack<T>(f, table, s, i);
    }
    const T* g = static_cast<const T*>(table.gradients[s]);
    for (std::int64_t i = rest + threadIdx.x; i < end; i += blockDim.x) update_element(f, table, s, i, g[i]);
}

namespace {

template <class T, class F>
void run_updates(const DeviceState& device, const F& f, const F* stored,
                 std::span<const UpdateSlice> slices) {
    UpdateTable table;
    const auto flush = [&] {
        const unsigned blocks = table.first_block[table.slices];
        if (blocks > 0)
            launch_independent(device, F::name, &update_elements<T, F>, dim3(blocks), dim3(update_threads), f,
                               stored, table);
        table.slices = 0;
    };
    for (const UpdateSlice& slice : slices) {
        if ((slice.dtype == DType::f64) != (dtype_of<T> == DType::f64) || slice.numel == 0) continue;
        if (table.slices == most_slices) flush();
        table.add(slice, divide_up(slice.numel, update_chunk));
    }
    flush();
}

}  // namespace

void on(CudaBackend& cuda, const call::Update& c) {
    std::visit(
        [&]<class F>(const F& f) {
            const F* stored =
                cuda.device.graph ? static_cast<const F*>(cuda.device.graph->next_update()) : nullptr;
            run_updates<float>(cuda.device, f, stored, c.slices);
            run_updates<double>(cuda.device, f, stored, c.slices);
        },
        c.op);
}

}  // namespace adjoint::cuda_backend
