// Attention with several heads, and the encoder layer that is built on it.
#pragma once

#include <functional>

#include <adjoint/autograd/ops/elementwise.h>
#include <adjoint/nn/dropout.h>
#include <adjoint/nn/layer_norm.h>
#include <adjoint/nn/linear.h>
#include <adjoint/nn/module.h>

namespace adjoint::nn {

struct MultiheadAttentionOptions {
    double dropout = 0;  ///< of the attention weights, in training
    bool bias = true;
    bool batch_first = false;
    std::int64_t kdim = 0, vdim = 0;  ///< of key and value; 0 for embed_dim
    DType dtype = DType::f32;
    Device device = Device::cpu();
};

/// What a query may not look at: bool masks with true for what is left out,
/// floating ones added to the scores.
struct AttentionMasks {
    Tensor key_padding_mask = {};  ///< (N, S), or (S) without a batch
    Tensor attn_mask = {};         ///< (L, S), or (N num_heads, L, S)
};

struct AttentionOutput {
    Tensor output, weights;  ///< weights undefined unless they were asked for
};

/// out_proj(concatenated heads), each softmax(q k^T / sqrt(E / num_heads)) v of its share of the projections
/// q, k, v = in_proj_weight (3 E, E) input + in_proj_bias, or where kdim or vdim is not E q_proj_weight (E,
/// E), k_proj_weight (E, kdim), v_proj_weight (E, vdim) of their inputs.
/// A query that may see nothing gets zeros.
/// shapes: query (L, N, E), key and value (S, N, E), batch before time with batch_first, or without N; the
/// weights (N, L, S) are the mean over the heads.
/// errors: ValueError unless num_heads divides embed_dim; ShapeError; DTypeError for a mask of integers.
/// source: Vaswani et al., Attention is all you need, 2017.
class ADJOINT_API MultiheadAttention : public Module {
  public:
    MultiheadAttention(std::int64_t embed_dim, std::int64_t num_heads,
                       const MultiheadAttentionOptions& options = {});
    AttentionOutput operator()(const Tensor& query, const Tensor& key, const Tensor& value,
                               const AttentionMasks& masks = {}, bool need_weights = true) const;

    const Parameter in_proj_weight, q_proj_weight, k_proj_weight, v_proj_weight, in_proj_bias;
    const Linear out_proj;

  private:
    std::int64_t embed_dim_, key_dim_, value_dim_, heads_;
    double dropout_;
    bool batch_first_;
};

struct TransformerEncoderLayerOptions {
    std::int64_t dim_feedforward = 2048;
    double dropout = 0.1;
    std::function<Tensor(const Tensor&)> activation = relu;
    double layer_norm_eps = 1e-5;
    bool batch_first = false;
    bool norm_first = false;
    DType dtype = DType::f32;
    Device device = Device::cpu();
};

/// y = norm1(x + attention(x)); norm2(y + linear2(activation(linear1(y)))), each branch through dropout; with
/// norm_first y = x + attention(norm1(x)), then y + branch(norm2(y)).
/// shapes: as MultiheadAttention; attn_mask is PyTorch's src_mask.
/// errors: as MultiheadAttention.
class ADJOINT_API TransformerEncoderLayer : public Module {
  public:
    TransformerEncoderLayer(std::int64_t d_model, std::int64_t nhead,
                            const TransformerEncoderLayerOptions& options = {});
    Tensor operator()(const Tensor& x, const AttentionMasks& masks = {}) const;

    const MultiheadAttention self_attn;
    const Linear linear1;
    const Dropout dropout;
    const Linear linear2;
    const LayerNorm norm1, norm2;
    const Dropout dropout1, dropout2;

  private:
    std::function<Tensor(const Tensor&)> activation_;
    Activation then_ = Activation::none;  // the same, where linear1 does it in its pass
    bool norm_first_;
};

}  // namespace adjoint::nn
