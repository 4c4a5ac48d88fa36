// The layers of transformers, made of attention, linear layers and layer normalisation.
#include <adjoint/nn/transformer.h>

#include <string>

#include <adjoint/autograd/ops/arithmetic.h>
#include <adjoint/core/base/format.h>
#include <adjoint/nn/activation.h>

namespace adjoint::nn {
namespace {

MultiheadAttention attention_layer(std::int64_t d_model, std::int64_t nhead,
                                   const TransformerLayerOptions& options) {
    return MultiheadAttention(d_model, nhead,
                              {.dropout = options.dropout,
                               .batch_first = options.batch_first,
                               .dtype = options.dtype,
                               .device = options.device});
}

Linear linear_layer(std::int64_t from, std::int64_t to, const TransformerLayerOptions& options) {
    return Linear(from, to, {.dtype = options.dtype, .device = options.device});
}

LayerNorm norm_layer(std::int64_t d_model, const TransformerLayerOptions& options) {
    LayerNorm layer(d_model, {.eps = options.layer_norm_eps});
    layer.to(options.dtype);
    layer.to(options.device);
    return layer;
}

// What linear1 can do in its pass, none if the activation is a function of the user's.
Activation fused_activation(const char* layer, const std::function<Tensor(const Tensor&)>& activation) {
    check<ValueError>(static_cast<bool>(activation), "{}: no activation", layer);
    const auto* function = activation.target<Tensor (*)(const Tensor&)>();
    return function != nullptr ? activation_of(*function) : Activation::none;
}

// The branch of two linear layers.
template <class L>
Tensor feed_forward(const L& layer, const std::function<Tensor(const Tensor&)>& activation, Activation then,
                    const Tensor& x) {
    const Tensor hidden = then == Activation::none ? activation(layer.linear1(x)) : layer.linear1(x, then);
    return layer.linear2(layer.dropout(hidden));
}

// x with a branch of it added, normalised before the branch or behind the sum.
template <class F> Tensor residual(bool norm_first, const LayerNorm& norm, const Tensor& x, F branch) {
    return norm_first ? x + branch(norm(x)) : norm(x + branch(x));
}

}  // namespace

TransformerEncoderLayer::TransformerEncoderLayer(std::int64_t d_model, std::int64_t nhead,
                                                 const TransformerLayerOptions& options)
    : Module("TransformerEncoderLayer", options.norm_first ? "norm_first=true" : "", std::to_string(d_model)),
      self_attn(child("self_attn", attention_layer(d_model, nhead, options))),
      linear1(child("linear1", linear_layer(d_model, options.dim_feedforward, options))),
      dropout(child("dropout", Dropout(options.dropout))),
      linear2(child("linear2", linear_layer(options.dim_feedforward, d_model, options))),
      norm1(child("norm1", norm_layer(d_model, options))),
      norm2(child("norm2", norm_layer(d_model, options))),
      dropout1(child("dropout1", Dropout(options.dropout))),
      dropout2(child("dropout2", Dropout(options.dropout))),
      activation_(options.activation),
      then_(fused_activation("TransformerEncoderLayer", options.activation)),
      norm_first_(options.norm_first) {}

template <class Attend>
Tensor TransformerEncoderLayer::computed_by(const Tensor& x, const Attend& attend) const {
    return computed(x, [&] {
        const Tensor y =
            residual(norm_first_, norm1, x, [&](const Tensor& in) { return dropout1(attend(in)); });
        return residual(norm_first_, norm2, y, [&](const Tensor& in) {
            return dropout2(feed_forward(*this, activation_, then_, in));
        });
    });
}

Tensor TransformerEncoderLayer::operator()(const Tensor& x, const AttentionMasks& masks) const {
    return computed_by(x, [&](const Tensor& in) { return self_attn(in, in, in, masks, false).output; });
}

Tensor TransformerEncoderLayer::operator()(const Tensor& x, KeyValueCache& cache) const {
    return computed_by(x, [&](const Tensor& in) { return self_attn(in, cache); });
}

TransformerDecoderLayer::TransformerDecoderLayer(std::int64_t d_model, std::int64_t nhead,
                                                 const TransformerLayerOptions& options)
    : Module("TransformerDecoderLayer", options.norm_first ? "norm_first=true" : "", std::to_string(d_model)),
      self_attn(child("self_attn", attention_layer(d_model, nhead, options))),
      multihead_attn(child("multihead_attn", attention_layer(d_model, nhead, options))),
      linear1(child("linear1", linear_layer(d_model, options.dim_feedforward, options))),
      dropout(child("dropout", Dropout(options.dropout))),
      linear2(child("linear2", linear_layer(options.dim_feedforward, d_model, options))),
      norm1(child("norm1", norm_layer(d_model, options))),
      norm2(child("norm2", norm_layer(d_model, options))),
      norm3(child("norm3", norm_layer(d_model, options))),
      dropout1(child("dropout1", Dropout(options.dropout))),
      dropout2(child("dropout2", Dropout(options.dropout))),
      dropout3(child("dropout3", Dropout(options.dropout))),
      activation_(options.activation),
      then_(fused_activation("TransformerDecoderLayer", options.activation)),
      norm_first_(options.norm_first) {}

template <class Attend>
Tensor TransformerDecoderLayer::computed_by(const Tensor& x, const Tensor& memory,
                                            const AttentionMasks& memory_masks, const Attend& attend) const {
    return computed(x, [&] {
        const Tensor y =
            residual(norm_first_, norm1, x, [&](const Tensor& in) { return dropout1(attend(in)); });
        const Tensor z = residual(norm_first_, norm2, y, [&](const Tensor& in) {
            return dropout2(multihead_attn(in, memory, memory, memory_masks, false).output);
        });
        return residual(norm_first_, norm3, z, [&](const Tensor& in) {
            return dropout3(feed_forward(*this, activation_, then_, in));
        });
    });
}

Tensor TransformerDecoderLayer::operator()(const Tensor& x, const Tensor& memory, const AttentionMasks& masks,
                                           const AttentionMasks& memory_masks) const {
    return computed_by(x, memory, memory_masks,
                       [&](const Tensor& in) { return self_attn(in, in, in, masks, false).output; });
}

Tensor TransformerDecoderLayer::operator()(const Tensor& x, const Tensor& memory, KeyValueCache& cache,
                                           const AttentionMasks& memory_masks) const {
    return computed_by(x, memory, memory_masks, [&](const Tensor& in) { return self_attn(in, cache); });
}

}  // namespace adjoint::nn
