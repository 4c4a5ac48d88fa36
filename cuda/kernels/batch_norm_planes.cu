// Batch normalisation by several blocks for each channel: first the sums of each block's share, then all
// else, where every block adds the shares up for itself.
#include <adjoint/cuda/kernels/batch_norm.h>
#include <adjoint/cuda/kernels/fold.h>
#include <adjoint/cuda/kernels/launch.h>
#include <adjoint/cuda/kernels/plane_share.h>

namespace adjoint::cuda_backend {

/// Two sums of a share or of a channel: of elements and of squares of their distance to their mean,
/// or of g and of g h.
struct TwoSums {
    double first, second;
};

ADJOINT_DEVICE double sum_of_block(double value) { return fold_group<functor::Sum>(value, plane_threads); }

/// partial[channel * shares + share] = the mean of the share and the squares around it.
template <class T, int n>
__global__ void __launch_bounds__(plane_threads)
    channel_moments(const PlaneShare share, const T* x, TwoSums* partial) {
    wait_for_earlier();
    const auto* const groups = reinterpret_cast<const Group<T, n>*>(x);
    const std::uint32_t count = share.count(blockIdx.x) * n;
    double sum = 0, squares = 0;
    share.for_each([&](std::int64_t place) {
        const Group<T, n> some = groups[place];
        ADJOINT_UNROLL
        for (int k = 0; k < n; ++k) sum += static_cast<double>(some.values[k]);
    });
    const double mean = count > 0 ? sum_of_block(sum) / count : 0;
    share.for_each([&](std::int64_t place) {
        const Group<T, n> some = groups[place];
        ADJOINT_UNROLL
        for (int k = 0; k < n; ++k) {
            const double d = static_cast<double>(some.values[k]) - mean;
            squares += d * d;
        }
    });
    squares = sum_of_block(squares);
    if (threadIdx.x == 0) partial[blockIdx.y * share.shares + blockIdx.x] = {mean, squares};
}

/// y from the statistics of the shares, or from those that are given where `partial` is null.
template <class T, int n>
__global__ void __launch_bounds__(plane_threads)
    normalise_planes(const ChannelNorm norm, const PlaneShare share, const RunningStatistics running,
                     const bool relu, const TwoSums* partial, T* y) {
    wait_for_earlier();
    const std::uint32_t channel = blockIdx.y;
    ChannelScale<T> by;
    if (partial != nullptr) {
        const bool has = threadIdx.x < share.shares;
        const TwoSums own = has ? partial[channel * share.shares + threadIdx.x] : TwoSums{0, 0};
        const double elements = has ? static_cast<double>(share.count(threadIdx.x) * n) : 0.0,
                     all = static_cast<double>(norm.batch * norm.inner);
        const double mean = sum_of_block(own.first * elements) / all, d = own.first - mean;
        const double variance = sum_of_block(own.second + elements * d * d) / all;
        by = ChannelScale<T>::of_batch(norm, running, channel, mean, variance,
                                       blockIdx.x == 0 && threadIdx.x == 0);
    } else {
        by = ChannelScale<T>::given(norm, channel);
    }
    const ChannelMap<T> map(norm, channel, by, relu);
    share.for_each([&](std::int64_t place) {
        Group<T, n> some = static_cast<const Group<T, n>*>(norm.x)[place];
        ADJOINT_UNROLL
        for (int k = 0; k < n; ++k) some.values[k] = map(some.values[k]);
        reinterpret_cast<Group<T, n>*>(y)[place] = some;
    });
}

/// The upstream gradient of a group, behind ReLU.
template <class T, int n>
ADJOINT_DEVICE Group<T, n> upstream_of(const T* g, const T* relu_of, std::int64_t place) {
    Group<T, n> some = reinterpret_cast<const Group<T, n>*>(g)[place];
    if (relu_of == nullptr) return some;
    const Group<T, n> saved = reinterpret_cast<const Group<T, n>*>(relu_of)[place];
    constexpr functor::SlopeTimes<functor::Relu> slope{};
    ADJOINT_UNROLL
    for (int k = 0; k < n; ++k) some.values[k] = slope.value(some.values[k], saved.values[k]);
    return some;
}

template <class T, int n>
__global__ void __launch_bounds__(plane_threads)
    channel_slopes(const ChannelNorm norm, const PlaneShare share, const T* g, const T* relu_of,
                   TwoSums* partial) {
    wait_for_earlier();
    const ChannelSlope<T> slope(norm, blockIdx.y);
    TwoSums sums{0, 0};
    share.for_each([&](std::int64_t place) {
        const Group<T, n> upstream = upstream_of<T, n>(g, relu_of, place),
                          x = static_cast<const Group<T, n>*>(norm.x)[place];
        ADJOINT_UNROLL
        for (int k = 0; k < n; ++k) {
            const double one = static_cast<double>(upstream.values[k]);
            sums.first += one;
            sums.second += one * static_cast<double>(slope.normal(x.values[k]));
        }
    });
    sums.first = sum_of_block(sums.first);
    sums.second = sum_of_block(sums.second);
    if (threadIdx.x == 0) partial[blockIdx.y * share.shares + blockIdx.x] = sums;
}

template <class T, int n>
__global__ void __launch_bounds__(plane_threads)
    pass_back_normalised(const ChannelNorm norm, const PlaneShare share, const T* g, const T* relu_of,
                         const TwoSums* partial, T* dx, T* dweight, T* dbias) {
    wait_for_earlier();
    const std::uint32_t channel = blockIdx.y;
    const TwoSums own =
        threadIdx.x < share.shares ? partial[channel * share.shares + threadIdx.x] : TwoSums{0, 0};
    const double db = sum_of_block(own.first), dw = sum_of_block(own.second);
    if (blockIdx.x == 0 && threadIdx.x == 0) {
        if (dbias != nullptr) dbias[channel] = static_cast<T>(db);
        if (dweight != nullptr) dweight[channel] = static_cast<T>(dw);
    }
    if (dx == nullptr) return;
    ChannelSlope<T> slope(norm, channel);
    slope.set_sums(norm, db, dw);
    share.for_each([&](std::int64_t place) {
        Group<T, n> some = upstream_of<T, n>(g, relu_of, place);
        const Group<T, n> x = static_cast<const Group<T, n>*>(norm.x)[place];
        ADJOINT_UNROLL
        for (int k = 0; k < n; ++k) some.values[k] = slope(some.values[k], x.values[k]);
        reinterpret_cast<Group<T, n>*>(dx)[place] = some;
    });
}

namespace {

// Calls f(T{}, constant<n>, share, grid) and says so, unless a block has a channel sooner.
template <class F> bool by_shares(const DeviceState& device, const ChannelNorm& norm, F f) {
    constexpr std::int64_t per_share = 4096, most_channels = 65535, blocks_of_chip = 2048;
    const std::int64_t elements = norm.batch * norm.inner;
    if (norm.inner == 1 || elements < 2 * per_share || norm.channels > most_channels ||
        norm.numel() > device.narrow)
        return false;
    const std::int64_t shares =
        std::min({elements / per_share, std::max<std::int64_t>(blocks_of_chip / norm.channels, 1),
                  std::int64_t{plane_threads}});
    visit_real(norm.dtype, [&](auto type) {
        with_group_size<decltype(type)>(norm.inner, [&](auto n) {
            const PlaneShare share{static_cast<std::uint32_t>(elements / n),
                                   static_cast<std::uint32_t>(shares), Divisor(norm.inner / n),
                                   static_cast<std::uint32_t>(norm.channels)};
            f(type, n, share, dim3(share.shares, share.channels));
        });
    });
    return true;
}

const char* const planes_name = call::BatchNorm::name;

}  // namespace

bool batch_norm_planes(CudaBackend& cuda, const call::BatchNorm& c, bool relu) {
    return by_shares(cuda.device, c.norm, [&](auto type, auto n, const PlaneShare& share, dim3 grid) {
        using T = decltype(type);
        const Scratch memory(cuda.device, c.training ? grid.x * grid.y * sizeof(TwoSums) : 0);
        TwoSums* const partial = c.training ? memory.as<TwoSums>() : nullptr;
        if (c.training)
            launch(cuda.device, planes_name, &channel_moments<T, n()>, grid, dim3(plane_threads), 0, share,
                   static_cast<const T*>(c.norm.x), partial);
        launch(cuda.device, planes_name, &normalise_planes<T, n()>, grid, dim3(plane_threads), 0, c.norm,
               share, c.running, relu, static_cast<const TwoSums*>(partial), static_cast<T*>(c.y));
    });
}

bool batch_norm_planes_backward(CudaBackend& cuda, const call::BatchNormBackward& c, const void* g,
                                const void* relu_of) {
    return by_shares(cuda.device, c.norm, [&](auto type, auto n, const PlaneShare& share, dim3 grid) {
        using T = decltype(type);
        const Scratch memory(cuda.device, grid.x * grid.y * sizeof(TwoSums));
        auto* const partial = memory.as<TwoSums>();
        launch(cuda.device, planes_name, &channel_slopes<T, n()>, grid, dim3(plane_threads), 0, c.norm, share,
               static_cast<const T*>(g), static_cast<const T*>(relu_of), partial);
        launch(cuda.device, planes_name, &pass_back_normalised<T, n()>,
               c.dx != nullptr ? grid : dim3(1, grid.y), dim3(plane_threads), 0, c.norm, share,
               static_cast<const T*>(g), static_cast<const T*>(relu_of), static_cast<const TwoSums*>(partial),
               static_cast<T*>(c.dx), static_cast<T*>(c.dweight), static_cast<T*>(c.dbias));
    });
}

}  // namespace adjoint::cuda_backend
