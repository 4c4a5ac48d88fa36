// What stands around a convolution: the bias of each plane and the activation, and both on the way back.
#include <adjoint/core/contract/compose.h>
#include <adjoint/cuda/cuda_backend.h>
#include <adjoint/cuda/kernels/activated.h>
#include <adjoint/cuda/kernels/fold.h>
#include <adjoint/cuda/kernels/launch.h>
#include <adjoint/cuda/kernels/plane_share.h>
#include <adjoint/cuda/kernels/planes.h>

namespace adjoint::cuda_backend {

/// The type in which the elements of T are computed.
template <class T> using compute_of = std::conditional_t<std::is_same_v<T, double>, double, float>;

/// A thread has `n` elements of a plane at a time.
template <class T, int n>
__global__ void __launch_bounds__(plane_threads)
    finish_planes(const std::uint32_t groups, const Divisor groups_of_plane, const Divisor channels,
                  const compute_of<T>* bias, const Activation activation, const T* sums, T* kept, T* y) {
    wait_for_earlier();
    using Acc = compute_of<T>;
    const std::uint32_t step = gridDim.x * blockDim.x;
    for (std::uint32_t group = blockIdx.x * blockDim.x + threadIdx.x; group < groups; group += step) {
        const std::uint32_t plane = groups_of_plane.divide(group);
        const Acc shift = bias != nullptr ? bias[plane - channels.divide(plane) * channels.value] : Acc(0);
        auto some = reinterpret_cast<const Group<T, n>*>(sums)[group];
        if (bias != nullptr) {
            ADJOINT_UNROLL
            for (int i = 0; i < n; ++i) some.values[i] = convert<T>(convert<Acc>(some.values[i]) + shift);
        }
        if (kept != nullptr) reinterpret_cast<Group<T, n>*>(kept)[group] = some;
        // The activation takes what was rounded to the type of the elements.
        ADJOINT_UNROLL
        for (int i = 0; i < n; ++i)
            some.values[i] = convert<T>(activated(activation, convert<Acc>(some.values[i])));
        reinterpret_cast<Group<T, n>*>(y)[group] = some;
    }
}

/// Block (share, channel): dz unless null, and the sum of the share.
template <class T, int n>
__global__ void __launch_bounds__(plane_threads)
    pass_back_planes(const PlaneShare share, const Activation activation, const T* g, const T* saved, T* dz,
                     compute_of<T>* partial) {
    wait_for_earlier();
    using Acc = compute_of<T>;
    Acc total = Acc(0);
    share.for_each([&](std::int64_t place) {
        auto some = reinterpret_cast<const Group<T, n>*>(g)[place];
        if (dz != nullptr) {
            const auto kept = reinterpret_cast<const Group<T, n>*>(saved)[place];
            ADJOINT_UNROLL
            for (int k = 0; k < n; ++k)
                some.values[k] = convert<T>(
                    passed_back(activation, convert<Acc>(some.values[k]), convert<Acc>(kept.values[k])));
            reinterpret_cast<Group<T, n>*>(dz)[place] = some;
        }
        ADJOINT_UNROLL
        for (int k = 0; k < n; ++k) total += convert<Acc>(some.values[k]);
    });
    if (partial == nullptr) return;
    total = fold_group<functor::Sum>(total, plane_threads);
    if (threadIdx.x == 0) partial[blockIdx.y * share.shares + blockIdx.x] = total;
}

/// A warp adds the shares of a channel.
template <class T>
__global__ void __launch_bounds__(plane_threads)
    add_shares(const std::uint32_t channels, const std::uint32_t shares, const T* partial, T* sums) {
    wait_for_earlier();
    const std::uint32_t channel = (blockIdx.x * blockDim.x + threadIdx.x) / warp_size,
                        lane = threadIdx.x % warp_size;
    T total = T(0);
    if (channel < channels)
        for (std::uint32_t s = lane; s < shares; s += warp_size) total += partial[channel * shares + s];
    total = fold_group<functor::Sum>(total, warp_size);
    if (channel < channels && lane == 0) sums[channel] = total;
}

namespace {

constexpr std::int64_t most_elements = std::numeric_limits<std::int32_t>::max();

// Calls f(T{}, constant<n>) for the type of the elements and the size of planes.
template <class F> void visit_groups(DType type, std::int64_t inner, F f) {
    visit_dtype(type, [&]<class T>(T) {
        if constexpr (is_floating(dtype_of<T>)) with_group_size<T>(inner, [&](auto n) { f(T{}, n); });
    });
}

}  // namespace

void finish_convolution(CudaBackend& cuda, const call::Convolve& c) {
    const DType type = c.shape.windows.dtype;
    const std::int64_t inner = c.shape.windows.outputs(), results = c.shape.results();
    if (results > most_elements || results > cuda.device.narrow) return finish(cuda, c);
    if (!c.epilogue.bias && c.epilogue.activation == Activation::none && !c.epilogue.sums) return;
    visit_groups(type, inner, [&]<class T, int n>(T, std::integral_constant<int, n>) {
        const Spread spread(cuda.device, results / n);
        launch_independent(cuda.device, call::Convolve::name, &finish_planes<T, n>, spread.grid, spread.block,
                           static_cast<std::uint32_t>(results / n), Divisor(inner / n),
                           Divisor(c.shape.filters), static_cast<const compute_of<T>*>(c.epilogue.bias),
                           c.epilogue.activation, static_cast<const T*>(c.epilogue.sums_or(c.y)),
                           static_cast<T*>(c.epilogue.sums), static_cast<T*>(c.y));
    });
}

void on(CudaBackend& cuda, const call::ActivationBackward& c) {
    constexpr std::int64_t most_channels = 65535, per_share = 4096;
    if (c.numel() == 0 || c.inner == 1 || c.channels > most_channels || c.numel() > most_elements ||
        c.numel() > cuda.device.narrow)
        return compose(cuda, c);
    const std::int64_t shares = std::clamp<std::int64_t>(c.batch * c.inner / per_share, 1, 256);
    const DType sums_type = compute_type(c.dtype);
    const Scratch memory(cuda.device, c.sums && shares > 1
                                          ? static_cast<std::size_t>(shares * c.channels) * size_of(sums_type)
                                          : 0);
    void* const partial = shares > 1 && c.sums ? memory.as<void>() : c.sums;
    visit_groups(c.dtype, c.inner, [&]<class T, int n>(T, std::integral_constant<int, n>) {
        using Acc = compute_of<T>;
        const PlaneShare share{static_cast<std::uint32_t>(c.batch * c.inner / n),
                               static_cast<std::uint32_t>(shares), Divisor(c.inner / n),
                               static_cast<std::uint32_t>(c.channels)};
        launch(cuda.device, call::ActivationBackward::name, &pass_back_planes<T, n>,
               dim3(share.shares, share.channels), dim3(plane_threads), 0, share, c.activation,
               static_cast<const T*>(c.g), static_cast<const T*>(c.saved), static_cast<T*>(c.dz),
               static_cast<Acc*>(partial));
        if (partial != c.sums)
            launch(cuda.device, call::ActivationBackward::name, &add_shares<Acc>,
                   dim3(static_cast<unsigned>(divide_up(c.channels * warp_size, plane_threads))),
                   dim3(plane_threads), 0, share.channels, share.shares, static_cast<const Acc*>(partial),
                   static_cast<Acc*>(c.sums));
    });
}

}  // namespace adjoint::cuda_backend
