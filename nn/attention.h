// Attention with several heads, and the cache with which it goes on token by token.
#pragma once

#include <optional>

#include <adjoint/autograd/ops/attention.h>
#include <adjoint/nn/linear.h>
#include <adjoint/nn/module.h>

namespace adjoint::nn {

struct MultiheadAttentionOptions {
    double dropout = 0;  ///< of the attention weights, in training
    bool bias = true;
    bool batch_first = false;
    std::int64_t kdim = 0, vdim = 0;           ///< of key and value; 0 for embed_dim
    std::optional<RotaryOptions> rotary = {};  ///< queries and keys are turned by their positions
    DType dtype = default_dtype();
    Device device = default_device();
};

/// What a query may not look at: bool masks with true for what is left out,
/// floating ones added to the scores.
struct AttentionMasks {
    Tensor key_padding_mask = {};  ///< (N, S), or (S) without a batch
    Tensor attn_mask = {};         ///< (L, S), or (N num_heads, L, S)
    bool is_causal = false;        ///< query i sees keys 0 .. i alone
};

/// The result, and the weights where they were asked for.
struct AttentionOutput {
    Tensor output, weights;  ///< weights undefined unless they were asked for
};

/// What an attention keeps of the tokens that it has seen, so that the next ones need not compute it again.
/// One for each attention of a model and each text; empty to begin with. A copy goes on by itself.
struct KeyValueCache {
    Tensor keys = {}, values = {};  ///< (N, num_heads, S, E / num_heads)
    std::int64_t size() const { return keys.defined() ? keys.size(2) : 0; }
};

/// out_proj(concatenated heads), each softmax(q k^T / sqrt(E / num_heads)) v of its share of the projections
/// q, k, v = in_proj_weight (3 E, E) input + in_proj_bias, or where kdim or vdim is not E q_proj_weight (E,
/// E), k_proj_weight (E, kdim), v_proj_weight (E, vdim) of their inputs.
/// A query that may see nothing gets zeros.
/// shapes: query (L, N, E), key and value (S, N, E), batch before time with batch_first, or without N; the
/// weights (N, L, S) are the mean over the heads.
/// errors: ValueError unless num_heads divides embed_dim, into an even number with rotary; ShapeError;
/// DTypeError for a mask of integers.
/// source: Vaswani et al., Attention is all you need, 2017.
class ADJOINT_API MultiheadAttention : public Module {
  public:
    MultiheadAttention(std::int64_t embed_dim, std::int64_t num_heads,
                       const MultiheadAttentionOptions& options = {});
    AttentionOutput operator()(const Tensor& query, const Tensor& key, const Tensor& value,
                               const AttentionMasks& masks = {}, bool need_weights = true) const;
    /// Causal self-attention of tokens that come after those in the cache, to which they are added: what the
    /// call above with is_causal gives for these tokens behind all others.
    /// errors: ShapeError unless the cache is of as many samples, of this width and of the inputs' type.
    Tensor operator()(const Tensor& x, KeyValueCache& cache) const;

    const Parameter in_proj_weight, q_proj_weight, k_proj_weight, v_proj_weight, in_proj_bias;
    const Linear out_proj;

  private:
    struct Operands {
        Tensor query, key, value;  // (N, num_heads, L or S, E / num_heads)
    };
    Operands projected(const Tensor& query, const Tensor& key, const Tensor& value) const;
    Operands turned(const Operands& operands, std::int64_t position) const;
    Tensor mask_of(const AttentionMasks& masks, const Operands& operands, bool single) const;
    AttentionOutput attended(const Operands& operands, const AttentionOptions& options,
                             bool need_weights) const;
    Tensor batched(const Tensor& x) const;
    Tensor as_given(const Tensor& x, bool single) const;

    std::int64_t embed_dim_, key_dim_, value_dim_, heads_;
    double dropout_;
    bool batch_first_;
    std::optional<RotaryOptions> rotary_;
};

}  // namespace adjoint::nn
