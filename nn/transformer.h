// The layers of transformers: attention and a network of two layers, each with a way past it.
#pragma once

#include <functional>

#include <adjoint/autograd/ops/elementwise.h>
#include <adjoint/nn/attention.h>
#include <adjoint/nn/dropout.h>
#include <adjoint/nn/layer_norm.h>

namespace adjoint::nn {

struct TransformerLayerOptions {
    std::int64_t dim_feedforward = 2048;
    double dropout = 0.1;
    std::function<Tensor(const Tensor&)> activation = relu;
    double layer_norm_eps = 1e-5;
    bool batch_first = false;
    bool norm_first = false;
    DType dtype = default_dtype();
    Device device = default_device();
};

/// y = norm1(x + attention(x)); norm2(y + linear2(activation(linear1(y)))), each branch through dropout; with
/// norm_first y = x + attention(norm1(x)), then y + branch(norm2(y)).
/// shapes: as MultiheadAttention; attn_mask is PyTorch's src_mask.
/// errors: as MultiheadAttention.
class ADJOINT_API TransformerEncoderLayer : public Module {
  public:
    TransformerEncoderLayer(std::int64_t d_model, std::int64_t nhead,
                            const TransformerLayerOptions& options = {});
    Tensor operator()(const Tensor& x, const AttentionMasks& masks = {}) const;
    /// Of tokens that come after those in the cache, each of which sees what came before it.
    Tensor operator()(const Tensor& x, KeyValueCache& cache) const;

    const MultiheadAttention self_attn;
    const Linear linear1;
    const Dropout dropout;
    const Linear linear2;
    const LayerNorm norm1, norm2;
    const Dropout dropout1, dropout2;

  private:
    template <class Attend> Tensor computed_by(const Tensor& x, const Attend& attend) const;

    std::function<Tensor(const Tensor&)> activation_;
    Activation then_ = Activation::none;  // the same, where linear1 does it in its pass
    bool norm_first_;
};

/// y = norm1(x + self_attn(x)); z = norm2(y + multihead_attn(y, memory)); then
/// norm3(z + linear2(activation(linear1(z)))), each branch through dropout; with norm_first the norms stand
/// before the branches.
/// shapes: x (L, N, E), memory (S, N, E), batch before time with batch_first, or without N; masks as
/// MultiheadAttention, PyTorch's tgt_mask and memory_mask.
/// errors: as MultiheadAttention.
/// source: Vaswani et al., Attention is all you need, 2017.
class ADJOINT_API TransformerDecoderLayer : public Module {
  public:
    TransformerDecoderLayer(std::int64_t d_model, std::int64_t nhead,
                            const TransformerLayerOptions& options = {});
    Tensor operator()(const Tensor& x, const Tensor& memory, const AttentionMasks& masks = {},
                      const AttentionMasks& memory_masks = {}) const;
    /// Of tokens that come after those in the cache, each of which sees what came before it.
    Tensor operator()(const Tensor& x, const Tensor& memory, KeyValueCache& cache,
                      const AttentionMasks& memory_masks = {}) const;

    const MultiheadAttention self_attn, multihead_attn;
    const Linear linear1;
    const Dropout dropout;
    const Linear linear2;
    const LayerNorm norm1, norm2, norm3;
    const Dropout dropout1, dropout2, dropout3;

  private:
    template <class Attend>
    Tensor computed_by(const Tensor& x, const Tensor& memory, const AttentionMasks& memory_masks,
                       const Attend& attend) const;

    std::function<Tensor(const Tensor&)> activation_;
    Activation then_ = Activation::none;
    bool norm_first_;
};

}  // namespace adjoint::nn
