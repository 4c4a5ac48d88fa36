// Losses against class numbers.
#include <adjoint/autograd/ops/cross_entropy.h>

#include <string_view>

#include <adjoint/autograd/ops/arithmetic.h>
#include <adjoint/autograd/ops/elementwise.h>
#include <adjoint/autograd/ops/index.h>
#include <adjoint/autograd/ops/loss_reduction.h>
#include <adjoint/autograd/ops/shape.h>
#include <adjoint/autograd/ops/softmax.h>
#include <adjoint/autograd/record/apply.h>
#include <adjoint/autograd/record/observer.h>
#include <adjoint/core/base/format.h>
#include <adjoint/core/base/warning.h>
#include <adjoint/core/tensor/loops.h>

namespace adjoint {
namespace {

/// Plain class numbers, no weights: loss, softmax and gradient in one pass over the rows.
struct FusedCrossEntropy : Function {
    static constexpr auto name = "cross_entropy";
    Reduction reduction;
    std::int64_t ignore_index;
    Saved logits, targets, slopes;

    FusedCrossEntropy(Reduction r, std::int64_t ignore) : reduction(r), ignore_index(ignore) {}
    template <class V> void attributes(V& v) const {
        v("reduction", name_of(reduction));
        v("ignore_index", ignore_index);
    }

    Tensor forward(const Tensor& input, const Tensor& labels) {
        const Tensor x = input.contiguous(), t = labels.contiguous();
        const Options like{.dtype = x.dtype(), .device = x.device()};
        Tensor losses = empty({x.shape()[0]}, like);
        const bool reduces = reduction != Reduction::none;
        Tensor total = reduces ? empty({}, like) : Tensor(), slope;
        if (needs_any()) slope = empty(x.shape(), like);
        backend(x.device())
            .run(call::CrossEntropy{.losses = losses.impl().data,
                                    .total = reduces ? total.impl().data : nullptr,
                                    .gradient = slope.defined() ? slope.impl().data : nullptr,
                                    .logits = x.impl().data,
                                    .targets = operand(t).as<const std::int64_t>(),
                                    .rows = {x.shape()[0], x.shape()[1], x.dtype()},
                                    .ignore_index = ignore_index,
                                    .mean = reduction == Reduction::mean});
        if (needs_any()) {
            logits = input;  // not the dense copy, whose history is not recorded
            targets = t;
            slopes = slope;
        }
        return reduces ? total : losses;
    }

    Grads backward(const Tensor& g) {
        Tensor scale = reduction == Reduction::none ? unsqueeze(g, 1) : g;
        if (!grad_enabled()) return {slopes.get() * scale, Tensor()};
        const Tensor x = logits.get(), t = targets.get();
        const Tensor safe = where(eq(t, ignore_index), zeros_like(t), t);
        const Tensor slope = softmax(x, 1) - one_hot(safe, x.shape()[1]).to(x.dtype());
        const Tensor kept = unsqueeze(ne(t, ignore_index).to(x.dtype()), 1);
        if (reduction == Reduction::mean) scale = scale / sum(kept);
        return {slope * kept * scale, Tensor()};
    }
    Grads backward_of_one() { return {slopes.get(), Tensor()}; }
};

Tensor as_labels(const char* op, const Tensor& t) {
    check<DTypeError>(!is_floating(t.dtype()) && t.dtype() != DType::boolean,
                      "{}: the targets have type {}, expected class numbers", op, name(t.dtype()));
    return t.to(DType::i64);
}

Shape without(Shape shape, int dim) {
    shape.erase(dim);
    return shape;
}

// The shape of class numbers for scores x.
Shape label_shape(const Tensor& x) { return x.dim() >= 2 ? without(x.shape(), 1) : Shape{}; }

void check_class_shapes(const char* op, const Tensor& x, const Tensor& t) {
    const Shape expected = label_shape(x);
    if (x.dim() >= 1 && t.shape() == expected) return;
    const char* hint = "";
    if (t.shape() == x.shape())
        hint = "; class numbers in one-hot form are argmax(targets, 1), or probabilities as to(f32)";
    else if (x.dim() >= 3 && t.shape() == without(x.shape(), x.dim() - 1))
        hint = "; the classes are dimension 1: transpose(input, 1, -1), or permute";
    else if (x.dim() >= 1 && t.numel() == expected.numel() && t.dim() == expected.size() + 1)
        hint = "; reshape the targets to that";
    fail<ShapeError>("{}: targets of shape {} for an input of shape {}; expected {}{}", op, t.shape(),
                     x.shape(), expected, hint);
}

// (N, C, ...) as rows of classes (R, C).
Tensor class_rows(const Tensor& x) {
    if (x.dim() == 1) return unsqueeze(x, 0);
    if (x.dim() == 2) return x;
    return reshape(transpose(flatten(x, 2), 1, 2), {x.numel() / x.shape()[1], x.shape()[1]});
}

void check_range(const char* op, const Tensor& labels, std::int64_t classes, std::int64_t ignore_index) {
    const detail::Unheard check_alone;
    const std::vector<std::int64_t> values = labels.to_vector<std::int64_t>();
    for (std::size_t i = 0; i < values.size(); ++i)
        check<IndexError>((values[i] >= 0 && values[i] < classes) || values[i] == ignore_index,
                          "{}: label {} at index {} is outside [0, {})", op, values[i], i, classes);
}

// The weight each row counts with: its class's, 0 where ignored.
Tensor row_weights(const char* op, const Tensor& weight, const Tensor& labels, const Tensor& kept,
                   const Tensor& x) {
    Tensor used = kept.to(x.dtype());
    if (!weight.defined()) return used;
    check<ShapeError>(weight.dim() == 1 && weight.numel() == x.shape()[1],
                      "{}: weight of shape {} for {} classes", op, weight.shape(), x.shape()[1]);
    return index_select(weight.to(x.dtype()), 0, labels) * used;
}

Tensor reduce_weighted(const Tensor& losses, const Tensor& weights, Reduction reduction, const Shape& shape) {
    if (reduction == Reduction::none) return reshape(losses, shape);
    return reduction == Reduction::mean ? sum(losses) / sum(weights) : sum(losses);
}

// sum_c -p_c x_c for probabilities p, mean over the rows.
Tensor soft_cross_entropy(const Tensor& x, const Tensor& t, const CrossEntropyOptions& options) {
    check<ShapeError>(
        x.shape() == t.shape(), "cross_entropy: probabilities of shape {} for an input of shape {}{}",
        t.shape(), x.shape(),
        t.numel() == label_shape(x).numel() ? "; class numbers are integers: targets.to(i64)" : "");
    const int dim = x.dim() == 1 ? 0 : 1;
    const double classes = static_cast<double>(x.shape()[dim]), s = options.label_smoothing;
    const Tensor p = s == 0 ? t : t * (1 - s) + s / classes;
    Tensor terms = p * log_softmax(x, dim);
    if (options.weight.defined()) {
        Shape aligned = Shape::filled(x.dim(), 1);
        aligned[dim] = x.shape()[dim];
        terms = terms * reshape(options.weight, aligned);
    }
    Tensor losses = neg(sum(terms, dim));
    if (options.reduction == Reduction::none) return losses;
    const Tensor total = sum(losses);
    return options.reduction == Reduction::sum ? total : total / static_cast<double>(losses.numel());
}

}  // namespace

Tensor nll_loss(const Tensor& input, const Tensor& t, const NllOptions& options) {
    check_class_shapes("nll_loss", input, t);
    const Tensor x = class_rows(apply::raised(input)),
                 labels = reshape(as_labels("nll_loss", t), {t.numel()});
    check_range("nll_loss", labels, x.shape()[1], options.ignore_index);
    const Tensor kept = ne(labels, options.ignore_index);
    const Tensor safe = where(kept, labels, zeros_like(labels));
    const Tensor weights = row_weights("nll_loss", options.weight, safe, kept, x);
    const Tensor picked = squeeze(gather(x, 1, unsqueeze(safe, 1)), 1);
    // Where ignored, the row is left out entirely: its value may be infinite.
    const Tensor losses = where(kept, neg(picked) * weights, zeros_like(weights));
    return reduce_weighted(losses, weights, options.reduction, t.shape());
}

Tensor cross_entropy(const Tensor& input, const Tensor& t, const CrossEntropyOptions& options) {
    const Tensor x = apply::raised(input);
    check<ValueError>(options.label_smoothing >= 0 && options.label_smoothing <= 1,
                      "cross_entropy: label smoothing {} is outside [0, 1]", options.label_smoothing);
    if (std::string_view(x.producer_name()) == "softmax") [[unlikely]]
        warn_once("softmax before cross_entropy",
                  "cross_entropy: its input comes from softmax, which cross_entropy applies itself; pass the "
                  "scores as they are");
    if (x.dim() > 0 && x.shape()[x.dim() == 1 ? 0 : 1] == 1)
        warn_once(
            "one class in cross_entropy",
            fmt::format("cross_entropy: an input of shape {} is the score of one class alone, its loss is "
                        "always 0; where one score tells two classes apart, use BCEWithLogitsLoss "
                        "(binary_cross_entropy_with_logits), with targets of 0. and 1. in that shape",
                        x.shape()));
    if (is_floating(t.dtype())) return soft_cross_entropy(x, t, options);
    check_class_shapes("cross_entropy", x, t);
    const bool plain = !options.weight.defined() && options.label_smoothing == 0 && x.dim() == 2 &&
                       (x.dtype() == DType::f32 || x.dtype() == DType::f64) && x.shape()[1] > 0;
    if (plain) {
        apply::check_same_device("cross_entropy", x, t);
        return record(FusedCrossEntropy(options.reduction, options.ignore_index), x,
                      as_labels("cross_entropy", t));
    }
    const Tensor rows = log_softmax(class_rows(x), 1),
                 labels = reshape(as_labels("cross_entropy", t), {t.numel()});
    check_range("cross_entropy", labels, rows.shape()[1], options.ignore_index);
    const Tensor kept = ne(labels, options.ignore_index);
    const Tensor safe = where(kept, labels, zeros_like(labels));
    const Tensor weights = row_weights("cross_entropy", options.weight, safe, kept, rows);
    const double s = options.label_smoothing;
    const Tensor picked = squeeze(gather(rows, 1, unsqueeze(safe, 1)), 1);
    Tensor losses = where(kept, neg(picked) * weights, zeros_like(weights)) * (1 - s);
    if (s > 0) {
        const Tensor weighted = options.weight.defined() ? rows * options.weight.to(rows.dtype()) : rows;
        const Tensor even = neg(sum(weighted, 1)) * (s / static_cast<double>(rows.shape()[1]));
        losses = losses + where(kept, even, zeros_like(even));
    }
    return reduce_weighted(losses, weights, options.reduction, t.shape());
}

}  // namespace adjoint
