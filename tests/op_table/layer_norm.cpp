// Rows of layer, root mean square, group and instance normalisation.
#include <cmath>
#include <optional>

#include <adjoint/autograd/ops/layer_norm.h>

#include "op_table/op_table.h"

namespace adjoint::table {
namespace {

constexpr double eps = 1e-3;

// Each run of `count` elements brought to mean 0 and variance 1.
Array normalised(const Array& x, std::int64_t count, double epsilon) {
    Array y = x;
    const auto n = static_cast<double>(count);
    for (std::int64_t first = 0; first < x.numel(); first += count) {
        double mean = 0, variance = 0;
        for (std::int64_t i = first; i < first + count; ++i) mean += x[i] / n;
        for (std::int64_t i = first; i < first + count; ++i) variance += (x[i] - mean) * (x[i] - mean) / n;
        for (std::int64_t i = first; i < first + count; ++i)
            y[i] = (x[i] - mean) / std::sqrt(variance + epsilon);
    }
    return y;
}

// y w + b with w and b per channel.
Array by_channel(const Array& y, const Array& w, const Array& b) {
    return build(y.shape, [&](const Shape& p) { return y.at(p) * w[p[1]] + b[p[1]]; });
}

void add_plain_layer_norm(Rows& rows) {
    struct Case {
        const char* variant;
        Shape x, normalized;
        bool affine;
    };
    const Case cases[] = {{"row", {4, 6}, {6}, true},
                          {"plain", {2, 3, 4}, {4}, false},
                          {"two", {3, 2, 3}, {2, 3}, true},
                          {"everything", {5}, {5}, true},
                          {"nothing", {0, 3}, {3}, true}};
    for (const Case& c : cases) {
        Row row;
        row.op = "layer_norm";
        row.variant = c.variant;
        row.inputs = {{.shape = c.x}};
        if (c.affine) row.inputs.insert(row.inputs.end(), {{.shape = c.normalized}, {.shape = c.normalized}});
        row.call = [c](const Tensors& in) {
            return Tensors{layer_norm(in[0], c.normalized, c.affine ? in[1] : Tensor(),
                                      c.affine ? in[2] : Tensor(), eps)};
        };
        row.reference = [c](const Arrays& in) {
            Array y = normalised(in[0], c.normalized.numel(), eps);
            for (std::int64_t i = 0; c.affine && i < y.numel(); ++i)
                y[i] = y[i] * in[1][i % in[1].numel()] + in[2][i % in[1].numel()];
            return Arrays{y};
        };
        rows.push_back(std::move(row));
    }
}

void add_rms_norm(Rows& rows) {
    struct Case {
        const char* variant;
        Shape x, normalized;
        std::optional<double> epsilon;
        bool weighted;
    };
    const Case cases[] = {{"row", {4, 6}, {6}, eps, true},
                          {"plain", {2, 3, 4}, {4}, {}, false},
                          {"two", {3, 2, 3}, {2, 3}, 0.5, true},
                          {"everything", {5}, {5}, eps, true},
                          {"nothing", {0, 3}, {3}, eps, true}};
    for (const Case& c : cases) {
        Row row;
        row.op = "rms_norm";
        row.variant = c.variant;
        row.inputs = {{.shape = c.x}};
        if (c.weighted) row.inputs.push_back({.shape = c.normalized});
        row.call = [c](const Tensors& in) {
            return Tensors{rms_norm(in[0], c.normalized, c.weighted ? in[1] : Tensor(), c.epsilon)};
        };
        row.reference = [c](const Arrays& in) {
            Array y = in[0];
            const std::int64_t count = c.normalized.numel();
            for (std::int64_t first = 0; first < y.numel(); first += count) {
                double squares = 0;
                for (std::int64_t i = first; i < first + count; ++i) squares += in[0][i] * in[0][i];
                const double size = std::sqrt(squares / static_cast<double>(count) + c.epsilon.value_or(0));
                for (std::int64_t i = first; i < first + count; ++i)
                    y[i] *= (c.weighted ? in[1][i - first] : 1) / size;
            }
            return Arrays{y};
        };
        rows.push_back(std::move(row));
    }
}

void add_group_norm(Rows& rows) {
    struct Case {
        const char* variant;
        Shape x;
        std::int64_t groups;
    };
    const Case cases[] = {
        {"image", {2, 4, 2, 3}, 2}, {"matrix", {3, 6}, 2}, {"one", {2, 3, 4}, 1}, {"each", {1, 3, 4}, 3}};
    for (const Case& c : cases) {
        Row row;
        row.op = "group_norm";
        row.variant = c.variant;
        row.inputs = {{.shape = c.x}, {.shape = {c.x[1]}}, {.shape = {c.x[1]}}};
        row.call = [c](const Tensors& in) {
            return Tensors{group_norm(in[0], c.groups, in[1], in[2], eps), group_norm(in[0], c.groups)};
        };
        row.reference = [c](const Arrays& in) {
            const std::int64_t count = in[0].numel() / (c.x[0] * c.groups);
            return Arrays{by_channel(normalised(in[0], count, eps), in[1], in[2]),
                          normalised(in[0], count, 1e-5)};
        };
        rows.push_back(std::move(row));
    }
}

void add_instance_norm(Rows& rows) {
    for (const Shape& shape : {Shape{2, 3, 2, 3}, Shape{3, 2, 5}}) {
        Row row;
        row.op = "instance_norm";
        row.variant = shape.size() == 4 ? "image" : "sequence";
        row.inputs = {{.shape = shape}, {.shape = {shape[1]}}, {.shape = {shape[1]}}};
        row.call = [](const Tensors& in) {
            return Tensors{instance_norm(in[0], {}, {}, in[1], in[2], {.eps = eps}), instance_norm(in[0])};
        };
        row.reference = [](const Arrays& in) {
            const std::int64_t count = in[0].numel() / (in[0].shape[0] * in[0].shape[1]);
            return Arrays{by_channel(normalised(in[0], count, eps), in[1], in[2]),
                          normalised(in[0], count, 1e-5)};
        };
        rows.push_back(std::move(row));
    }

    Row running;
    running.op = "instance_norm";
    running.variant = "running";
    running.inputs = {{.shape = {3, 2, 4}},
                      {.shape = {2}, .wants_gradient = false},
                      {.shape = {2}, .low = 0.5, .wants_gradient = false}};
    running.differentiable = false;  // no gradient flows into the running statistics
    running.call = [](const Tensors& in) {
        const Tensor mean = in[1].detach().clone(), variance = in[2].detach().clone();
        const Tensor y = instance_norm(in[0], mean, variance, {}, {}, {.momentum = 0.25});
        return Tensors{y, mean, variance};
    };
    running.reference = [](const Arrays& in) {
        Array mean = in[1], variance = in[2];
        for (std::int64_t c = 0; c < 2; ++c) {
            double means = 0, variances = 0;
            for (std::int64_t n = 0; n < 3; ++n) {
                double m = 0, v = 0;
                for (std::int64_t i = 0; i < 4; ++i) m += in[0].at({n, c, i}) / 4;
                for (std::int64_t i = 0; i < 4; ++i) v += std::pow(in[0].at({n, c, i}) - m, 2) / 3;
                means += m / 3;
                variances += v / 3;
            }
            mean[c] = 0.75 * mean[c] + 0.25 * means;
            variance[c] = 0.75 * variance[c] + 0.25 * variances;
        }
        return Arrays{normalised(in[0], 4, 1e-5), mean, variance};
    };
    rows.push_back(std::move(running));

    Row evaluation;
    evaluation.op = "instance_norm";
    evaluation.variant = "evaluation";
    evaluation.inputs = {
        {.shape = {2, 3, 4}}, {.shape = {3}}, {.shape = {3}, .low = 0.5}, {.shape = {3}}, {.shape = {3}}};
    evaluation.call = [](const Tensors& in) {
        return Tensors{
            instance_norm(in[0], in[1], in[2], in[3], in[4], {.use_input_stats = false, .eps = eps})};
    };
    evaluation.reference = [](const Arrays& in) {
        return Arrays{build(in[0].shape, [&](const Shape& p) {
            return (in[0].at(p) - in[1][p[1]]) / std::sqrt(in[2][p[1]] + eps) * in[3][p[1]] + in[4][p[1]];
        })};
    };
    rows.push_back(std::move(evaluation));
}

}  // namespace

void add_layer_norm(Rows& rows) {
    add_plain_layer_norm(rows);
    add_rms_norm(rows);
    add_group_norm(rows);
    add_instance_norm(rows);
}

}  // namespace adjoint::table
