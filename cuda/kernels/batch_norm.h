// Batch normalisation of channels that are too long for a block each, and what both ways share.
#pragma once

#include <adjoint/core/contract/functors/functors.h>
#include <adjoint/cuda/cuda_backend.h>
#include <adjoint/cuda/kernels/device_code.h>

namespace adjoint::cuda_backend {

/// By several blocks for each channel; false, and nothing done, where one has it sooner. ReLU is the only
/// activation here, on the way back on what stands at `relu_of` unless that is null.
bool batch_norm_planes(CudaBackend& cuda, const call::BatchNorm& c, bool relu);
bool batch_norm_planes_backward(CudaBackend& cuda, const call::BatchNormBackward& c, const void* g,
                                const void* relu_of);

/// r = r (1 - momentum) + batch weight, as the arithmetic of whole tensors rounds it.
template <class T> ADJOINT_DEVICE void move_towards(T& r, T batch, double momentum, double weight) {
    r = r * static_cast<T>(1 - momentum) + batch * static_cast<T>(weight);
}

/// How a channel is moved and scaled to mean 0 and deviation 1.
template <class T> struct ChannelScale {
    T centre, inverse;

    /// By the statistics of the batch, which the thread that `remembers` them writes down.
    ADJOINT_DEVICE static ChannelScale of_batch(const ChannelNorm& norm, const RunningStatistics& running,
                                                std::int64_t channel, double mean, double variance,
                                                bool remembers) {
        const ChannelScale scale{static_cast<T>(mean), static_cast<T>(1 / math::sqrt(variance + norm.eps))};
        if (!remembers) return scale;
        static_cast<T*>(norm.mean)[channel] = scale.centre;
        static_cast<T*>(norm.inverse_std)[channel] = scale.inverse;
        if (norm.variance != nullptr) static_cast<T*>(norm.variance)[channel] = static_cast<T>(variance);
        if (running.mean != nullptr) {
            move_towards(static_cast<T*>(running.mean)[channel], scale.centre, running.momentum,
                         running.momentum);
            move_towards(static_cast<T*>(running.variance)[channel], static_cast<T>(variance),
                         running.momentum, running.momentum * running.unbias);
        }
        if (running.batches != nullptr && channel == 0) ++*running.batches;
        return scale;
    }
    /// By statistics that are there.
    ADJOINT_DEVICE static ChannelScale given(const ChannelNorm& norm, std::int64_t channel) {
        const T variance = static_cast<const T*>(norm.variance)[channel] + static_cast<T>(norm.eps);
        return {static_cast<const T*>(norm.mean)[channel], functor::Rsqrt{}.template value<T>(variance)};
    }
};

/// y = f((x - centre) scale + shift)
template <class T> struct ChannelMap {
    T centre, scale, shift;
    bool relu;
    ADJOINT_DEVICE ChannelMap(const ChannelNorm& norm, std::int64_t channel, const ChannelScale<T>& by,
                              bool with_relu)
        : centre(by.centre),
          scale(by.inverse * (norm.weight != nullptr ? static_cast<const T*>(norm.weight)[channel] : T(1))),
          shift(norm.bias != nullptr ? static_cast<const T*>(norm.bias)[channel] : T(0)),
          relu(with_relu) {}
    ADJOINT_DEVICE T operator()(T x) const {
        const T normal = (x - centre) * scale + shift;
        return relu ? functor::Relu{}.value(normal) : normal;
    }
};

/// dx = scale (g - mean of g - h mean of g h), h being what was normalised.
template <class T> struct ChannelSlope {
    T centre, inverse, scale, mean_g, mean_gh;
    ADJOINT_DEVICE ChannelSlope(const ChannelNorm& norm, std::int64_t channel)
        : centre(static_cast<const T*>(norm.mean)[channel]),
          inverse(static_cast<const T*>(norm.inverse_std)[channel]),
          scale(inverse * (norm.weight != nullptr ? static_cast<const T*>(norm.weight)[channel] : T(1))),
          mean_g(0),
          mean_gh(0) {}
    ADJOINT_DEVICE void set_sums(const ChannelNorm& norm, double db, double dw) {
        const double count = static_cast<double>(norm.batch * norm.inner);
        mean_g = static_cast<T>(db / count);
        mean_gh = static_cast<T>(dw / count);
    }
    ADJOINT_DEVICE T normal(T x) const { return (x - centre) * inverse; }
    ADJOINT_DEVICE T operator()(T g, T x) const { return scale * (g - mean_g - normal(x) * mean_gh); }
};

}  // namespace adjoint::cuda_backend
