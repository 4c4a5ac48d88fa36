// Attention as one call of the device, or composed from matrix products and softmax; the rotation of its
// operands from sines and cosines.
#include <adjoint/autograd/ops/attention.h>

#include <cmath>
#include <limits>

#include <adjoint/autograd/ops/arithmetic.h>
#include <adjoint/autograd/ops/composition.h>
#include <adjoint/autograd/ops/dropout.h>
#include <adjoint/autograd/ops/elementwise.h>
#include <adjoint/autograd/ops/linalg.h>
#include <adjoint/autograd/ops/rearrange.h>
#include <adjoint/autograd/ops/reduce.h>
#include <adjoint/autograd/ops/shape.h>
#include <adjoint/autograd/ops/softmax.h>
#include <adjoint/autograd/record/apply.h>
#include <adjoint/autograd/record/autocast.h>
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

Tensor composed_attention(const Tensor& query, const Tensor& key, const Tensor& value,
                          const AttentionOptions& options) {
    return matmul(attention_weights(query, key, options), value);
}

/// Attention as one call of the device: operands of one type, f32 or f64, and with the same leading
/// dimensions, at most two. What has 16 bits comes in f32, and its result is rounded once.
struct WholeAttention : Function {
    static constexpr auto name = "scaled_dot_product_attention";
    AttentionOptions options;
    Attention shape;
    Saved query, key, value, mask, output;
    Tensor log_sums;

    WholeAttention(const AttentionOptions& all, const Attention& a) : options(all), shape(a) {}

    Tensor forward(const Tensor& q, const Tensor& k, const Tensor& v) {
        Shape shape_of_output = q.shape();
        shape_of_output[q.dim() - 1] = shape.values;
        const Tensor out = laid_out_as(q, shape_of_output);
        if (needs_any()) {
            query = q, key = k, value = v;
            if (options.attn_mask.defined()) mask = options.attn_mask;
            output.keep_output(out);
            log_sums =
                empty({shape.batch, shape.heads, shape.queries}, {.dtype = q.dtype(), .device = q.device()});
        }
        backend(q.device()).run(call_of(out, q, k, v));
        return out;
    }

    Grads backward(const Tensor& g) {
        const Tensor q = query.get(), k = key.get(), v = value.get();
        if (mask.defined()) options.attn_mask = mask.get();
        if (grad_enabled())
            return composition::gradients(*this, {q, k, v}, {g}, [&](const std::vector<Tensor>& in) {
                return std::vector<Tensor>{composed_attention(in[0], in[1], in[2], options)};
            });
        const auto gradient = [&](std::size_t i, const Tensor& x) {
            return needs(i) ? laid_out_as(x, x.shape()) : Tensor();
        };
        const Tensor dq = gradient(0, q), dk = gradient(1, k), dv = gradient(2, v), upstream = by_rows(g);
        backend(q.device())
            .run(call::AttendBackward{call_of(output.get(), q, k, v), rows(upstream), rows(dq), rows(dk),
                                      rows(dv)});
        return {dq, dk, dv};
    }

    /// x with the elements of its rows side by side.
    static Tensor by_rows(const Tensor& x) { return x.strides().back() == 1 ? x : x.contiguous(); }

  private:
    // New memory in the order of x, where that is (batch, rows, heads, elements): what the
    // heads are taken from.
    static Tensor laid_out_as(const Tensor& x, const Shape& shape) {
        const Options options{.dtype = x.dtype(), .device = x.device()};
        if (shape.size() != 4 || x.strides()[2] <= x.strides()[1]) return empty(shape, options);
        return transpose(empty({shape[0], shape[2], shape[1], shape[3]}, options), 1, 2);
    }

    static HeadRows rows(const Tensor& x) {
        if (!x.defined()) return {};
        const Shape& strides = x.strides();
        const int rank = strides.size();
        return {x.impl().data, rank > 2 ? strides[0] : 0, rank > 3 ? strides[1] : 0, strides[rank - 2]};
    }

    call::Attend call_of(const Tensor& out, const Tensor& q, const Tensor& k, const Tensor& v) const {
        AttentionMask added;
        if (const Tensor& m = options.attn_mask; m.defined()) {
            Shape scores = q.shape();
            scores[q.dim() - 1] = shape.keys;
            const Tensor every = expand(m.detach(), scores);
            const Shape& strides = every.strides();
            const int rank = strides.size();
            added = {{m.impl().data, m.dtype()},
                     rank > 2 ? strides[0] : 0,
                     rank > 3 ? strides[1] : 0,
                     strides[rank - 2],
                     strides[rank - 1]};
        }
        return {shape,
                rows(out),
                rows(q),
                rows(k),
                rows(v),
                added,
                log_sums.defined() ? log_sums.impl().data : nullptr};
    }
};

bool broadcasts_to(const Tensor& mask, const Shape& scores) {
    const int extra = scores.size() - mask.dim();
    bool fits = extra >= 0;
    for (int d = 0; fits && d < mask.dim(); ++d)
        fits = mask.size(d) == 1 || mask.size(d) == scores[extra + d];
    return fits;
}

// In which a product takes it.
DType lowered_type(const Tensor& x) {
    return x.dtype() == DType::f32 ? autocast_type().value_or(DType::f32) : x.dtype();
}

/// The call for these operands, where the device has it for them and nobody wants to know of the parts.
/// What it is not for, and what is wrong, is left to the composition and its messages.
std::optional<Attention> whole_attention(const Tensor& q, const Tensor& k, const Tensor& v,
                                         const AttentionOptions& options) {
    const int rank = q.dim();
    if (options.dropout_p != 0 || options.past < 0 || detail::is_observed()) return {};
    if (rank < 2 || rank > 4 || k.dim() != rank || v.dim() != rank || !is_floating(q.dtype())) return {};
    Shape scores = q.shape();
    for (const Tensor* x : {&k, &v}) {
        if (lowered_type(*x) != lowered_type(q) || x->device() != q.device()) return {};
        for (int d = 0; d < rank - 2; ++d)
            if (x->size(d) != q.size(d)) return {};
    }
    if (k.size(-1) != q.size(-1) || v.size(-2) != k.size(-2)) return {};
    if (q.numel() == 0 || k.numel() == 0 || v.numel() == 0) return {};
    scores[rank - 1] = k.size(-2);
    if (const Tensor& mask = options.attn_mask; mask.defined()) {
        const bool trains = mask.requires_grad() && grad_enabled();
        if (trains || mask.device() != q.device() || !broadcasts_to(mask, scores)) return {};
        if (mask.dtype() != DType::boolean && compute_type(mask.dtype()) != compute_type(q.dtype()))
            return {};
    }
    const Attention a{.batch = rank > 2 ? q.size(0) : 1,
                      .heads = rank > 3 ? q.size(1) : 1,
                      .queries = q.size(-2),
                      .keys = k.size(-2),
                      .width = q.size(-1),
                      .values = v.size(-1),
                      .dtype = compute_type(q.dtype()),
                      .scale = options.scale.value_or(1 / std::sqrt(static_cast<double>(q.size(-1)))),
                      .causal = options.is_causal,
                      .past = options.past};
    if (!backend(q.device()).attends(a)) return {};
    return a;
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
        if (const auto a = whole_attention(query, key, value, options)) {
            AttentionOptions wide = options;
            if (wide.attn_mask.defined()) wide.attn_mask = apply::widened(wide.attn_mask);
            const auto rows = [](const Tensor& x) {
                return WholeAttention::by_rows(apply::widened(apply::lowered(x)));
            };
            return record(WholeAttention(wide, *a), rows(query), rows(key), rows(value))
                .to(lowered_type(query));
        }
        return composed_attention(query, key, value, options);
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
