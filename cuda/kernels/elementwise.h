// The two kernels behind every elementwise functor, and how they are chosen and started.
//
// Dense operands of the compute type go 16 bytes at a time; all others (strides, broadcasting, other types)
// go element by element, converted at the load and the store.
#pragma once

#include <utility>

#include <adjoint/core/contract/backend.h>
#include <adjoint/cuda/kernels/launch.h>
#include <adjoint/cuda/kernels/places.h>

namespace adjoint::cuda_backend {

template <class T> struct alignas(16) Pack {
    static constexpr int size = 16 / sizeof(T);
    T values[size];
};

/// Operand 0 is written.
template <int N> struct DenseOperands { void* data[N]; };

template <int N> struct StridedOperands {
    Places<N> places;
    void* data[N];
    DType types[N];
};

template <class T, class F, std::size_t... i>
ADJOINT_DEVICE T evaluate(const F& f, const T* x, std::index_sequence<i...>) {
    return f.template value<T>(x[i]...);
}

template <class T, class F, int N>
__global__ void __launch_bounds__(spread_threads)
    dense_elements(const F f, const DenseOperands<N> operands, const std::int64_t numel) {
    constexpr auto inputs = std::make_index_sequence<N - 1>{};
    constexpr int width = Pack<T>::size;
    const std::int64_t first = std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x;
    const std::int64_t step = std::int64_t{gridDim.x} * blockDim.x;
    const std::int64_t packs = numel / width;
    for (std::int64_t p = first; p < packs; p += step) {
        Pack<T> in[N], out;
        for (int k = 1; k < N; ++k) in[k] = static_cast<const Pack<T>*>(operands.data[k])[p];
        for (int j = 0; j < width; ++j) {
            T x[N];
            for (int k = 1; k < N; ++k) x[k - 1] = in[k].values[j];
            out.values[j] = evaluate<T>(f, x, inputs);
        }
        static_cast<Pack<T>*>(operands.data[0])[p] = out;
    }
    const std::int64_t rest = packs * width + first;
    if (rest < numel) {
        T x[N];
        for (int k = 1; k < N; ++k) x[k - 1] = static_cast<const T*>(operands.data[k])[rest];
        static_cast<T*>(operands.data[0])[rest] = evaluate<T>(f, x, inputs);
    }
}

template <class T, class F, int N>
__global__ void __launch_bounds__(spread_threads)
    strided_elements(const F f, const StridedOperands<N> operands, const std::uint32_t numel) {
    const std::uint32_t step = gridDim.x * blockDim.x;
    for (std::uint32_t i = blockIdx.x * blockDim.x + threadIdx.x; i < numel; i += step) {
        std::int32_t at[N];
        operands.places.offsets(i, at);
        T x[N];
        for (int k = 1; k < N; ++k) x[k - 1] = load<T>(operands.data[k], operands.types[k], at[k]);
        store<T>(operands.data[0], operands.types[0], at[0],
                 evaluate<T>(f, x, std::make_index_sequence<N - 1>{}));
    }
}

/// out = f(inputs), computed in T.
template <class T, class F, int N>
void run_elements(const DeviceState& device, const char* op, const F& f, const Loop<N>& loop) {
    if (loop.numel == 0) return;
    bool packed = loop.dense && (loop.rank == 1 || loop.numel == 1);
    for (const Operand& x : loop.operands)
        packed = packed && x.dtype == dtype_of<T> && reinterpret_cast<std::uintptr_t>(x.data) % 16 == 0;
    if (packed) {
        DenseOperands<N> operands;
        for (int k = 0; k < N; ++k) operands.data[k] = loop.operands[k].data;
        const Spread spread(device, divide_up(loop.numel, Pack<T>::size));
        launch_independent(device, op, &dense_elements<T, F, N>, spread.grid, spread.block, f, operands,
                           loop.numel);
        return;
    }
    for_32_bit_pieces(device, loop, [&](const Loop<N>& piece) {
        StridedOperands<N> operands;
        operands.places = places(piece);
        for (int k = 0; k < N; ++k) {
            operands.data[k] = piece.operands[k].data;
            operands.types[k] = piece.operands[k].dtype;
        }
        const Spread spread(device, piece.numel);
        launch_independent(device, op, &strided_elements<T, F, N>, spread.grid, spread.block, f, operands,
                           static_cast<std::uint32_t>(piece.numel));
    });
}

/// The same in the loop's compute type; integers only where the functor keeps them.
template <class F, int N>
void run_functor(const DeviceState& device, const char* op, const F& f, const Loop<N>& loop) {
    if (loop.compute == DType::f32)
        run_elements<float>(device, op, f, loop);
    else if (loop.compute == DType::f64)
        run_elements<double>(device, op, f, loop);
    else if constexpr (functor::takes_integers<F>)
        run_elements<std::int64_t>(device, op, f, loop);
}

/// Entry i of `Variant`'s alternatives `first` .. as a table of functions that run it.
template <class Variant, int N>
using ElementsRunner = void (*)(const DeviceState&, const Variant&, const Loop<N>&);

template <class F, class Variant, int N>
void run_alternative(const DeviceState& device, const Variant& op, const Loop<N>& loop) {
    run_functor(device, F::name, std::get<F>(op), loop);
}

template <class Variant, int N, class... Fs>
ElementsRunner<Variant, N> runner(FunctorList<Fs...>, std::size_t which) {
    static constexpr ElementsRunner<Variant, N> table[] = {&run_alternative<Fs, Variant, N>...};
    return table[which];
}

// The functor lists, each in a file of its own so that they compile side by side.
void map_flat(const DeviceState& device, const UnaryOp& op, const Loop<2>& loop);
void map_smooth(const DeviceState& device, const UnaryOp& op, const Loop<2>& loop);
void zip_arithmetic(const DeviceState& device, const BinaryOp& op, const Loop<3>& loop);
void zip_slopes(const DeviceState& device, const BinaryOp& op, const Loop<3>& loop);

}  // namespace adjoint::cuda_backend
