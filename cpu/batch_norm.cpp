// Batch normalisation over (batch, channel, inner): two passes over the data, sums in double.
#include <cmath>

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

// Calls f(channel in the block, element offset, run length) for every run of a channel's elements; for inner
// == 1 the block's channels of one sample are one call of g(offset, count).
template <class Row, class Run>
void for_samples(const ChannelNorm& norm, std::int64_t first, std::int64_t count, Row row, Run run) {
    for (std::int64_t n = 0; n < norm.batch; ++n) {
        const std::int64_t base = (n * norm.channels + first) * norm.inner;
        if (norm.inner == 1)
            row(base);
        else
            for (std::int64_t c = 0; c < count; ++c) run(c, base + c * norm.inner);
    }
}

// sums[c] += f(c, offset) over the elements of channel c.
template <class F>
void accumulate(const ChannelNorm& norm, std::int64_t first, std::int64_t count, double* sums, F f) {
    for_samples(
        norm, first, count,
        [&](std::int64_t base) {
            for (std::int64_t c = 0; c < count; ++c) sums[c] += f(c, base + c);
        },
        [&](std::int64_t c, std::int64_t base) {
            double total = 0;
            for (std::int64_t i = 0; i < norm.inner; ++i) total += f(c, base + i);
            sums[c] += total;
        });
}

template <class F> void for_elements(const ChannelNorm& norm, std::int64_t first, std::int64_t count, F f) {
    for_samples(
        norm, first, count,
        [&](std::int64_t base) {
            for (std::int64_t c = 0; c < count; ++c) f(c, base + c);
        },
        [&](std::int64_t c, std::int64_t base) {
            for (std::int64_t i = 0; i < norm.inner; ++i) f(c, base + i);
        });
}

template <class T> void forward(const ChannelNorm& norm, bool training, T* y) {
    const T* x = static_cast<const T*>(norm.x);
    T* means = static_cast<T*>(norm.mean);
    T* inverse_stds = static_cast<T*>(norm.inverse_std);
    const T* weight = static_cast<const T*>(norm.weight);
    const T* bias = static_cast<const T*>(norm.bias);
    const double samples = static_cast<double>(norm.batch * norm.inner);
    for_channel_blocks<T>(norm, [&](std::int64_t first, std::int64_t count) {
        if (training) {
            double mean[channel_block] = {}, square[channel_block] = {};
            accumulate(norm, first, count, mean,
                       [&](std::int64_t, std::int64_t i) { return static_cast<double>(x[i]); });
            for (std::int64_t c = 0; c < count; ++c) mean[c] /= samples;
            accumulate(norm, first, count, square, [&](std::int64_t c, std::int64_t i) {
                const double d = static_cast<double>(x[i]) - mean[c];
                return d * d;
            });
            for (std::int64_t c = 0; c < count; ++c) {
                means[first + c] = static_cast<T>(mean[c]);
                inverse_stds[first + c] = static_cast<T>(1 / std::sqrt(square[c] / samples + norm.eps));
                if (norm.variance)
                    static_cast<T*>(norm.variance)[first + c] = static_cast<T>(square[c] / samples);
            }
        }
        T scale[channel_block], shift[channel_block];
        for (std::int64_t c = 0; c < count; ++c) {
            scale[c] = inverse_stds[first + c] * (weight ? weight[first + c] : T(1));
            shift[c] = (bias ? bias[first + c] : T(0));
        }
        const T* centre = means + first;
        for_elements(norm, first, count, [&](std::int64_t c, std::int64_t i) {
            y[i] = (x[i] - centre[c]) * scale[c] + shift[c];
        });
    });
}

// With h = (x - mean) / std: db = sum g, dw = sum g h, dx = w / std (g - db / n - h dw / n).
template <class T> void backward(const ChannelNorm& norm, const T* g, T* dx, T* dweight, T* dbias) {
    const T* x = static_cast<const T*>(norm.x);
    const T* means = static_cast<const T*>(norm.mean);
    const T* inverse_stds = static_cast<const T*>(norm.inverse_std);
    const T* weight = static_cast<const T*>(norm.weight);
    const double samples = static_cast<double>(norm.batch * norm.inner);
    for_channel_blocks<T>(norm, [&](std::int64_t first, std::int64_t count) {
        const T* centre = means + first;
        const T* inverse = inverse_stds + first;
        double db[channel_block] = {}, dw[channel_block] = {};
        accumulate(norm, first, count, db,
                   [&](std::int64_t, std::int64_t i) { return static_cast<double>(g[i]); });
        accumulate(norm, first, count, dw, [&](std::int64_t c, std::int64_t i) {
            return static_cast<double>(g[i]) * static_cast<double>((x[i] - centre[c]) * inverse[c]);
        });
        T scale[channel_block], mean_g[channel_block], mean_gh[channel_block];
        for (std::int64_t c = 0; c < count; ++c) {
            if (dbias) dbias[first + c] = static_cast<T>(db[c]);
            if (dweight) dweight[first + c] = static_cast<T>(dw[c]);
            scale[c] = inverse[c] * (weight ? weight[first + c] : T(1));
            mean_g[c] = static_cast<T>(db[c] / samples);
            mean_gh[c] = static_cast<T>(dw[c] / samples);
        }
        if (!dx) return;
        for_elements(norm, first, count, [&](std::int64_t c, std::int64_t i) {
            const T h = (x[i] - centre[c]) * inverse[c];
            dx[i] = scale[c] * (g[i] - mean_g[c] - h * mean_gh[c]);
        });
    });
}

}  // namespace

void on(CpuBackend&, const call::BatchNorm& c) {
    if (c.norm.dtype == DType::f64)
        forward(c.norm, c.training, static_cast<double*>(c.y));
    else
        forward(c.norm, c.training, static_cast<float*>(c.y));
}

void on(CpuBackend&, const call::BatchNormBackward& c) {
    if (c.norm.dtype == DType::f64)
        backward(c.norm, static_cast<const double*>(c.g), static_cast<double*>(c.dx),
                 static_cast<double*>(c.dweight), static_cast<double*>(c.dbias));
    else
        backward(c.norm, static_cast<const float*>(c.g), static_cast<float*>(c.dx),
                 static_cast<float*>(c.dweight), static_cast<float*>(c.dbias));
}

}  // namespace adjoint::cpu
