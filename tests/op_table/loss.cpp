// Rows of the losses, each sample written out as its formula.
#include <algorithm>
#include <cmath>

#include <adjoint/autograd/ops/cross_entropy.h>
#include <adjoint/autograd/ops/loss.h>

#include "op_table/op_table.h"

namespace adjoint::table {
namespace {

using Kind = Input::Kind;

constexpr Reduction reductions[] = {Reduction::mean, Reduction::sum, Reduction::none};
constexpr const char* reduction_names[] = {"mean", "sum", "none"};

// `weight`: what the mean divides by.
Array reduce(const Array& losses, Reduction reduction, double weight) {
    if (reduction == Reduction::none) return losses;
    double total = 0;
    for (const double x : losses.values) total += x;
    return Array(Shape{}, reduction == Reduction::mean ? total / weight : total);
}

using Pairwise = std::function<double(double, double)>;
using Call = std::function<Tensor(const Tensor&, const Tensor&, Reduction)>;

void add(Rows& rows, const char* op, const std::string& variant, Input x, Input y, const Call& call,
         const Pairwise& f) {
    for (std::size_t r = 0; r < 3; ++r) {
        for (const Shape& shape : {Shape{3, 4}, Shape{}, Shape{0, 2}}) {
            const Reduction reduction = reductions[r];
            Row row;
            row.op = op;
            row.variant =
                variant + reduction_names[r] + (shape.empty() ? "_0d" : (shape[0] == 0 ? "_empty" : ""));
            row.inputs = {x, y};
            row.inputs[0].shape = row.inputs[1].shape = shape;
            row.call = [call, reduction](const Tensors& in) {
                return Tensors{call(in[0], in[1], reduction)};
            };
            row.reference = [f, reduction](const Arrays& in) {
                const Array losses =
                    build(in[0].shape, [&](const Shape& p) { return f(in[0].at(p), in[1].at(p)); });
                return Arrays{reduce(losses, reduction, static_cast<double>(losses.numel()))};
            };
            row.differentiable = shape.empty() || shape[0] > 0 || reduction != Reduction::mean;
            row.on_distinct_only = true;  // equal pairs sit on a kink
            rows.push_back(std::move(row));
        }
    }
}

void add_differences(Rows& rows) {
    const Input below{.low = -2, .high = -0.2}, above{.low = 0.2, .high = 2};
    const Input near_zero{.low = -0.2, .high = 0.2}, far{.low = 1, .high = 2};
    add(
        rows, "mse_loss", "", below, above,
        [](const Tensor& x, const Tensor& y, Reduction r) { return mse_loss(x, y, r); },
        [](double x, double y) { return (x - y) * (x - y); });
    add(
        rows, "l1_loss", "", below, above,
        [](const Tensor& x, const Tensor& y, Reduction r) { return l1_loss(x, y, r); },
        [](double x, double y) { return std::abs(x - y); });
    const auto smooth = [](double beta) {
        return [beta](double x, double y) {
            const double d = std::abs(x - y);
            return d < beta ? d * d / (2 * beta) : d - beta / 2;
        };
    };
    const auto huber = [](double delta) {
        return [delta](double x, double y) {
            const double d = std::abs(x - y);
            return d < delta ? d * d / 2 : delta * (d - delta / 2);
        };
    };
    const auto smooth_l1 = [](double beta) {
        return [beta](const Tensor& x, const Tensor& y, Reduction r) {
            return smooth_l1_loss(x, y, {.reduction = r, .beta = beta});
        };
    };
    const auto huber_call = [](double delta) {
        return [delta](const Tensor& x, const Tensor& y, Reduction r) {
            return huber_loss(x, y, {.reduction = r, .delta = delta});
        };
    };
    add(rows, "smooth_l1_loss", "inside_", near_zero, near_zero, smooth_l1(1), smooth(1));
    add(rows, "smooth_l1_loss", "outside_", near_zero, far, smooth_l1(0.5), smooth(0.5));
    add(rows, "smooth_l1_loss", "zero_", near_zero, far, smooth_l1(0),
        [](double x, double y) { return std::abs(x - y); });
    add(rows, "huber_loss", "inside_", near_zero, near_zero, huber_call(1), huber(1));
    add(rows, "huber_loss", "outside_", near_zero, far, huber_call(0.5), huber(0.5));
}

void add_probabilities(Rows& rows) {
    const Input chance{.low = 0.1, .high = 0.9}, score{.low = -3, .high = 3};
    add(
        rows, "binary_cross_entropy", "", chance, chance,
        [](const Tensor& p, const Tensor& t, Reduction r) {
            return binary_cross_entropy(p, t, {.reduction = r});
        },
        [](double p, double t) { return -(t * std::log(p) + (1 - t) * std::log(1 - p)); });
    add(
        rows, "binary_cross_entropy_with_logits", "", score, chance,
        [](const Tensor& x, const Tensor& t, Reduction r) {
            return binary_cross_entropy_with_logits(x, t, {.reduction = r});
        },
        [](double x, double t) {
            const double p = 1 / (1 + std::exp(-x));
            return -(t * std::log(p) + (1 - t) * std::log(1 - p));
        });
    add(
        rows, "kl_div", "", score, chance,
        [](const Tensor& x, const Tensor& t, Reduction r) { return kl_div(x, t, {.reduction = r}); },
        [](double x, double t) { return t * (std::log(t) - x); });
    add(
        rows, "kl_div", "log_target_", score, score,
        [](const Tensor& x, const Tensor& t, Reduction r) {
            return kl_div(x, t, {.reduction = r, .log_target = true});
        },
        [](double x, double t) { return std::exp(t) * (t - x); });

    const auto with_weight = [&](const char* op, bool logits, const Shape& weight_shape,
                                 const char* variant) {
        Row row;
        row.op = op;
        row.variant = variant;
        row.inputs = {logits ? score : chance, chance, {.shape = weight_shape, .low = 0.5, .high = 2}};
        row.inputs[0].shape = row.inputs[1].shape = {3, 4};
        row.call = [logits](const Tensors& in) {
            return Tensors{logits ? binary_cross_entropy_with_logits(in[0], in[1], {.pos_weight = in[2]})
                                  : binary_cross_entropy(in[0], in[1], {.weight = in[2]})};
        };
        row.reference = [logits](const Arrays& in) {
            const Array losses = build({3, 4}, [&](const Shape& place) {
                const double x = in[0].at(place), t = in[1].at(place), w = broadcast_at(in[2], place);
                const double p = logits ? 1 / (1 + std::exp(-x)) : x;
                return logits ? -(w * t * std::log(p) + (1 - t) * std::log(1 - p))
                              : -w * (t * std::log(p) + (1 - t) * std::log(1 - p));
            });
            return Arrays{reduce(losses, Reduction::mean, 12)};
        };
        row.on_distinct_only = true;
        rows.push_back(std::move(row));
    };
    with_weight("binary_cross_entropy", false, {3, 4}, "weight");
    with_weight("binary_cross_entropy", false, {4}, "weight_row");
    with_weight("binary_cross_entropy_with_logits", true, {4}, "pos_weight");

    // At the ends of the range: logarithms at -100, scores far out, targets of 0 in kl_div.
    Row ends;
    ends.op = "binary_cross_entropy";
    ends.variant = "ends";
    ends.inputs = {{.shape = {4}, .kind = Kind::fixed, .values = {0, 0, 1, 1}},
                   {.shape = {4}, .kind = Kind::fixed, .values = {0, 1, 0, 1}}};
    ends.call = [](const Tensors& in) {
        return Tensors{binary_cross_entropy(in[0], in[1], {.reduction = Reduction::none})};
    };
    ends.reference = [](const Arrays&) {
        Array out({4});
        out.values = {0, 100, 100, 0};
        return Arrays{out};
    };
    ends.differentiable = false;
    rows.push_back(ends);
    ends.op = "binary_cross_entropy_with_logits";
    ends.inputs[0].values = {-800, -800, 800, 800};
    ends.call = [](const Tensors& in) {
        return Tensors{binary_cross_entropy_with_logits(in[0], in[1], {.reduction = Reduction::none})};
    };
    ends.reference = [](const Arrays&) {
        Array out({4});
        out.values = {0, 800, 800, 0};
        return Arrays{out};
    };
    ends.differentiable = true;
    ends.second = true;
    ends.on_distinct_only = true;
    rows.push_back(ends);
    ends.op = "kl_div";
    ends.inputs = {{.shape = {4}, .kind = Kind::fixed, .values = {-1, -2, -3, -4}},
                   {.shape = {4}, .kind = Kind::fixed, .values = {0, 1, 0, 0.5}, .wants_gradient = false}};
    ends.call = [](const Tensors& in) {
        return Tensors{kl_div(in[0], in[1], {.reduction = Reduction::none})};
    };
    ends.reference = [](const Arrays&) {
        Array out({4});
        out.values = {0, 2, 0, 0.5 * (std::log(0.5) + 4)};
        return Arrays{out};
    };
    rows.push_back(ends);
}

struct Classes {
    std::string variant;
    Shape x, t;
    bool weight = false;
    std::int64_t ignore = -100;
    double smoothing = 0;
};

// The formula of cross_entropy (and, without the softmax, of nll_loss) for scores (N, C, ...).
Array class_loss(const Arrays& in, const Classes& c, Reduction reduction, bool softmax) {
    const bool single = c.x.size() == 1;
    const int dim = single ? 0 : 1;
    const Array x = !softmax ? in[0] : along(in[0], dim, [](std::vector<double> v) {
        double whole = 0;
        for (const double value : v) whole += std::exp(value);
        for (double& value : v) value -= std::log(whole);
        return v;
    });
    const std::int64_t classes = c.x[dim];
    double divisor = 0;
    const Array losses = build(c.t, [&](const Shape& place) {
        const auto label = static_cast<std::int64_t>(in[1].at(place));
        if (label == c.ignore) return 0.0;
        const auto at = [&](std::int64_t k) {
            Shape full = place;
            full.insert(dim, k);
            return x.at(full);
        };
        const auto weight = [&](std::int64_t k) { return c.weight ? in[2][k] : 1.0; };
        divisor += weight(label);
        double even = 0;
        for (std::int64_t k = 0; k < classes; ++k) even -= weight(k) * at(k);
        return -(1 - c.smoothing) * weight(label) * at(label) +
               c.smoothing * even / static_cast<double>(classes);
    });
    return reduce(losses, reduction, divisor);
}

void add_classes(Rows& rows) {
    const Classes cases[] = {{"plain", {5, 3}, {5}},
                             {"one", {3}, {}},
                             {"image", {2, 3, 2, 2}, {2, 2, 2}},
                             {"weight", {5, 3}, {5}, true},
                             {"ignore", {6, 3}, {6}, false, 1},
                             {"weight_ignore", {6, 3}, {6}, true, 1},
                             {"smooth", {5, 3}, {5}, false, -100, 0.2},
                             {"smooth_weight_ignore", {6, 3}, {6}, true, 2, 0.2},
                             {"no_samples", {0, 3}, {0}}};
    for (const Classes& c : cases) {
        for (std::size_t r = 0; r < 3; ++r) {
            const Reduction reduction = reductions[r];
            for (const bool softmax : {true, false}) {
                if (!softmax && c.smoothing > 0) continue;
                Row row;
                row.op = softmax ? "cross_entropy" : "nll_loss";
                row.variant = c.variant + "_" + reduction_names[r];
                const double classes = static_cast<double>(c.x[c.x.size() == 1 ? 0 : 1]);
                row.inputs = {{.shape = c.x},
                              {.shape = c.t, .low = 0, .high = classes - 1, .kind = Kind::integer}};
                if (c.weight)
                    row.inputs.push_back({.shape = {3}, .low = 0.5, .high = 2, .wants_gradient = false});
                row.call = [c, reduction, softmax](const Tensors& in) {
                    const Tensor weight = c.weight ? in[2] : Tensor();
                    if (softmax)
                        return Tensors{cross_entropy(in[0], in[1],
                                                     {.weight = weight,
                                                      .reduction = reduction,
                                                      .ignore_index = c.ignore,
                                                      .label_smoothing = c.smoothing})};
                    return Tensors{nll_loss(
                        in[0], in[1], {.weight = weight, .reduction = reduction, .ignore_index = c.ignore})};
                };
                row.reference = [c, reduction, softmax](const Arrays& in) {
                    return Arrays{class_loss(in, c, reduction, softmax)};
                };
                row.differentiable = c.x[0] > 0 || reduction != Reduction::mean;
                // Expanding the targets may leave nothing but ignored ones.
                row.on_distinct_only = c.ignore >= 0 && reduction == Reduction::mean;
                rows.push_back(std::move(row));
            }
        }
    }
    for (const double smoothing : {0.0, 0.1}) {
        Row soft;
        soft.op = "cross_entropy";
        soft.variant = smoothing > 0 ? "probabilities_smooth" : "probabilities";
        soft.inputs = {{.shape = {4, 3}}, {.shape = {4, 3}, .low = 0.1, .high = 0.6}};
        soft.call = [smoothing](const Tensors& in) {
            return Tensors{cross_entropy(in[0], in[1],
                                         {.weight = {},
                                          .reduction = Reduction::mean,
                                          .ignore_index = -100,
                                          .label_smoothing = smoothing})};
        };
        soft.reference = [smoothing](const Arrays& in) {
            double total = 0;
            for (std::int64_t i = 0; i < 4; ++i) {
                double whole = 0;
                for (std::int64_t k = 0; k < 3; ++k) whole += std::exp(in[0].at({i, k}));
                for (std::int64_t k = 0; k < 3; ++k)
                    total -= ((1 - smoothing) * in[1].at({i, k}) + smoothing / 3) *
                             (in[0].at({i, k}) - std::log(whole));
            }
            return Arrays{Array(Shape{}, total / 4)};
        };
        rows.push_back(std::move(soft));
    }
}

}  // namespace

void add_loss(Rows& rows) {
    add_differences(rows);
    add_probabilities(rows);
    add_classes(rows);
}

}  // namespace adjoint::table
