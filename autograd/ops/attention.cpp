// Attention composed from matrix products and softmax; the rotation of its operands from sines and cosines.
#include <adjoint/autograd/ops/attention.h>

#include <cmath>
#include <limits>

#include <adjoint/autograd/ops/arithmetic.h>
#include <adjoint/autograd/ops/dropout.h>
#include <adjoint/autograd/ops/elementwise.h>
#include <adjoint/autograd/ops/linalg.h>
#include <adjoint/autograd/ops/rearrange.h>
#include <adjoint/autograd/ops/reduce.h>
#include <adjoint/autograd/ops/shape.h>
#include <adjoint/autograd/ops/softmax.h>
#include <adjoint/autograd/record/apply.h>
#include <adjoint/core/base/format.h>
#include <adjoint/core/tensor/creation.h>

namespace adjoint {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

// A number on the tensor's own device: what is made elsewhere no recorded step can have.
Tensor number_beside(const Tensor& x, double value) {
    return full({}, value, {.dtype = x.dtype(), .device = x.device()});
}

/// Softmax over the keys that are let through. A query that sees none gets zeros: the NaN of its softmax is
/// covered here, and that of its gradient by the inner masked_fill.
Tensor masked_softmax(const Tensor& scores, const Tensor& allowed) {
    const Tensor seen = sum(allowed, -1, true), blind = seen == number_beside(seen, 0);
    return masked_fill(softmax(masked_fill(scores, !allowed, -infinity), -1), blind, 0);
}

}  // namespace

Tensor attention_weights(const Tensor& query, const Tensor& key, const AttentionOptions& options) {
    return named("attention_weights", [&] {
        check<ShapeError>(query.dim() >= 2 && key.dim() >= 2 && query.shape().back() == key.shape().back(),
                          "attention_weights: queries of shape {} for keys of shape {}", query.shape(),
                          key.shape());
        const double scale = options.scale.value_or(1 / std::sqrt(static_cast<double>(query.shape().back())));
        Tensor scores = matmul(query * scale, transpose(key, -1, -2));
        Tensor allowed;
        check<ValueError>(options.past >= 0, "attention_weights: past {}, expected 0 or more keys",
                          options.past);
        // Where the first query sees every key, all do.
        if (options.is_causal && options.past + 1 < key.size(-2)) {
            const Options as_index{.dtype = DType::i64, .device = query.device()};
            allowed = arange(key.size(-2), as_index) <=
                      unsqueeze(arange(query.size(-2), as_index) + options.past, 1);
        }
        if (const Tensor& mask = options.attn_mask; mask.defined()) {
            const bool added = is_floating(mask.dtype());
            check<DTypeError>(added || mask.dtype() == DType::boolean,
                              "attention_weights: a mask of type {}, expected bool (true takes part) or a "
                              "floating one that is added to the scores",
                              name(mask.dtype()));
            if (added) scores = scores + mask;
            const Tensor open = added ? mask.detach() != number_beside(mask, -infinity) : mask;
            allowed = allowed.defined() ? logical_and(allowed, open) : open;
        }
        const Tensor weights = allowed.defined() ? masked_softmax(scores, allowed) : softmax(scores, -1);
        return options.dropout_p > 0 ? dropout(weights, options.dropout_p) : weights;
    });
}

Tensor scaled_dot_product_attention(const Tensor& query, const Tensor& key, const Tensor& value,
                                    const AttentionOptions& options) {
    return named("scaled_dot_product_attention", [&] {
        check<ShapeError>(value.dim() >= 2 && key.dim() >= 2 && value.size(-2) == key.size(-2),
                          "scaled_dot_product_attention: keys of shape {} for values of shape {}",
                          key.shape(), value.shape());
        return matmul(attention_weights(query, key, options), value);
    });
}

Tensor rotary_embedding(const Tensor& x, const RotaryOptions& options) {
    constexpr auto op = "rotary_embedding";
    return named(op, [&] {
        check<DTypeError>(is_floating(x.dtype()), "{}: needs a floating-point input, not {}", op,
                          name(x.dtype()));
        check<ShapeError>(x.dim() >= 2 && x.size(-1) % 2 == 0,
                          "{}: an input of shape {}, expected (.., length, features) with features in pairs",
                          op, x.shape());
        check<ValueError>(options.offset >= 0 && options.base > 0 && std::isfinite(options.base),
                          "{}: offset {} and base {}, expected 0 or more and a positive number", op,
                          options.offset, options.base);
        const Tensor wide = apply::widened(x);
        const std::int64_t pairs = x.size(-1) / 2;
        // In f64: a position in the tens of thousands leaves f32 few digits of the angle.
        const Options as_index{.dtype = DType::i64, .device = x.device()};
        const Tensor positions = (arange(x.size(-2), as_index) + options.offset).to(DType::f64),
                     numbers = arange(pairs, as_index).to(DType::f64);
        const Tensor speeds = exp(numbers * (-std::log(options.base) / static_cast<double>(pairs))),
                     angles = unsqueeze(positions, 1) * speeds;
        const Tensor c = cos(angles).to(wide.dtype()), s = sin(angles).to(wide.dtype());
        const bool neighbours = options.interleaved;
        const Tensor a = neighbours ? slice(wide, -1, 0, 2 * pairs, 2) : narrow(wide, -1, 0, pairs),
                     b = neighbours ? slice(wide, -1, 1, 2 * pairs, 2) : narrow(wide, -1, pairs, pairs);
        const Tensor first = a * c - b * s, second = a * s + b * c;
        const Tensor y =
            neighbours ? reshape(stack({first, second}, -1), x.shape()) : cat({first, second}, -1);
        return y.to(x.dtype());
    });
}

}  // namespace adjoint
