// Normalisation of channels and of rows.
#pragma once

#include <adjoint/core/contract/calls/reduce.h>
#include <adjoint/core/contract/epilogue.h>

namespace adjoint {

/// A batch of `batch` x `channels` x `inner` dense elements of type `dtype` (f32 or f64);
/// weight, bias may be null.
struct ChannelNorm {
    std::int64_t batch = 0, channels = 0, inner = 1;
    DType dtype = DType::f32;
    double eps = 0;
    const void* x = nullptr;
    const void* weight = nullptr;
    const void* bias = nullptr;
    void* mean = nullptr;         // written by forward in training, read otherwise
    void* inverse_std = nullptr;  // 1 / sqrt(biased variance + eps): written in training, read by backward
    void* variance = nullptr;     // written by forward in training unless null, read by it otherwise

    std::int64_t numel() const { return batch * channels * inner; }
};

/// What batch normalisation keeps from batch to batch, of the type of the elements; null where there is none.
struct RunningStatistics {
    void* mean = nullptr;
    void* variance = nullptr;         // with `mean`
    std::int64_t* batches = nullptr;  // one more
    double momentum = 0, unbias = 1;  // r = r (1 - momentum) + s momentum, of the variance s unbias momentum
};

namespace call {

/// y = f((x - mean) * inverse_std * weight + bias) for each channel; f takes what was rounded, and is one
/// whose slope takes its result.
struct BatchNorm {
    static constexpr auto name = "batch_norm";
    void* y;
    ChannelNorm norm;
    bool training;
    RunningStatistics running = {};
    Activation activation = Activation::none;
    template <class Memory> void memory(Memory& m) const {
        m.writes(y, norm.numel(), norm.dtype);
        m.reads(norm.x, norm.numel(), norm.dtype);
        for (const void* each : {norm.weight, norm.bias}) m.reads(each, norm.channels, norm.dtype);
        if (!training) {
            for (const void* each : {norm.mean, norm.variance}) m.reads(each, norm.channels, norm.dtype);
            return;
        }
        for (void* each : {norm.mean, norm.inverse_std, norm.variance})
            m.writes(each, norm.channels, norm.dtype);
        for (void* each : {running.mean, running.variance}) m.updates(each, norm.channels, norm.dtype);
        m.updates(running.batches, 1, DType::i64);
    }
};

/// The gradients from g f'(saved); each of them may be null.
struct BatchNormBackward {
    static constexpr auto name = "batch_norm_backward";
    void* dx;
    void* dweight;
    void* dbias;
    const void* g;
    ChannelNorm norm;
    Activation activation = Activation::none;
    const void* saved = nullptr;  // the result of the forward pass
    template <class Memory> void memory(Memory& m) const {
        m.writes(dx, norm.numel(), norm.dtype);
        for (void* each : {dweight, dbias}) m.writes(each, norm.channels, norm.dtype);
        for (const void* each : {g, saved, norm.x}) m.reads(each, norm.numel(), norm.dtype);
        for (const void* each :
             {norm.weight, static_cast<const void*>(norm.mean), static_cast<const void*>(norm.inverse_std)})
            m.reads(each, norm.channels, norm.dtype);
    }
};

/// y = (x - mean) * inverse_std * weight + bias for each row; inverse_std = 1 / sqrt(biased variance + eps)
/// and the mean are one per row; weight and bias are one per column and may be null.
struct LayerNorm {
    static constexpr auto name = "layer_norm";
    void* y;
    void* mean;
    void* inverse_std;
    const void* x;
    const void* weight;
    const void* bias;
    Rows rows;
    double eps;
    template <class Memory> void memory(Memory& m) const {
        m.writes(y, rows.numel(), rows.dtype);
        for (void* each : {mean, inverse_std}) m.writes(each, rows.rows, rows.dtype);
        m.reads(x, rows.numel(), rows.dtype);
        for (const void* each : {weight, bias}) m.reads(each, rows.columns, rows.dtype);
    }
};

/// With h = (x - mean) * inverse_std and u = g * weight: dx = inverse_std (u - mean(u) - h mean(u h)), means
/// over the row; dweight and dbias are the sums of g h and g over the rows. Each of the three may be null.
struct LayerNormBackward {
    static constexpr auto name = "layer_norm_backward";
    void* dx;
    void* dweight;
    void* dbias;
    const void* g;
    const void* x;
    const void* mean;
    const void* inverse_std;
    const void* weight;
    Rows rows;
    template <class Memory> void memory(Memory& m) const {
        m.writes(dx, rows.numel(), rows.dtype);
        for (void* each : {dweight, dbias}) m.writes(each, rows.columns, rows.dtype);
        for (const void* each : {g, x}) m.reads(each, rows.numel(), rows.dtype);
        for (const void* each : {mean, inverse_std}) m.reads(each, rows.rows, rows.dtype);
        m.reads(weight, rows.columns, rows.dtype);
    }
};

void compose(Backend& backend, const BatchNorm& c);
void compose(Backend& backend, const BatchNormBackward& c);
void compose(Backend& backend, const LayerNorm& c);
void compose(Backend& backend, const LayerNormBackward& c);

}  // namespace call
}  // namespace adjoint
