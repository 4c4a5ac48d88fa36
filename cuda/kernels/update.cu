// Optimizer steps: one kernel for many tensors.
#include <adjoint/cuda/cuda_backend.h>
#include <adjoint/cuda/kernels/launch.h>
#include <adjoint/cuda/runtime/graph_data.h>

namespace adjoint::cuda_backend {
namespace {

constexpr int most_slices = 48;  // whose table fits into a kernel's arguments
constexpr unsigned update_threads = 256;
constexpr std::int64_t chunk = 2048;  // elements of one block

}  // namespace

/// The tensors of one launch. Blocks first_block[s] .. first_block[s + 1] - 1 work on slice s.
struct UpdateTable {
    int slices = 0;
    unsigned first_block[most_slices + 1] = {};
    void* parameters[most_slices];
    const void* gradients[most_slices];
    void* states[3][most_slices];
    std::int64_t sizes[most_slices];
};

/// The step is `given`, or in a graph what lies at `stored`.
template <class T, class F>
__global__ void __launch_bounds__(update_threads)
    update_elements(const F given, const F* stored, const UpdateTable table) {
    const F f = stored != nullptr ? *stored : given;
    int low = 0, high = table.slices;  // the slice of this block, by halving
    while (high - low > 1) {
        const int middle = (low + high) / 2;
        (blockIdx.x >= table.first_block[middle] ? low : high) = middle;
    }
    const std::int64_t first = (blockIdx.x - table.first_block[low]) * chunk;
    const std::int64_t size = table.sizes[low], end = first + chunk < size ? first + chunk : size;
    T* p = static_cast<T*>(table.parameters[low]);
    const T* g = static_cast<const T*>(table.gradients[low]);
    T* states[3];
    for (int k = 0; k < F::states; ++k) states[k] = static_cast<T*>(table.states[k][low]);
    for (std::int64_t i = first + threadIdx.x; i < end; i += blockDim.x) {
        T s[3] = {};
        for (int k = 0; k < F::states; ++k) s[k] = states[k][i];
        T value = p[i];
        f.template step<T>(value, g[i], s[0], s[1], s[2]);
        p[i] = value;
        for (int k = 0; k < F::states; ++k) states[k][i] = s[k];
    }
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
        const int s = table.slices++;
        table.parameters[s] = slice.parameter;
        table.gradients[s] = slice.gradient;
        for (int k = 0; k < 3; ++k) table.states[k][s] = slice.states[k];
        table.sizes[s] = slice.numel;
        table.first_block[s + 1] =
            table.first_block[s] + static_cast<unsigned>(divide_up(slice.numel, chunk));
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
