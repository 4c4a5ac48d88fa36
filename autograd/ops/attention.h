// Attention: a weighted mean of values, by how well their keys match a query.
#pragma once

#include <optional>

#include <adjoint/autograd/record/function.h>

namespace adjoint {

struct AttentionOptions {
    Tensor attn_mask =
        {};                ///< bool: true takes part; floating: added to the scores; broadcasts to (.., L, S)
    double dropout_p = 0;  ///< of the weights
    bool is_causal = false;            ///< query i sees keys 0 .. i alone
    std::optional<double> scale = {};  ///< 1 / sqrt(E) unless given
};

/// softmax(scale query key^T + mask), where bool masks, -inf in floating ones and is_causal let nothing
/// through 0; of a query that may see nothing, all 0.
/// shapes: (.., L, E), (.., S, E) -> (.., L, S).
/// errors: ShapeError for a misfit; DTypeError for a mask of integers.
ADJOINT_API Tensor attention_weights(const Tensor& query, const Tensor& key,
                                     const AttentionOptions& options = {});

/// attention_weights(query, key) value.
/// shapes: (.., L, E), (.., S, E), (.., S, V) -> (.., L, V).
/// source: Vaswani et al., Attention is all you need, 2017, equation 1.
ADJOINT_API Tensor scaled_dot_product_attention(const Tensor& query, const Tensor& key, const Tensor& value,
                                                const AttentionOptions& options = {});

}  // namespace adjoint
