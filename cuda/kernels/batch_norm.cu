// Batch normalisation: a block has one or some channels as a whole, with sums in double, as on the CPU.
#include <adjoint/core/contract/activate.h>
#include <adjoint/core/contract/compose.h>
#include <adjoint/cuda/cuda_backend.h>
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

/// r = r (1 - momentum) + batch weight, as the arithmetic of whole tensors rounds it.
template <class T> ADJOINT_DEVICE void move_towards(T& r, T batch, double momentum, double weight) {
    r = r * static_cast<T>(1 - momentum) + batch * static_cast<T>(weight);
}

template <class T, class Samples>
__global__ void __launch_bounds__(channel_threads, 1)
    batch_norm_channels(const ChannelNorm norm, const Samples samples, const ChannelShape shape,
                        const bool training, const RunningStatistics running, const bool relu, T* y) {
    ADJOINT_SHARED(double, shared, channel_threads);
    const ChannelShare<Samples> share(samples, shape, norm);
    const T* x = static_cast<const T*>(norm.x);
    T centre = T(0), inverse = T(0);
    if (training) {
        const double count = static_cast<double>(norm.batch * norm.inner);
        const double mean =
            share.sum(shared, [x](std::int64_t i) { return static_cast<double>(x[i]); }) / count;
        const double variance = share.sum(shared, [x, mean](std::int64_t i) {
            const double d = static_cast<double>(x[i]) - mean;
            return d * d;
        }) / count;
        centre = static_cast<T>(mean);
        inverse = static_cast<T>(1 / math::sqrt(variance + norm.eps));
        if (share.exists() && share.lane == 0) {
            static_cast<T*>(norm.mean)[share.channel] = centre;
            static_cast<T*>(norm.inverse_std)[share.channel] = inverse;
            if (norm.variance != nullptr)
                static_cast<T*>(norm.variance)[share.channel] = static_cast<T>(variance);
            if (running.mean != nullptr) {
                move_towards(static_cast<T*>(running.mean)[share.channel], centre, running.momentum,
                             running.momentum);
                move_towards(static_cast<T*>(running.variance)[share.channel], static_cast<T>(variance),
                             running.momentum, running.momentum * running.unbias);
            }
            if (running.batches != nullptr && share.channel == 0) ++*running.batches;
        }
    } else if (share.exists()) {
        centre = static_cast<const T*>(norm.mean)[share.channel];
        const T variance = static_cast<const T*>(norm.variance)[share.channel] + static_cast<T>(norm.eps);
        inverse = functor::Rsqrt{}.template value<T>(variance);
    }
    if (!share.exists()) return;
    const T scale =
        inverse * (norm.weight != nullptr ? static_cast<const T*>(norm.weight)[share.channel] : T(1));
    const T shift = norm.bias != nullptr ? static_cast<const T*>(norm.bias)[share.channel] : T(0);
    share.for_each([&](std::int64_t i) {
        const T normal = (x[i] - centre) * scale + shift;
        y[i] = relu ? functor::Relu{}.value(normal) : normal;
    });
}

template <class T, class Samples>
__global__ void __launch_bounds__(channel_threads, 1)
    batch_norm_backward_channels(const ChannelNorm norm, const Samples samples, const ChannelShape shape,
                                 const T* upstream, const T* relu_of, T* dx, T* dweight, T* dbias) {
    ADJOINT_SHARED(double, shared, channel_threads);
    const ChannelShare<Samples> share(samples, shape, norm);
    const T* x = static_cast<const T*>(norm.x);
    const T centre = share.exists() ? static_cast<const T*>(norm.mean)[share.channel] : T(0);
    const T inverse = share.exists() ? static_cast<const T*>(norm.inverse_std)[share.channel] : T(0);
    const auto g = [upstream, relu_of](std::int64_t i) {
        constexpr functor::SlopeTimes<functor::Relu> slope{};
        return relu_of != nullptr ? slope.value(upstream[i], relu_of[i]) : upstream[i];
    };
    const double db = share.sum(shared, [=](std::int64_t i) { return static_cast<double>(g(i)); });
    const double dw = share.sum(shared, [=](std::int64_t i) {
        return static_cast<double>(g(i)) * static_cast<double>((x[i] - centre) * inverse);
    });
    if (!share.exists()) return;
    if (share.lane == 0) {
        if (dbias != nullptr) dbias[share.channel] = static_cast<T>(db);
        if (dweight != nullptr) dweight[share.channel] = static_cast<T>(dw);
    }
    if (dx == nullptr) return;
    const double count = static_cast<double>(norm.batch * norm.inner);
    const T scale =
        inverse * (norm.weight != nullptr ? static_cast<const T*>(norm.weight)[share.channel] : T(1));
    const T mean_g = static_cast<T>(db / count), mean_gh = static_cast<T>(dw / count);
    share.for_each([&](std::int64_t i) {
        const T h = (x[i] - centre) * inverse;
        dx[i] = scale * (g(i) - mean_g - h * mean_gh);
    });
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
    const void* const g = apart ? memory.data() : c.g;
    visit_norm(cuda.device, c.norm, [&](auto type, auto samples, const ChannelShape& shape, dim3 blocks) {
        using T = decltype(type);
        launch(cuda.device, "batch_norm", &batch_norm_backward_channels<T, decltype(samples)>, blocks,
               dim3(shape.width * shape.lanes), 0, c.norm, samples, shape, static_cast<const T*>(g),
               static_cast<const T*>(relu ? c.saved : nullptr), static_cast<T*>(c.dx),
               static_cast<T*>(c.dweight), static_cast<T*>(c.dbias));
    });
}

}  // namespace adjoint::cuda_backend
