// Attention, and the rotation of its queries and keys by their positions.
#include <cmath>
#include <limits>

#include <adjoint/autograd/ops/arithmetic.h>
#include <adjoint/autograd/ops/elementwise.h>
#include <adjoint/autograd/ops/index.h>
#include <adjoint/autograd/ops/linalg.h>
#include <adjoint/autograd/ops/rearrange.h>
#include <adjoint/autograd/ops/reduce.h>
#include <adjoint/autograd/ops/shape.h>
#include <adjoint/autograd/ops/softmax.h>
#include <adjoint/core/base/format.h>
#include <adjoint/core/tensor/creation.h>
#include <adjoint/onnx/import/helpers.h>
#include <adjoint/onnx/import/tables.h>

namespace adjoint::onnx {

namespace {

/// (N, L, heads * E) as (N, heads, L, E).
Tensor by_heads(const Tensor& x, std::int64_t heads) {
    if (x.dim() == 4) return x;
    check<ShapeError>(x.dim() == 3 && heads > 0 && x.size(2) % heads == 0, "{} for {} heads", x.shape(),
                      heads);
    return transpose(reshape(x, {x.size(0), x.size(1), heads, x.size(2) / heads}), 1, 2);
}

/// Each head of keys and values serves several of the queries.
Tensor shared_heads(const Tensor& x, std::int64_t heads) {
    const std::int64_t own = x.size(1);
    if (own == heads) return x;
    check<ShapeError>(own > 0 && heads % own == 0, "{} heads of keys for {} of queries", own, heads);
    const std::int64_t n = x.size(0), length = x.size(2), width = x.size(3);
    const Tensor spread = broadcast_to(unsqueeze(x, 2), Shape{n, own, heads / own, length, width});
    return reshape(spread, {n, heads, length, width});
}

struct AttentionSettings {
    std::int64_t query_heads, key_heads, scores_mode;
    double scale, softcap;
    bool causal;
};

/// What is added to the scores: the mask, and what causality forbids.
Tensor biased(Tensor scores, const Call& c, const AttentionSettings& s, std::int64_t past) {
    const Tensor forbidden = filled({}, -std::numeric_limits<double>::infinity(), scores);
    if (c.has(3)) {
        Tensor mask = c[3];
        // A mask for some of the keys says nothing of the others, which take no part.
        const std::int64_t missing = scores.size(-1) - mask.size(-1);
        if (missing > 0 && mask.size(-1) > 1)
            mask = mask.dtype() == DType::boolean
                       ? ne(pad(mask.to(DType::u8), {0, missing}), filled({}, 0, mask.to(DType::u8)))
                       : pad(mask, {0, missing}, PadMode::constant, -std::numeric_limits<double>::infinity());
        scores = mask.dtype() == DType::boolean ? where(mask, scores, forbidden)
                                                : scores + mask.to(scores.dtype());
    }
    if (s.causal) {
        const std::int64_t queries = scores.size(-2), keys = scores.size(-1);
        const Tensor allowed =
            tril(ones({queries, keys}, {.dtype = DType::f32, .device = scores.device()}), past);
        scores = where(ne(allowed, filled({}, 0, allowed)), scores, forbidden);
    }
    return scores;
}

/// A query that may see nothing has weights of 0.
Tensor weights_of(const Tensor& scores) {
    const Tensor nothing =
        eq(amax(scores.detach(), {-1}, true), filled({}, -std::numeric_limits<double>::infinity(), scores));
    return masked_fill(softmax(masked_fill(scores, nothing, 0), -1), nothing, 0);
}

Kernel attention_of(const Build& b) {
    const Attributes& a = b.attributes;
    const AttentionSettings s{
        a.integer("q_num_heads", 0), a.integer("kv_num_heads", 0), a.integer("qk_matmul_output_mode", 0),
        a.real("scale", 0),          a.real("softcap", 0),         a.flag("is_causal")};
    a.ignore("softmax_precision");
    return [s](const Call& c) -> Values {
        const Tensor query = by_heads(c[0], s.query_heads);
        Tensor key = by_heads(c[1], s.key_heads), value = by_heads(c[2], s.key_heads);
        const std::int64_t past = c.has(4) ? c[4].size(2) : 0;
        if (c.has(4)) key = cat({c[4], key}, 2);
        if (c.has(5)) value = cat({c[5], value}, 2);
        const std::int64_t heads = query.size(1);
        const double scale = s.scale != 0 ? s.scale : 1 / std::sqrt(static_cast<double>(query.size(-1)));
        // Half of the scale on each side, so that products of 16 bits stay in their range.
        const Tensor products =
            matmul(query * std::sqrt(scale), transpose(shared_heads(key, heads), 2, 3) * std::sqrt(scale));
        // What is forbidden stays so: scores are capped before that.
        const Tensor capped = s.softcap > 0 ? tanh(products / s.softcap) * s.softcap : products;
        const Tensor scores = biased(capped, c, s, past);
        Tensor shown = s.scores_mode == 1 ? capped : s.scores_mode == 2 ? scores : products;
        const Tensor weights = weights_of(scores);
        if (s.scores_mode == 3) shown = weights;
        Tensor y = matmul(weights, shared_heads(value, heads));
        if (c[0].dim() == 3) {
            const Tensor order = transpose(y, 1, 2);
            y = reshape(order, {order.size(0), order.size(1), order.size(2) * order.size(3)});
        }
        return {Value(y), Value(key), Value(value), Value(shown)};
    };
}

/// Pairs of features turned by the angles of their positions.
Kernel rotary_embedding(const Build& b) {
    const bool interleaved = b.attributes.flag("interleaved");
    const std::int64_t heads = b.attributes.integer("num_heads", 0);
    const std::int64_t width = b.attributes.integer("rotary_embedding_dim", 0);
    return one([=](const Call& c) {
        const Tensor x = by_heads(c[0], heads);
        const std::int64_t size = x.size(3), turned = width > 0 ? width : size, half = turned / 2;
        check<ShapeError>(turned <= size && turned % 2 == 0, "rotary_embedding_dim {} of {}", turned, size);
        const auto angles = [&](std::size_t i) {
            Tensor table = c[i];
            if (c.has(3)) {
                const Tensor at = c[3].to(DType::i64);
                table = reshape(index_select(table, 0, reshape(at, {at.numel()})),
                                {at.size(0), at.size(1), table.size(-1)});
            }
            return unsqueeze(narrow(table, -1, 0, half), 1);
        };
        const Tensor cosine = angles(1), sine = angles(2);
        const Tensor part = narrow(x, 3, 0, turned);
        const Tensor first = interleaved ? slice(part, 3, 0, turned, 2) : narrow(part, 3, 0, half);
        const Tensor second = interleaved ? slice(part, 3, 1, turned, 2) : narrow(part, 3, half, half);
        const Tensor real = first * cosine - second * sine, imaginary = first * sine + second * cosine;
        Tensor y =
            interleaved ? reshape(stack({real, imaginary}, 4), part.shape()) : cat({real, imaginary}, 3);
        if (turned < size) y = cat({y, narrow(x, 3, turned, size - turned)}, 3);
        return c[0].dim() == 3 ? reshape(transpose(y, 1, 2), c[0].shape()) : y;
    });
}

}  // namespace

std::span<const Row> attention_rows() {
    static constexpr Row rows[] = {
        {.name = "Attention", .since = 23, .make = attention_of, .costly = true},
        {"RotaryEmbedding", 23, rotary_embedding},
    };
    return rows;
}

}  // namespace adjoint::onnx
