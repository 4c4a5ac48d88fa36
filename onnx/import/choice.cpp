// Elements chosen by their values: the largest, the distinct, those that are not zero, boxes that stand out.
#include <algorithm>
#include <numeric>

#include <adjoint/autograd/ops/arithmetic.h>
#include <adjoint/autograd/ops/index.h>
#include <adjoint/autograd/ops/reduce.h>
#include <adjoint/autograd/ops/shape.h>
#include <adjoint/autograd/ops/sort.h>
#include <adjoint/core/base/format.h>
#include <adjoint/core/tensor/creation.h>
#include <adjoint/onnx/import/helpers.h>
#include <adjoint/onnx/import/tables.h>

namespace adjoint::onnx {

namespace {

Kernel one_hot_of(const Build& b) {
    return [axis = b.attributes.integer("axis", -1)](const Call& c) -> Values {
        const std::int64_t depth = static_cast<std::int64_t>(c.number(1));
        check<ValueError>(depth > 0, "depth is {}", depth);
        const Tensor index = c[0].to(DType::i64);
        const int dim = wrapped_axis(axis, index.dim() + 1);
        Shape classes = Shape::filled(index.dim() + 1, 1), result = index.shape();
        classes[dim] = depth;
        result.insert(dim, depth);
        (void)c.bounded(result);
        const Tensor at = where(lt(index, filled({}, 0, index)), index + depth, index);
        const Tensor places =
            reshape(arange(depth, {.dtype = DType::i64, .device = index.device()}), classes);
        const Tensor on = select(c[2], 0, 1), off = select(c[2], 0, 0);
        return {Value(where(eq(unsqueeze(at, dim), places), on, off), c.type(2))};
    };
}

/// Before version 13 everything from the axis on counts as one dimension.
Kernel hardmax(const Build& b) {
    const bool flat = b.opset < 13;
    return one([flat, axis = b.attributes.integer("axis", flat ? 1 : -1)](const Call& c) {
        const int dim = wrapped_axis(axis, c[0].dim());
        const Tensor x = flat ? flatten(c[0], dim) : c[0];
        const Tensor best = argmax(x, dim, true);
        Shape classes = Shape::filled(x.dim(), 1);
        classes[dim] = x.size(dim);
        const Tensor places =
            reshape(arange(x.size(dim), {.dtype = DType::i64, .device = x.device()}), classes);
        return reshape(eq(best, places).to(x.dtype()), c[0].shape());
    });
}

/// k is an attribute before version 10, an input from then on.
Kernel top_k(const Build& b) {
    const std::int64_t axis = b.attributes.integer("axis", -1);
    const bool largest = b.attributes.flag("largest", true);
    b.attributes.ignore("sorted");
    const std::int64_t fixed = b.opset < 10 ? b.attributes.integer("k") : -1;
    return [=](const Call& c) -> Values {
        const std::int64_t k = fixed >= 0 ? fixed : c.integer(1);
        const ValuesIndices best = topk(c[0], k, wrapped_axis(axis, c[0].dim()), largest);
        return {Value(best.values, c.type(0)), Value(best.indices, ElementType::i64)};
    };
}

Kernel nonzero_of(const Build&) {
    return [](const Call& c) -> Values { return {Value(t(nonzero(c[0])), ElementType::i64)}; };
}

Kernel compress(const Build& b) {
    const bool along = b.attributes.has("axis");
    return [along, axis = b.attributes.integer("axis", 0)](const Call& c) -> Values {
        const Tensor x = along ? c[0] : reshape(c[0], {c[0].numel()});
        const int dim = along ? wrapped_axis(axis, x.dim()) : 0;
        const Integers condition = c.integers(1);
        Integers places;
        for (std::size_t i = 0; i < condition.size() && static_cast<std::int64_t>(i) < x.size(dim); ++i)
            if (condition[i] != 0) places.push_back(static_cast<std::int64_t>(i));
        return {Value(index_select(x, dim, integers_of(places).to(x.device())), c.type(0))};
    };
}

/// The distinct slices along an axis, or elements of the flattened tensor.
Kernel unique_of(const Build& b) {
    const bool along = b.attributes.has("axis"), sorted = b.attributes.flag("sorted", true);
    return [=, axis = b.attributes.integer("axis", 0)](const Call& c) -> Values {
        const Tensor x = along ? c[0] : reshape(c[0], {c[0].numel()});
        const int dim = along ? wrapped_axis(axis, x.dim()) : 0;
        const std::int64_t count = x.size(dim), width = count == 0 ? 0 : x.numel() / count;
        const auto values = transpose(x, 0, dim).contiguous().to_vector<double>();
        const auto slice = [&](std::int64_t i) {
            return std::span(values).subspan(static_cast<std::size_t>(i * width),
                                             static_cast<std::size_t>(width));
        };
        const auto less = [&](std::int64_t i, std::int64_t j) {
            const auto left = slice(i), right = slice(j);
            return std::lexicographical_compare(left.begin(), left.end(), right.begin(), right.end());
        };
        Integers order(static_cast<std::size_t>(count));
        std::iota(order.begin(), order.end(), 0);
        std::stable_sort(order.begin(), order.end(), less);
        // Groups of equals: the first place of each, by value and then, if asked for, as they come.
        Integers group(order.size()), first;
        for (std::size_t i = 0; i < order.size(); ++i) {
            if (i == 0 || less(order[i - 1], order[i])) first.push_back(order[i]);
            group[static_cast<std::size_t>(order[i])] = static_cast<std::int64_t>(first.size()) - 1;
        }
        Integers rank(first.size());
        std::iota(rank.begin(), rank.end(), 0);
        if (!sorted) {
            std::sort(rank.begin(), rank.end(), [&](auto i, auto j) {
                return first[static_cast<std::size_t>(i)] < first[static_cast<std::size_t>(j)];
            });
        }
        Integers place(first.size()), begin, counts(first.size(), 0), inverse;
        for (std::size_t i = 0; i < rank.size(); ++i) {
            place[static_cast<std::size_t>(rank[i])] = static_cast<std::int64_t>(i);
            begin.push_back(first[static_cast<std::size_t>(rank[i])]);
        }
        for (const std::int64_t g : group) {
            inverse.push_back(place[static_cast<std::size_t>(g)]);
            ++counts[static_cast<std::size_t>(inverse.back())];
        }
        return {Value(index_select(x, dim, integers_of(begin).to(x.device())), c.type(0)),
                Value(integers_of(begin), ElementType::i64), Value(integers_of(inverse), ElementType::i64),
                Value(integers_of(counts), ElementType::i64)};
    };
}

struct Box {
    double top, left, bottom, right;
};

double overlap(const Box& a, const Box& b) {
    const double height = std::min(a.bottom, b.bottom) - std::max(a.top, b.top);
    const double width = std::min(a.right, b.right) - std::max(a.left, b.left);
    if (height <= 0 || width <= 0) return 0;
    const auto area = [](const Box& x) { return (x.bottom - x.top) * (x.right - x.left); };
    return height * width / (area(a) + area(b) - height * width);
}

/// Boxes by falling score, without those that overlap a better one of the same class too much.
Kernel non_max_suppression(const Build& b) {
    const bool centered = b.attributes.flag("center_point_box");
    return [centered](const Call& c) -> Values {
        const Shape &boxes = c[0].shape(), &scores = c[1].shape();
        check<ShapeError>(boxes.size() == 3 && scores.size() == 3 && boxes[2] == 4 && boxes[0] == scores[0] &&
                              boxes[1] == scores[2],
                          "boxes {} and scores {}", boxes, scores);
        const std::int64_t most = c.has(2) ? c.integer(2) : 0;
        const double too_much = c.has(3) ? c.number(3) : 0;
        const auto corners = c.numbers(0), score = c.numbers(1);
        const auto box = [&](std::int64_t batch, std::int64_t i) -> Box {
            const double* p = corners.data() + (batch * boxes[1] + i) * 4;
            if (centered) return {p[1] - p[3] / 2, p[0] - p[2] / 2, p[1] + p[3] / 2, p[0] + p[2] / 2};
            return {std::min(p[0], p[2]), std::min(p[1], p[3]), std::max(p[0], p[2]), std::max(p[1], p[3])};
        };
        Integers chosen;
        for (std::int64_t batch = 0; batch < scores[0]; ++batch)
            for (std::int64_t k = 0; k < scores[1]; ++k) {
                const double* own = score.data() + (batch * scores[1] + k) * scores[2];
                Integers order, kept;
                for (std::int64_t i = 0; i < scores[2]; ++i)
                    if (!c.has(4) || own[i] > c.number(4)) order.push_back(i);
                std::stable_sort(order.begin(), order.end(), [&](auto i, auto j) { return own[i] > own[j]; });
                for (const std::int64_t i : order) {
                    if (static_cast<std::int64_t>(kept.size()) >= most) break;
                    const bool hidden = std::any_of(kept.begin(), kept.end(), [&](auto j) {
                        return overlap(box(batch, i), box(batch, j)) > too_much;
                    });
                    if (hidden) continue;
                    kept.push_back(i);
                    chosen.insert(chosen.end(), {batch, k, i});
                }
            }
        return {
            Value(integers_of(chosen, {static_cast<std::int64_t>(chosen.size()) / 3, 3}), ElementType::i64)};
    };
}

}  // namespace

std::span<const Row> choice_rows() {
    static constexpr Row rows[] = {
        {"Compress", 9, compress, set_of({1}), Nature::dynamic},
        {"Hardmax", 1, hardmax},
        {.name = "NonMaxSuppression",
         .since = 10,
         .make = non_max_suppression,
         .host = all_inputs,
         .nature = Nature::dynamic,
         .costly = true},
        {"NonZero", 9, nonzero_of, 0, Nature::dynamic},
        {"OneHot", 9, one_hot_of, set_of({1})},
        {"TopK", 1, top_k, set_of({1})},
        {.name = "Unique", .since = 11, .make = unique_of, .nature = Nature::dynamic, .costly = true},
    };
    return rows;
}

}  // namespace adjoint::onnx
