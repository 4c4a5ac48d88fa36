// Batch normalisation: a block has one or some channels as a whole, with sums in double, as on the CPU; what
// is too long for that goes another way (batch_norm_planes.cu).
#include <adjoint/core/contract/activate.h>
#include <adjoint/core/contract/compose.h>
#include <adjoint/cuda/kernels/batch_norm.h>
#include <adjoint/cuda/kernels/fold.h>
#include <adjoint/cuda/kernels/launch.h>
#include <adjoint/cuda/kernels/places.h>

namespace adjoint::cuda_backend {

/// Element s of a channel lies at s / inner * channels * inner + s % inner beyond the channel's first.
struct NarrowSamples {
    Divisor inner;
    std::int64_t row;  // channels * inner
    ADJOINT_HD std::int64_t offset(std::int64_t s) const {
        const auto sample = static_cast<std::uint32_t>(s);
        const std::uint32_t n = inner.divide(sample);
        return n * row + (sample - n * inner.value);
    }
};
struct WideSamples {
    std::int64_t inner, row;
    ADJOINT_HD std::int64_t offset(std::int64_t s) const { return s / inner * row + s % inner; }
};

inline constexpr int channel_threads = warp_size * warp_size;

/// The channels of a block: `width` of them, `lanes` threads each.
struct ChannelShape {
    unsigned width = 1, lanes = 1;
    bool lanes_adjacent = true;
};

/// The thread's channel and its share of the channel's elements.
template <class Samples> struct ChannelShare {
    Samples samples;
    std::int64_t channel, base, count;
    unsigned x, lane, width, lanes;

    ADJOINT_DEVICE ChannelShare(const Samples& s, const ChannelShape& shape, const ChannelNorm& norm)
        : samples(s), width(shape.width), lanes(shape.lanes) {
        x = shape.lanes_adjacent ? threadIdx.x / lanes : threadIdx.x % width;
        lane = shape.lanes_adjacent ? threadIdx.x % lanes : threadIdx.x / width;
        channel = std::int64_t{blockIdx.x} * width + x;
        base = channel * norm.inner;
        count = channel < norm.channels ? norm.batch * norm.inner : 0;
    }
    ADJOINT_DEVICE bool exists() const { return count > 0; }

    template <class F> ADJOINT_DEVICE void for_each(F f) const {
        for (std::int64_t s = lane; s < count; s += lanes) f(base + samples.offset(s));
    }
    /// The sum of f over the channel, for each of its threads.
    template <class F> ADJOINT_DEVICE double sum(double* shared, F f) const {
        double total = 0;
        for_each([&](std::int64_t i) { total += f(i); });
        fold_columns(shared, x, lane, width, lanes, total, [](double a, double b) { return a + b; });
        __syncthreads();
        total = shared[x];
        __syncthreads();
        return total;
    }
};

template <class T, class Samples>
__global__ void __launch_bounds__(channel_threads, 1)
    batch_norm_channels(const ChannelNorm norm, const Samples samples, const ChannelShape shape,
                        const bool training, const RunningStatistics running, const bool relu, T* y) {
    wait_for_earlier();
    ADJOINT_SHARED(double, shared, channel_threads);
    const ChannelShare<Samples> share(samples, shape, norm);
    const T* x = static_cast<const T*>(norm.x);
    ChannelScale<T> by{T(0), T(0)};
    if (training) {
        const double count = static_cast<double>(norm.batch * norm.inner);
        const double mean =
            share.sum(shared, [x](std::int64_t i) { return static_cast<double>(x[i]); }) / count;
        const double variance = share.sum(shared, [x, mean](std::int64_t i) {
            const double d = static_cast<double>(x[i]) - mean;
            return d * d;
        }) / count;
        by = ChannelScale<T>::of_batch(norm, running, share.channel, mean, variance,
                                       share.exists() && share.lane == 0);
    } else if (share.exists()) {
        by = ChannelScale<T>::given(norm, share.channel);
    }
    if (!share.exists()) return;
    const ChannelMap<T> map(norm, share.channel, by, relu);
    share.for_each([&](std::int64_t i) { y[i] = map(x[i]); });
}

template <class T, class Samples>
__global__ void __launch_bounds__(channel_threads, 1)
    batch_norm_backward_channels(const ChannelNorm norm, const Samples samples, const ChannelShape shape,
                                 const T* upstream, const T* relu_of, T* dx, T* dweight, T* dbias) {
    wait_for_earlier();
    ADJOINT_SHARED(double, shared, channel_threads);
    const ChannelShare<Samples> share(samples, shape, norm);
    const T* x = static_cast<const T*>(norm.x);
    ChannelSlope<T> slope(norm, share.exists() ? share.channel : 0);
    const auto g = [upstream, relu_of](std::int64_t i) {
        constexpr functor::SlopeTimes<functor::Relu> behind{};
        return relu_of != nullptr ? behind.value(upstream[i], relu_of[i]) : upstream[i];
    };
    const double db = share.sum(shared, [=](std::int64_t i) { return static_cast<double>(g(i)); });
    const double dw = share.sum(shared, [=](std::int64_t i) {
        return static_cast<double>(g(i)) * static_cast<double>(slope.normal(x[i]));
    });
    if (!share.exists()) return;
    if (share.lane == 0) {
        if (dbias != nullptr) dbias[share.channel] = static_cast<T>(db);
        if (dweight != nullptr) dweight[share.channel] = static_cast<T>(dw);
    }
    if (dx == nullptr) return;
    slope.set_sums(norm, db, dw);
    share.for_each([&](std::int64_t i) { dx[i] = slope(g(i), x[i]); });
}

namespace {

// Channels that are adjacent in memory share a block, so that it reads whole lines.
ChannelShape shape_of(const ChannelNorm& norm) {
    constexpr std::int64_t per_lane = 8;
    const std::int64_t share = norm.batch * norm.inner / per_lane;
    ChannelShape shape;
    shape.lanes_adjacent = norm.inner > 1;
    shape.width = norm.inner > 1 ? 1 : warp_size;
    shape.lanes = static_cast<unsigned>(norm.inner > 1 ? power_of_two(share, warp_size, 512)
                                                       : power_of_two(share, 1, warp_size));
    return shape;
}

// Calls f(T{}, samples, shape, blocks) for the types and sizes of `norm`.
template <class F> void visit_norm(const DeviceState& device, const ChannelNorm& norm, F f) {
    const ChannelShape shape = shape_of(norm);
    const dim3 blocks(block_count("batch_norm", divide_up(norm.channels, shape.width)));
    const auto with_type = [&](auto samples) {
        if (norm.dtype == DType::f64)
            f(double{}, samples, shape, blocks);
        else
            f(float{}, samples, shape, blocks);
    };
    const std::int64_t row = norm.channels * norm.inner;
    if (norm.batch * norm.inner <= device.narrow)
        with_type(NarrowSamples{Divisor(norm.inner), row});
    else
        with_type(WideSamples{norm.inner, row});
}

}  // namespace

// Of the activations the kernels know ReLU; the others are launches of their own.
void on(CudaBackend& cuda, const call::BatchNorm& c) {
    if (c.norm.numel() == 0) return;
    const bool relu = c.activation == Activation::relu;
    if (!batch_norm_planes(cuda, c, relu))
        visit_norm(cuda.device, c.norm, [&](auto type, auto samples, const ChannelShape& shape, dim3 blocks) {
            using T = decltype(type);
            launch(cuda.device, "batch_norm", &batch_norm_channels<T, decltype(samples)>, blocks,
                   dim3(shape.width * shape.lanes), 0, c.norm, samples, shape, c.training, c.running, relu,
                   static_cast<T*>(c.y));
        });
    if (!relu) call::activate(cuda, {.activation = c.activation}, {c.y, c.norm.dtype}, c.norm.numel());
}

void on(CudaBackend& cuda, const call::BatchNormBackward& c) {
    if (c.norm.numel() == 0) return;
    const bool relu = c.activation == Activation::relu, apart = !relu && c.activation != Activation::none;
    const composition::WorkingMemory memory(cuda, apart ? c.norm.numel() : 0, c.norm.dtype);
    if (apart)
        call::activate_backward(cuda, c.activation, {memory.data(), c.norm.dtype}, c.g, c.saved,
                                c.norm.numel());
    const void *const g = apart ? memory.data() : c.g, *const relu_of = relu ? c.saved : nullptr;
    if (batch_norm_planes_backward(cuda, c, g, relu_of)) return;
    visit_norm(cuda.device, c.norm, [&](auto type, auto samples, const ChannelShape& shape, dim3 blocks) {
        using T = decltype(type);
        launch(cuda.device, "batch_norm", &batch_norm_backward_channels<T, decltype(samples)>, blocks,
               dim3(shape.width * shape.lanes), 0, c.norm, samples, shape, static_cast<const T*>(g),
               static_cast<const T*>(relu_of), static_cast<T*>(c.dx), static_cast<T*>(c.dweight),
               static_cast<T*>(c.dbias));
    });
}

}  // namespace adjoint::cuda_backend
