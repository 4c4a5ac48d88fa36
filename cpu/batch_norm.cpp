// Batch normalisation over (batch, channel, inner): two passes over the data, sums in double.
#include <cmath>

#include <adjoint/core/contract/activate.h>
#include <adjoint/core/contract/compose.h>
#include <adjoint/cpu/cpu_backend.h>
#include <adjoint/cpu/thread_pool.h>

namespace adjoint::cpu {
namespace {

// Channels per task: neighbours, so that a row of a (N, C) batch is read in whole cache lines.
constexpr std::int64_t channel_block = 64;

template <class T, class F> void for_channel_blocks(const ChannelNorm& norm, F f) {
    const std::int64_t tasks = (norm.channels + channel_block - 1) / channel_block;
    const auto piece = [&](std::int64_t task) {
        const std::int64_t first = task * channel_block;
        f(first, std::min(channel_block, norm.channels - first));
    };
    if (norm.batch * norm.channels * norm.inner < 32768)
        for (std::int64_t task = 0; task < tasks; ++task) piece(task);
    else
        parallel_for(tasks, piece);
}

// Calls run(channel in the block, element offset) for every run of a channel's elements, of `inner` each; for
// inner == 1, where the elements of a block's channels are adjacent in each sample, element(channel, offset).
template <class Element, class Run>
void for_samples(const ChannelNorm& norm, std::int64_t first, std::int64_t count, Element element, Run run) {
    for (std::int64_t n = 0; n < norm.batch; ++n) {
        const std::int64_t base = (n * norm.channels + first) * norm.inner;
        if (norm.inner == 1)
            for (std::int64_t c = 0; c < count; ++c) element(c, base + c);
        else
            for (std::int64_t c = 0; c < count; ++c) run(c, base + c * norm.inner);
    }
}

// r = r (1 - momentum) + batch weight, as the arithmetic of whole tensors rounds it.
template <class T>
void move_towards(void* running, std::int64_t channel, T batch, double momentum, double weight) {
    T& r = static_cast<T*>(running)[channel];
    r = r * static_cast<T>(1 - momentum) + batch * static_cast<T>(weight);
}

template <class T, bool relu>
void forward(const BatchNormKernels& kernels, const ChannelNorm& norm, bool training,
             const RunningStatistics& running, T* y) {
    const T* x = static_cast<const T*>(norm.x);
    T* means = static_cast<T*>(norm.mean);
    T* inverse_stds = static_cast<T*>(norm.inverse_std);
    const T* weight = static_cast<const T*>(norm.weight);
    const T* bias = static_cast<const T*>(norm.bias);
    const double samples = static_cast<double>(norm.batch * norm.inner);
    for_channel_blocks<T>(norm, [&](std::int64_t first, std::int64_t count) {
        if (training) {
            double mean[channel_block] = {}, square[channel_block] = {};
            for_samples(
                norm, first, count,
                [&](std::int64_t c, std::int64_t i) { mean[c] += static_cast<double>(x[i]); },
                [&](std::int64_t c, std::int64_t i) { mean[c] += kernels.sum(x + i, norm.inner); });
            for (std::int64_t c = 0; c < count; ++c) mean[c] /= samples;
            for_samples(
                norm, first, count,
                [&](std::int64_t c, std::int64_t i) {
                    const double d = static_cast<double>(x[i]) - mean[c];
                    square[c] += d * d;
                },
                [&](std::int64_t c, std::int64_t i) {
                    square[c] += kernels.square(x + i, norm.inner, mean[c]);
                });
            for (std::int64_t c = 0; c < count; ++c) {
                means[first + c] = static_cast<T>(mean[c]);
                inverse_stds[first + c] = static_cast<T>(1 / std::sqrt(square[c] / samples + norm.eps));
                const T variance = static_cast<T>(square[c] / samples);
                if (norm.variance) static_cast<T*>(norm.variance)[first + c] = variance;
                if (!running.mean) continue;
                move_towards(running.mean, first + c, means[first + c], running.momentum, running.momentum);
                move_towards(running.variance, first + c, variance, running.momentum,
                             running.momentum * running.unbias);
            }
        }
        T scale[channel_block], shift[channel_block];
        for (std::int64_t c = 0; c < count; ++c) {
            const T inverse =
                training ? inverse_stds[first + c]
                         : functor::Rsqrt{}.template value<T>(
                               static_cast<const T*>(norm.variance)[first + c] + static_cast<T>(norm.eps));
            scale[c] = inverse * (weight ? weight[first + c] : T(1));
            shift[c] = (bias ? bias[first + c] : T(0));
        }
        const T* centre = means + first;
        for_samples(
            norm, first, count,
            [&](std::int64_t c, std::int64_t i) {
                const T normal = (x[i] - centre[c]) * scale[c] + shift[c];
                y[i] = relu ? functor::Relu{}.value(normal) : normal;
            },
            [&](std::int64_t c, std::int64_t i) {
                kernels.forward({norm.inner, x + i, y + i, centre[c], scale[c], shift[c], relu});
            });
    });
    if (training && running.batches) ++*running.batches;
}

// With h = (x - mean) / std: db = sum g, dw = sum g h, dx = w / std (g - db / n - h dw / n).
template <class T, bool relu>
void backward(const BatchNormKernels& kernels, const ChannelNorm& norm, const T* upstream, const T* saved,
              T* dx, T* dweight, T* dbias) {
    const auto g = [&](std::int64_t i) {
        return relu ? functor::SlopeTimes<functor::Relu>{}.value(upstream[i], saved[i]) : upstream[i];
    };
    const T* x = static_cast<const T*>(norm.x);
    const T* means = static_cast<const T*>(norm.mean);
    const T* inverse_stds = static_cast<const T*>(norm.inverse_std);
    const T* weight = static_cast<const T*>(norm.weight);
    const double samples = static_cast<double>(norm.batch * norm.inner);
    for_channel_blocks<T>(norm, [&](std::int64_t first, std::int64_t count) {
        const T* centre = means + first;
        const T* inverse = inverse_stds + first;
        double db[channel_block] = {}, dw[channel_block] = {};
        T scale[channel_block] = {}, mean_g[channel_block] = {}, mean_gh[channel_block] = {};
        const auto run = [&](std::int64_t c, std::int64_t i) {
            return ChannelGradientRun{norm.inner,
                                      upstream + i,
                                      relu ? saved + i : nullptr,
                                      x + i,
                                      dx ? dx + i : nullptr,
                                      centre[c],
                                      inverse[c],
                                      scale[c],
                                      mean_g[c],
                                      mean_gh[c]};
        };
        for_samples(
            norm, first, count,
            [&](std::int64_t c, std::int64_t i) {
                db[c] += static_cast<double>(g(i));
                dw[c] += static_cast<double>(g(i)) * static_cast<double>((x[i] - centre[c]) * inverse[c]);
            },
            [&](std::int64_t c, std::int64_t i) { kernels.gradient_sums(run(c, i), &db[c], &dw[c]); });
        for (std::int64_t c = 0; c < count; ++c) {
            if (dbias) dbias[first + c] = static_cast<T>(db[c]);
            if (dweight) dweight[first + c] = static_cast<T>(dw[c]);
            scale[c] = inverse[c] * (weight ? weight[first + c] : T(1));
            mean_g[c] = static_cast<T>(db[c] / samples);
            mean_gh[c] = static_cast<T>(dw[c] / samples);
        }
        if (!dx) return;
        for_samples(
            norm, first, count,
            [&](std::int64_t c, std::int64_t i) {
                const T h = (x[i] - centre[c]) * inverse[c];
                dx[i] = scale[c] * (g(i) - mean_g[c] - h * mean_gh[c]);
            },
            [&](std::int64_t c, std::int64_t i) { kernels.backward(run(c, i)); });
    });
}

template <class T> const BatchNormKernels& kernels_for(CpuBackend& cpu) {
    return cpu.kernels.batch_norm[std::is_same_v<T, double> ? compute_f64 : compute_f32];
}

// Calls f<T, relu>().
template <class F> void visit_loops(DType type, bool relu, F f) {
    const auto with = [&]<class T>(T) {
        relu ? f.template operator()<T, true>() : f.template operator()<T, false>();
    };
    type == DType::f64 ? with(double{}) : with(float{});
}

}  // namespace

// Of the activations the loops know ReLU; the others are passes of their own.
void on(CpuBackend& cpu, const call::BatchNorm& c) {
    const auto run = [&]<class T, bool relu>() {
        forward<T, relu>(kernels_for<T>(cpu), c.norm, c.training, c.running, static_cast<T*>(c.y));
    };
    const bool relu = c.activation == Activation::relu;
    visit_loops(c.norm.dtype, relu, run);
    if (!relu) call::activate(cpu, {.activation = c.activation}, {c.y, c.norm.dtype}, c.norm.numel());
}

void on(CpuBackend& cpu, const call::BatchNormBackward& c) {
    const bool relu = c.activation == Activation::relu, apart = !relu && c.activation != Activation::none;
    const composition::WorkingMemory memory(cpu, apart ? c.norm.numel() : 0, c.norm.dtype);
    if (apart)
        call::activate_backward(cpu, c.activation, {memory.data(), c.norm.dtype}, c.g, c.saved,
                                c.norm.numel());
    const void* const g = apart ? memory.data() : c.g;
    visit_loops(c.norm.dtype, relu, [&]<class T, bool with_relu>() {
        backward<T, with_relu>(kernels_for<T>(cpu), c.norm, static_cast<const T*>(g),
                               static_cast<const T*>(c.saved), static_cast<T*>(c.dx),
                               static_cast<T*>(c.dweight), static_cast<T*>(c.dbias));
    });
}

}  // namespace adjoint::cpu
