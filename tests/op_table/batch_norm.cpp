// Rows of batch normalisation.
#include <cmath>

#include <adjoint/autograd/ops/batch_norm.h>
#include <adjoint/core/tensor/creation.h>

#include "op_table/op_table.h"

namespace adjoint::table {
namespace {

struct Channel {
    double mean = 0, variance = 0, count = 0;
};

std::vector<Channel> statistics(const Array& x) {
    std::vector<Channel> channels(static_cast<std::size_t>(x.shape[1]));
    const auto of = [&](const Shape& p) -> Channel& { return channels[static_cast<std::size_t>(p[1])]; };
    for_each_place(x.shape, [&](const Shape& p) {
        of(p).mean += x.at(p);
        of(p).count += 1;
    });
    for (Channel& c : channels) c.mean /= c.count;
    for_each_place(x.shape, [&](const Shape& p) { of(p).variance += std::pow(x.at(p) - of(p).mean, 2); });
    for (Channel& c : channels) c.variance /= c.count;
    return channels;
}

Array normalised(const Array& x, const std::vector<Channel>& channels, const Array* weight, const Array* bias,
                 double eps) {
    return build(x.shape, [&](const Shape& p) {
        const Channel& c = channels[static_cast<std::size_t>(p[1])];
        const double h = (x.at(p) - c.mean) / std::sqrt(c.variance + eps);
        return h * (weight ? (*weight)[p[1]] : 1) + (bias ? (*bias)[p[1]] : 0);
    });
}

void add_training(Rows& rows) {
    struct Case {
        const char* variant;
        Shape x;
        bool affine;
    };
    const Case cases[] = {{"training", {6, 3}, true},
                          {"training_plain", {6, 3}, false},
                          {"training_image", {2, 3, 2, 3}, true},
                          {"training_sequence", {3, 2, 5}, true}};
    for (const Case& c : cases) {
        Row row;
        row.op = "batch_norm";
        row.variant = c.variant;
        const Shape channels{c.x[1]};
        row.inputs = {{.shape = c.x}};
        if (c.affine)
            row.inputs.insert(row.inputs.end(), {{.shape = channels, .low = 0.5}, {.shape = channels}});
        row.call = [affine = c.affine](const Tensors& in) {
            return Tensors{batch_norm(in[0], {}, {}, affine ? in[1] : Tensor(), affine ? in[2] : Tensor(),
                                      {.training = true, .momentum = 0.1, .eps = 1e-3})};
        };
        row.reference = [affine = c.affine](const Arrays& in) {
            return Arrays{normalised(in[0], statistics(in[0]), affine ? &in[1] : nullptr,
                                     affine ? &in[2] : nullptr, 1e-3)};
        };
        rows.push_back(std::move(row));
    }

    // The running statistics move by momentum towards the mean and the unbiased variance.
    Row running;
    running.op = "batch_norm";
    running.variant = "running";
    running.inputs = {{.shape = {4, 3, 2}},
                      {.shape = {3}, .wants_gradient = false},
                      {.shape = {3}, .low = 0.5, .wants_gradient = false}};
    running.call = [](const Tensors& in) {
        const Tensor mean = in[1].detach().clone(), variance = in[2].detach().clone();
        const Tensor y =
            batch_norm(in[0], mean, variance, {}, {}, {.training = true, .momentum = 0.25, .eps = 1e-5});
        return Tensors{y, mean, variance};
    };
    running.reference = [](const Arrays& in) {
        const std::vector<Channel> channels = statistics(in[0]);
        Array mean({3}), variance({3});
        for (std::size_t c = 0; c < 3; ++c) {
            const double n = channels[c].count;
            mean.values[c] = 0.75 * in[1].values[c] + 0.25 * channels[c].mean;
            variance.values[c] = 0.75 * in[2].values[c] + 0.25 * channels[c].variance * n / (n - 1);
        }
        return Arrays{normalised(in[0], channels, nullptr, nullptr, 1e-5), mean, variance};
    };
    running.differentiable = false;  // no gradient flows into the running statistics
    rows.push_back(std::move(running));
}

void add_evaluation(Rows& rows) {
    for (const bool affine : {true, false}) {
        Row row;
        row.op = "batch_norm";
        row.variant = affine ? "evaluation" : "evaluation_plain";
        row.inputs = {{.shape = {4, 3, 2}}, {.shape = {3}}, {.shape = {3}, .low = 0.5}};
        if (affine) row.inputs.insert(row.inputs.end(), {{.shape = {3}}, {.shape = {3}}});
        row.call = [affine](const Tensors& in) {
            return Tensors{
                batch_norm(in[0], in[1], in[2], affine ? in[3] : Tensor(), affine ? in[4] : Tensor())};
        };
        row.reference = [affine](const Arrays& in) {
            std::vector<Channel> channels(3);
            for (std::size_t c = 0; c < 3; ++c) channels[c] = {in[1].values[c], in[2].values[c], 0};
            return Arrays{
                normalised(in[0], channels, affine ? &in[3] : nullptr, affine ? &in[4] : nullptr, 1e-5)};
        };
        rows.push_back(std::move(row));
    }
}

}  // namespace

void add_batch_norm(Rows& rows) {
    add_training(rows);
    add_evaluation(rows);
}

}  // namespace adjoint::table
