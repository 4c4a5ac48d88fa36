// Attention: a weighted mean of values, by how well their keys match a query.
#pragma once

#include <optional>

#include <adjoint/autograd/record/function.h>

namespace adjoint {

struct AttentionOptions {
    Tensor attn_mask =
        {};                ///< bool: true takes part; floating: added to the scores; broadcasts to (.., L, S)
    double dropout_p = 0;  ///< of the weights
    bool is_causal = false;            ///< query i sees keys 0 .. past + i alone
    std::int64_t past = 0;             ///< how many keys stand before that of the first query
    std::optional<double> scale = {};  ///< 1 / sqrt(E) unless given
};

/// softmax(scale query key^T + mask), where bool masks, -inf in floating ones and is_causal let nothing
/// through 0; of a query that may see nothing, all 0.
/// shapes: (.., L, E), (.., S, E) -> (.., L, S).
/// errors: ShapeError for a misfit; DTypeError for a mask of integers; ValueError for a negative past.
ADJOINT_API Tensor attention_weights(const Tensor& query, const Tensor& key,
                                     const AttentionOptions& options = {});

/// attention_weights(query, key) value.
/// shapes: (.., L, E), (.., S, E), (.., S, V) -> (.., L, V).
/// source: Vaswani et al., Attention is all you need, 2017, equation 1.
ADJOINT_API Tensor scaled_dot_product_attention(const Tensor& query, const Tensor& key, const Tensor& value,
                                                const AttentionOptions& options = {});

struct RotaryOptions {
    std::int64_t offset = 0;  ///< the position of the first row
    double base = 10000;
    bool interleaved =
        false;  ///< pairs are neighbours, (0, 1), (2, 3), .., as in the paper; else i and i + E / 2
};
/// Each pair (a, b) of features of the row at position p turned by the angle t = p base^(-2 i / E), i the
/// number of the pair: (a cos t - b sin t, a sin t + b cos t). Products of a query and a key so turned depend
/// on the distance of their positions alone.
/// shapes: (.., L, E), E even.
/// errors: ShapeError for an odd E; ValueError for a negative offset or a base that is not positive.
/// source: Su et al., RoFormer: enhanced transformer with rotary position embedding, 2021.
ADJOINT_API Tensor rotary_embedding(const Tensor& x, const RotaryOptions& options = {});

}  // namespace adjoint
