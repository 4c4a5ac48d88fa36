// Heads are taken apart and put together by views; the attention itself is scaled_dot_product_attention().
#include <adjoint/nn/attention.h>

#include <limits>

#include <adjoint/autograd/ops/arithmetic.h>
#include <adjoint/autograd/ops/linalg.h>
#include <adjoint/autograd/ops/rearrange.h>
#include <adjoint/autograd/ops/reduce.h>
#include <adjoint/core/base/format.h>
#include <adjoint/core/tensor/creation.h>
#include <adjoint/nn/describe.h>
#include <adjoint/nn/init.h>

namespace adjoint::nn {
namespace {

std::string describe(std::int64_t embed_dim, std::int64_t heads, const MultiheadAttentionOptions& options) {
    check<ValueError>(
        embed_dim > 0 && heads > 0 && embed_dim % heads == 0,
        "MultiheadAttention: {} heads for {} dimensions, expected a number of heads that divides them", heads,
        embed_dim);
    check<ValueError>(options.kdim >= 0 && options.vdim >= 0,
                      "MultiheadAttention: keys of {} and values of {} dimensions", options.kdim,
                      options.vdim);
    check<ValueError>(options.dropout >= 0 && options.dropout <= 1,
                      "MultiheadAttention: dropout {} is outside [0, 1]", options.dropout);
    check<ValueError>(!options.rotary || embed_dim / heads % 2 == 0,
                      "MultiheadAttention: heads of {} features, expected an even number with rotary",
                      embed_dim / heads);
    std::string text = fmt::format("embed_dim={}, num_heads={}", embed_dim, heads);
    if (options.dropout != 0) text += fmt::format(", dropout={}", options.dropout);
    if (!options.bias) text += ", bias=false";
    if (options.batch_first) text += ", batch_first=true";
    if (options.kdim != 0) text += fmt::format(", kdim={}", options.kdim);
    if (options.vdim != 0) text += fmt::format(", vdim={}", options.vdim);
    if (options.rotary) text += ", rotary=true";
    return text;
}

/// Whether keys or values have dimensions of their own, and so projections of their own.
bool is_mixed(std::int64_t embed_dim, const MultiheadAttentionOptions& options) {
    return (options.kdim != 0 && options.kdim != embed_dim) ||
           (options.vdim != 0 && options.vdim != embed_dim);
}

/// The weights of a projection, or none where the other kind is in use.
Tensor projection(bool wanted, std::int64_t rows, std::int64_t columns,
                  const MultiheadAttentionOptions& options) {
    if (!wanted) return {};
    return init::xavier_uniform_(empty({rows, columns}, {.dtype = options.dtype, .device = options.device}));
}

Linear output_projection(std::int64_t embed_dim, const MultiheadAttentionOptions& options) {
    Linear layer(embed_dim, embed_dim,
                 {.bias = options.bias, .dtype = options.dtype, .device = options.device});
    if (options.bias) init::zeros_(layer.bias.detach());
    return layer;
}

bool is_bool(const Tensor& mask) { return mask.dtype() == DType::boolean; }

void check_mask(const char* which, const Tensor& mask) {
    if (!mask.defined()) return;
    check<DTypeError>(is_bool(mask) || is_floating(mask.dtype()),
                      "MultiheadAttention: {} of type {}, expected bool (true is left out) or a floating one "
                      "that is added to the scores",
                      which, name(mask.dtype()));
}

/// Both masks as one that broadcasts to (N, heads, L, S), in the convention of attention_weights().
Tensor joined_masks(const Tensor& padding, const Tensor& attention, DType dtype) {
    if (!padding.defined() && !attention.defined()) return {};
    const auto only = [](const Tensor& mask) { return is_bool(mask) ? !mask : mask; };
    if (!attention.defined()) return only(padding);
    if (!padding.defined()) return only(attention);
    if (is_bool(padding) && is_bool(attention)) return !logical_or(padding, attention);
    const auto added = [&](const Tensor& mask) {
        if (!is_bool(mask)) return mask;
        return masked_fill(zeros(mask.shape(), {.dtype = dtype, .device = mask.device()}), mask,
                           -std::numeric_limits<double>::infinity());
    };
    return added(padding) + added(attention);
}

}  // namespace

MultiheadAttention::MultiheadAttention(std::int64_t embed_dim, std::int64_t num_heads,
                                       const MultiheadAttentionOptions& options)
    : Module("MultiheadAttention", describe(embed_dim, num_heads, options),
             fmt::format("{}, {} heads", embed_dim, num_heads)),
      in_proj_weight(parameter("in_proj_weight",
                               projection(!is_mixed(embed_dim, options), 3 * embed_dim, embed_dim, options))),
      q_proj_weight(parameter("q_proj_weight",
                              projection(is_mixed(embed_dim, options), embed_dim, embed_dim, options))),
      k_proj_weight(parameter("k_proj_weight", projection(is_mixed(embed_dim, options), embed_dim,
                                                          options.kdim ? options.kdim : embed_dim, options))),
      v_proj_weight(parameter("v_proj_weight", projection(is_mixed(embed_dim, options), embed_dim,
                                                          options.vdim ? options.vdim : embed_dim, options))),
      in_proj_bias(parameter("in_proj_bias", options.bias ? zeros({3 * embed_dim}, {.dtype = options.dtype,
                                                                                    .device = options.device})
                                                          : Tensor())),
      out_proj(child("out_proj", output_projection(embed_dim, options))),
      embed_dim_(embed_dim),
      key_dim_(options.kdim ? options.kdim : embed_dim),
      value_dim_(options.vdim ? options.vdim : embed_dim),
      heads_(num_heads),
      dropout_(options.dropout),
      batch_first_(options.batch_first),
      rotary_(options.rotary) {}

// Inputs as (N, L, ..).
Tensor MultiheadAttention::batched(const Tensor& x) const {
    return x.dim() == 2 ? unsqueeze(x, 0) : batch_first_ ? x : transpose(x, 0, 1);
}

// And a result of that kind as the caller's inputs are.
Tensor MultiheadAttention::as_given(const Tensor& x, bool single) const {
    return single ? squeeze(x, 0) : batch_first_ ? x : transpose(x, 0, 1);
}

MultiheadAttention::Operands MultiheadAttention::projected(const Tensor& query, const Tensor& key,
                                                           const Tensor& value) const {
    const auto fits = [&](const Tensor& x, std::int64_t dim) {
        return (x.dim() == 2 || x.dim() == 3) && x.dim() == query.dim() && x.shape().back() == dim;
    };
    check<ShapeError>(fits(query, embed_dim_) && fits(key, key_dim_) && fits(value, value_dim_),
                      "MultiheadAttention: inputs {}, {} and {} of {}, {} and {} dimensions", query.shape(),
                      key.shape(), value.shape(), embed_dim_, key_dim_, value_dim_);
    Tensor q, k, v;
    if (in_proj_weight.defined() && query.is_same(key) && key.is_same(value)) {
        const Tensor x = batched(query), all = linear(x, in_proj_weight, in_proj_bias);
        const std::vector<Tensor> parts = unbind(reshape(all, {x.size(0), x.size(1), 3, embed_dim_}), 2);
        q = parts[0], k = parts[1], v = parts[2];
    } else {
        const auto one = [&](const Tensor& x, const Tensor& own_weight, std::int64_t part) {
            const auto share = [&](const Tensor& all) {
                return narrow(all, 0, part * embed_dim_, embed_dim_);
            };
            return linear(batched(x), own_weight.defined() ? own_weight : share(in_proj_weight),
                          in_proj_bias.defined() ? share(in_proj_bias) : Tensor());
        };
        q = one(query, q_proj_weight, 0);
        k = one(key, k_proj_weight, 1);
        v = one(value, v_proj_weight, 2);
    }
    check<ShapeError>(q.size(0) == k.size(0) && k.shape() == v.shape(),
                      "MultiheadAttention: query {}, key {} and value {} do not belong together",
                      query.shape(), key.shape(), value.shape());
    const auto taken_apart = [&](const Tensor& x) {  // (N, L, E) as (N, heads, L, width)
        return transpose(reshape(x, {x.size(0), x.size(1), heads_, embed_dim_ / heads_}), 1, 2);
    };
    return {taken_apart(q), taken_apart(k), taken_apart(v)};
}

// Queries and keys turned by their positions, the first of which is given.
MultiheadAttention::Operands MultiheadAttention::turned(const Operands& operands,
                                                        std::int64_t position) const {
    if (!rotary_) return operands;
    RotaryOptions options = *rotary_;
    options.offset += position;
    return {rotary_embedding(operands.query, options), rotary_embedding(operands.key, options),
            operands.value};
}

Tensor MultiheadAttention::mask_of(const AttentionMasks& masks, const Operands& operands, bool single) const {
    const std::int64_t samples = operands.query.size(0), length = operands.query.size(2),
                       keys = operands.key.size(2);
    Tensor padding = masks.key_padding_mask, attention = masks.attn_mask;
    check_mask("key_padding_mask", padding);
    check_mask("attn_mask", attention);
    if (padding.defined()) {
        check<ShapeError>(padding.shape() == (single ? Shape{keys} : Shape{samples, keys}),
                          "MultiheadAttention: key_padding_mask of shape {} for {} samples of {} keys",
                          padding.shape(), samples, keys);
        padding = reshape(padding, {samples, 1, 1, keys});
    }
    if (attention.defined() && attention.dim() == 3) {
        check<ShapeError>(attention.shape() == Shape{samples * heads_, length, keys},
                          "MultiheadAttention: attn_mask of shape {}, expected {}", attention.shape(),
                          Shape{samples * heads_, length, keys});
        attention = reshape(attention, {samples, heads_, length, keys});
    } else if (attention.defined()) {
        check<ShapeError>(attention.shape() == Shape{length, keys},
                          "MultiheadAttention: attn_mask of shape {}, expected {}", attention.shape(),
                          Shape{length, keys});
    }
    return joined_masks(padding, attention, operands.query.dtype());
}

// The output (N, L, E) and, if they are needed, the weights of each head.
AttentionOutput MultiheadAttention::attended(const Operands& operands, const AttentionOptions& options,
                                             bool need_weights) const {
    const Tensor weights = need_weights ? attention_weights(operands.query, operands.key, options) : Tensor(),
                 values = need_weights ? matmul(weights, operands.value)
                                       : scaled_dot_product_attention(operands.query, operands.key,
                                                                      operands.value, options),
                 heads = transpose(values, 1, 2);
    return {out_proj(reshape(heads, {heads.size(0), heads.size(1), embed_dim_})), weights};
}

AttentionOutput MultiheadAttention::operator()(const Tensor& query, const Tensor& key, const Tensor& value,
                                               const AttentionMasks& masks, bool need_weights) const {
    return computed(query, [&]() -> AttentionOutput {
        const bool single = query.dim() == 2;
        const Operands operands = turned(projected(query, key, value), 0);
        const auto [out, weights] = attended(operands,
                                             {.attn_mask = mask_of(masks, operands, single),
                                              .dropout_p = is_training() ? dropout_ : 0,
                                              .is_causal = masks.is_causal},
                                             need_weights);
        if (!need_weights) return {as_given(out, single), {}};
        const Tensor mean_weights = mean(weights, 1);
        return {as_given(out, single), single ? squeeze(mean_weights, 0) : mean_weights};
    });
}

Tensor MultiheadAttention::operator()(const Tensor& x, KeyValueCache& cache) const {
    return computed(x, [&] {
        const std::int64_t past = cache.size();
        Operands operands = turned(projected(x, x, x), past);
        if (cache.keys.defined()) {
            Shape expected = operands.key.shape();
            expected[2] = past;
            for (const Tensor* kept : {&cache.keys, &cache.values})
                check<ShapeError>(
                    kept->shape() == expected && kept->dtype() == x.dtype(),
                    "MultiheadAttention: a cache of shape {} and type {}, expected {} and {}; one "
                    "cache serves one attention and one batch of texts",
                    kept->shape(), name(kept->dtype()), expected, name(x.dtype()));
            operands.key = cat({cache.keys, operands.key}, 2);
            operands.value = cat({cache.values, operands.value}, 2);
        }
        const Tensor out =
            attended(operands, {.dropout_p = is_training() ? dropout_ : 0, .is_causal = true, .past = past},
                     false)
                .output;
        cache = {operands.key, operands.value};
        return as_given(out, x.dim() == 2);
    });
}

}  // namespace adjoint::nn
