// The two kernels behind every elementwise functor, and how they are chosen and started.
//
// Where the innermost dimension lies side by side in the operands, or is one element of them, packs of
// elements go at a time, of any type; all else goes element by element.
#pragma once

#include <optional>
#include <utility>

#include <adjoint/core/contract/backend.h>
#include <adjoint/cuda/kernels/launch.h>
#include <adjoint/cuda/kernels/packs.h>
#include <adjoint/cuda/kernels/places.h>

namespace adjoint::cuda_backend {

/// Operand 0 is written.
template <int N> struct StridedOperands {
    Places<N> places;
    void* data[N];
    DType types[N];
};

/// The places are those of packs, one behind the other or, of a `single` operand, one element for all of it.
template <int N> struct PackedOperands {
    StridedOperands<N> operands;
    bool single[N] = {};
    std::uint32_t packs = 0, rest = 0;  // elements behind the packs of a loop of rank 1
};

template <class T, class F, std::size_t... i>
ADJOINT_DEVICE T evaluate(const F& f, const T* x, std::index_sequence<i...>) {
    return f.template value<T>(x[i]...);
}

template <class T, class F, int N>
__global__ void __launch_bounds__(spread_threads) packed_elements(const F f, const PackedOperands<N> packed) {
    wait_for_earlier();
    constexpr auto inputs = std::make_index_sequence<N - 1>{};
    const StridedOperands<N>& operands = packed.operands;
    const std::uint32_t first = blockIdx.x * blockDim.x + threadIdx.x, step = gridDim.x * blockDim.x;
    for (std::uint32_t p = first; p < packed.packs; p += step) {
        std::int32_t at[N];
        operands.places.offsets(p, at);
        Pack<T> in[N], out;
        ADJOINT_UNROLL
        for (int k = 1; k < N; ++k) {
            if (packed.single[k]) {
                const T x = load<T>(operands.data[k], operands.types[k], at[k]);
                ADJOINT_UNROLL
                for (int j = 0; j < Pack<T>::size; ++j) in[k].values[j] = x;
            } else {
                in[k] = load_pack<T>(operands.data[k], operands.types[k], at[k]);
            }
        }
        ADJOINT_UNROLL
        for (int j = 0; j < Pack<T>::size; ++j) {
            T x[N];
            ADJOINT_UNROLL
            for (int k = 1; k < N; ++k) x[k - 1] = in[k].values[j];
            out.values[j] = evaluate<T>(f, x, inputs);
        }
        store_pack<T>(operands.data[0], operands.types[0], at[0], out);
    }
    if (first >= packed.rest) return;
    const std::int64_t place = std::int64_t{packed.packs} * Pack<T>::size + first;
    T x[N];
    ADJOINT_UNROLL
    for (int k = 1; k < N; ++k)
        x[k - 1] = load<T>(operands.data[k], operands.types[k], packed.single[k] ? 0 : place);
    store<T>(operands.data[0], operands.types[0], place, evaluate<T>(f, x, inputs));
}

template <class T, class F, int N>
__global__ void __launch_bounds__(spread_threads)
    strided_elements(const F f, const StridedOperands<N> operands, const std::uint32_t numel) {
    wait_for_earlier();
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

template <int N> StridedOperands<N> operands_of(const Loop<N>& piece) {
    StridedOperands<N> operands;
    operands.places = places(piece);
    for (int k = 0; k < N; ++k) {
        operands.data[k] = piece.operands[k].data;
        operands.types[k] = piece.operands[k].dtype;
    }
    return operands;
}

/// A loop as packs of T; none where that is not how its operands lie.
template <class T, int N> std::optional<PackedOperands<N>> packs_of(Loop<N> loop) {
    constexpr int width = Pack<T>::size;
    if (loop.rank == 0) return std::nullopt;
    const int inner = loop.rank - 1;
    if (loop.numel < width || (loop.rank > 1 && loop.sizes[inner] % width != 0)) return std::nullopt;
    PackedOperands<N> packed;
    for (int k = 0; k < N; ++k) {
        std::int64_t* const strides = loop.strides[k];
        packed.single[k] = strides[inner] == 0;
        if (packed.single[k] && k > 0) continue;
        if (strides[inner] != 1 || !begins_packs<T>(loop.operands[k].data, loop.operands[k].dtype))
            return std::nullopt;
        for (int d = 0; d < inner; ++d)
            if (strides[d] % width != 0) return std::nullopt;
        strides[inner] = width;
    }
    packed.rest = static_cast<std::uint32_t>(loop.sizes[inner] % width);
    loop.sizes[inner] /= width;
    packed.packs = static_cast<std::uint32_t>(loop.numel / width);
    packed.operands = operands_of(loop);
    return packed;
}

/// out = f(inputs), computed in T.
template <class T, class F, int N>
void run_elements(const DeviceState& device, const char* op, const F& f, const Loop<N>& loop) {
    if (loop.numel == 0) return;
    for_32_bit_pieces(device, loop, [&](const Loop<N>& piece) {
        if (const std::optional<PackedOperands<N>> packed = packs_of<T>(piece)) {
            const Spread spread(device, packed->packs);
            launch_independent(device, op, &packed_elements<T, F, N>, spread.grid, spread.block, f, *packed);
            return;
        }
        const Spread spread(device, piece.numel);
        launch_independent(device, op, &strided_elements<T, F, N>, spread.grid, spread.block, f,
                           operands_of(piece), static_cast<std::uint32_t>(piece.numel));
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
