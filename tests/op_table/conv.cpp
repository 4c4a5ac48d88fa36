// Rows of the convolutions, of unfold and of fold.
#include <adjoint/autograd/ops/convolution.h>

#include "op_table/activations.h"
#include "op_table/op_table.h"

namespace adjoint::table {
namespace {

struct Geometry {
    HeightWidth stride = 1, padding = 0, dilation = 1;
    std::int64_t groups = 1;
};

std::int64_t windows(std::int64_t size, std::int64_t kernel, std::int64_t stride, std::int64_t padding,
                     std::int64_t dilation) {
    return (size + 2 * padding - dilation * (kernel - 1) - 1) / stride + 1;
}

Shape four(const Shape& shape) {
    Shape out = shape;
    if (out.size() == 3) out.insert(0, 1);
    return out;
}

// Calls f(x place, w place, y place) for every product that a convolution of these shapes sums.
void each_product(const Shape& x, const Shape& w, const Shape& y, const Geometry& g,
                  const std::function<void(const Shape&, const Shape&, const Shape&)>& f) {
    const std::int64_t filters = w[0] / g.groups;
    for_each_place(y, [&](const Shape& at) {
        for_each_place({w[1], w[2], w[3]}, [&](const Shape& tap) {
            const std::int64_t h = at[2] * g.stride.height - g.padding.height + tap[1] * g.dilation.height;
            const std::int64_t v = at[3] * g.stride.width - g.padding.width + tap[2] * g.dilation.width;
            if (h < 0 || v < 0 || h >= x[2] || v >= x[3]) return;
            f({at[0], at[1] / filters * w[1] + tap[0], h, v}, {at[1], tap[0], tap[1], tap[2]}, at);
        });
    });
}

Array convolved(const Array& source, const Array& w, const Array* bias, const Geometry& g) {
    Array x = source;
    x.shape = four(x.shape);
    const Shape shape{x.shape[0], w.shape[0],
                      windows(x.shape[2], w.shape[2], g.stride.height, g.padding.height, g.dilation.height),
                      windows(x.shape[3], w.shape[3], g.stride.width, g.padding.width, g.dilation.width)};
    Array y = build(shape, [&](const Shape& at) { return bias ? (*bias)[at[1]] : 0; });
    each_product(x.shape, w.shape, shape, g, [&](const Shape& from, const Shape& weight, const Shape& to) {
        y.at(to) += x.at(from) * w.at(weight);
    });
    if (source.shape.size() == 3) y.shape.erase(0);
    return y;
}

// The transpose: here x has the shape of a convolution's result and `shape` that of its input.
Array transposed(const Array& x, const Array& w, const Array* bias, const Geometry& g, const Shape& shape) {
    Array y = build(shape, [&](const Shape& at) { return bias ? (*bias)[at[1]] : 0; });
    each_product(shape, w.shape, four(x.shape), g,
                 [&](const Shape& from, const Shape& weight, const Shape& to) {
                     Shape place = to;
                     if (x.shape.size() == 3) place.erase(0);
                     y.at(from) += x.at(place) * w.at(weight);
                 });
    if (x.shape.size() == 3) y.shape.erase(0);
    return y;
}

// The same row with an activation in the pass.
Row with_activation(Row row, const ActivationCase& f, std::function<Tensors(const Tensors&)> call) {
    row.variant += std::string("_then_") + f.name;
    row.call = std::move(call);
    row.reference = [plain = row.reference, f](const Arrays& in) {
        Arrays out = plain(in);
        for (double& y : out[0].values) y = f.reference(y);
        return out;
    };
    return row;
}

void add_conv2d(Rows& rows) {
    struct Case {
        const char* variant;
        Shape x, w;
        bool bias;
        Geometry g;
    };
    const Case cases[] = {
        {"plain", {2, 3, 5, 4}, {4, 3, 3, 2}, true, {}},
        {"nobias", {2, 2, 4, 4}, {3, 2, 2, 2}, false, {}},
        {"stride", {1, 2, 6, 7}, {2, 2, 3, 3}, true, {.stride = {2, 3}, .padding = {1, 0}}},
        {"remainder", {2, 1, 8, 9}, {2, 1, 3, 2}, false, {.stride = {3, 4}, .padding = {0, 1}}},
        {"dilation", {1, 2, 7, 6}, {2, 2, 3, 2}, true, {.padding = {2, 1}, .dilation = {2, 3}}},
        {"all",
         {2, 4, 7, 8},
         {4, 2, 3, 2},
         true,
         {.stride = {2, 3}, .padding = {2, 1}, .dilation = {2, 1}, .groups = 2}},
        {"depthwise", {2, 3, 5, 5}, {6, 1, 2, 3}, true, {.padding = 1, .groups = 3}},
        {"pointwise", {2, 5, 3, 3}, {4, 5, 1, 1}, true, {}},
        {"pointwise_stride", {2, 3, 5, 4}, {2, 3, 1, 1}, false, {.stride = 2}},
        {"widepadding", {1, 2, 3, 2}, {2, 2, 2, 1}, true, {.padding = {3, 2}}},
        {"unbatched", {3, 5, 4}, {2, 3, 2, 2}, true, {}},
        {"nosamples", {0, 3, 5, 4}, {2, 3, 2, 2}, true, {}},
    };
    for (const Case& c : cases) {
        Row row;
        row.op = "conv2d";
        row.variant = c.variant;
        row.inputs = {{.shape = c.x}, {.shape = c.w}};
        if (c.bias) row.inputs.push_back({.shape = {c.w[0]}});
        const auto calling = [g = c.g](Activation then) {
            return [=](const Tensors& in) {
                return Tensors{conv2d(in[0], in[1], in.size() > 2 ? in[2] : Tensor(),
                                      {.stride = g.stride,
                                       .padding = g.padding,
                                       .dilation = g.dilation,
                                       .groups = g.groups,
                                       .then = then})};
            };
        };
        row.call = calling(Activation::none);
        row.reference = [g = c.g](const Arrays& in) {
            return Arrays{convolved(in[0], in[1], in.size() > 2 ? &in[2] : nullptr, g)};
        };
        for (const ActivationCase& f : activation_cases())
            if (f.activation == Activation::relu || std::string_view(c.variant) == "all")
                rows.push_back(with_activation(row, f, calling(f.activation)));
        rows.push_back(std::move(row));
    }
}

void add_conv1d(Rows& rows) {
    struct Case {
        const char* variant;
        Shape x, w;
        Conv1dOptions options;
    };
    const Case cases[] = {
        {"plain", {2, 3, 7}, {4, 3, 3}, {}},
        {"all", {2, 4, 9}, {4, 2, 2}, {.stride = 3, .padding = 2, .dilation = 2, .groups = 2}},
        {"unbatched", {3, 6}, {2, 3, 4}, {.padding = 1}},
    };
    for (const Case& c : cases) {
        Row row;
        row.op = "conv1d";
        row.variant = c.variant;
        row.inputs = {{.shape = c.x}, {.shape = c.w}, {.shape = {c.w[0]}}};
        row.call = [o = c.options](const Tensors& in) { return Tensors{conv1d(in[0], in[1], in[2], o)}; };
        row.reference = [o = c.options](const Arrays& in) {
            Array x = in[0], w = in[1];
            const bool batched = x.shape.size() == 3;
            x.shape.insert(batched ? 2 : 1, 1);
            w.shape.insert(2, 1);
            Array y = convolved(x, w, &in[2],
                                {.stride = {1, o.stride},
                                 .padding = {0, o.padding},
                                 .dilation = {1, o.dilation},
                                 .groups = o.groups});
            y.shape.erase(batched ? 2 : 1);
            return Arrays{y};
        };
        rows.push_back(
            with_activation(row, activation_cases()[0], [o = c.options](const Tensors& in) mutable {
                o.then = Activation::relu;
                return Tensors{conv1d(in[0], in[1], in[2], o)};
            }));
        rows.push_back(std::move(row));
    }
}

void add_conv_transpose2d(Rows& rows) {
    struct Case {
        const char* variant;
        Shape x, w;
        bool bias;
        ConvTranspose2dOptions options;
        Shape y;
    };
    const Case cases[] = {
        {"plain", {2, 3, 3, 2}, {3, 2, 2, 3}, true, {}, {2, 2, 4, 4}},
        {"stride", {1, 2, 3, 2}, {2, 3, 3, 2}, false, {.stride = {2, 3}, .padding = {1, 0}}, {1, 3, 5, 5}},
        {"outputpadding",
         {2, 2, 2, 3},
         {2, 1, 2, 2},
         true,
         {.stride = {2, 3}, .output_padding = {1, 2}},
         {2, 1, 5, 10}},
        {"all",
         {1, 4, 3, 2},
         {4, 2, 2, 3},
         true,
         {.stride = {3, 2}, .padding = {1, 2}, .output_padding = 1, .groups = 2, .dilation = {2, 3}},
         {1, 4, 8, 6}},
        {"unbatched", {2, 3, 3}, {2, 2, 2, 2}, true, {.stride = 2}, {1, 2, 6, 6}},
    };
    for (const Case& c : cases) {
        Row row;
        row.op = "conv_transpose2d";
        row.variant = c.variant;
        row.inputs = {{.shape = c.x}, {.shape = c.w}};
        if (c.bias) row.inputs.push_back({.shape = {c.y[1]}});
        row.call = [o = c.options](const Tensors& in) {
            return Tensors{conv_transpose2d(in[0], in[1], in.size() > 2 ? in[2] : Tensor(), o)};
        };
        row.reference = [o = c.options, shape = c.y](const Arrays& in) {
            return Arrays{transposed(
                in[0], in[1], in.size() > 2 ? &in[2] : nullptr,
                {.stride = o.stride, .padding = o.padding, .dilation = o.dilation, .groups = o.groups},
                shape)};
        };
        rows.push_back(std::move(row));
    }
}

struct Columns {
    const char* variant;
    Shape x;
    HeightWidth kernel;
    UnfoldOptions options;
};

const Columns column_cases[] = {
    {"plain", {2, 2, 4, 5}, {2, 3}, {}},
    {"all", {1, 2, 6, 5}, {3, 2}, {.dilation = {2, 1}, .padding = {1, 2}, .stride = {2, 3}}},
    {"unbatched", {2, 3, 3}, 2, {}},
    {"nosamples", {0, 2, 3, 3}, 2, {}},
};

// Calls f(offset in the image, offset in the columns) for every element of the image that a window sees.
Shape each_column(const Shape& image, const Columns& c,
                  const std::function<void(std::int64_t, std::int64_t)>& f) {
    const Shape x = four(image);
    const UnfoldOptions& o = c.options;
    const std::int64_t rows = windows(x[2], c.kernel.height, o.stride.height, o.padding.height,
                                      o.dilation.height),
                       across =
                           windows(x[3], c.kernel.width, o.stride.width, o.padding.width, o.dilation.width);
    std::int64_t column = 0;
    for_each_place({x[0], x[1], c.kernel.height, c.kernel.width, rows, across}, [&](const Shape& at) {
        const std::int64_t h = at[4] * o.stride.height - o.padding.height + at[2] * o.dilation.height;
        const std::int64_t w = at[5] * o.stride.width - o.padding.width + at[3] * o.dilation.width;
        if (h >= 0 && w >= 0 && h < x[2] && w < x[3])
            f(((at[0] * x[1] + at[1]) * x[2] + h) * x[3] + w, column);
        ++column;
    });
    Shape shape{x[0], x[1] * c.kernel.height * c.kernel.width, rows * across};
    if (image.size() == 3) shape.erase(0);
    return shape;
}

void add_columns(Rows& rows) {
    for (const Columns& c : column_cases) {
        const Shape shape = each_column(c.x, c, [](std::int64_t, std::int64_t) {});
        Row to;
        to.op = "unfold";
        to.variant = c.variant;
        to.inputs = {{.shape = c.x}};
        to.call = [c](const Tensors& in) { return Tensors{unfold(in[0], c.kernel, c.options)}; };
        to.reference = [c, shape](const Arrays& in) {
            Array out(shape);
            each_column(c.x, c, [&](std::int64_t from, std::int64_t column) { out[column] = in[0][from]; });
            return Arrays{out};
        };
        rows.push_back(std::move(to));

        Row back;
        back.op = "fold";
        back.variant = c.variant;
        back.inputs = {{.shape = shape}};
        back.call = [c](const Tensors& in) {
            const int rank = c.x.size();
            return Tensors{fold(in[0], {c.x[rank - 2], c.x[rank - 1]}, c.kernel, c.options)};
        };
        back.reference = [c](const Arrays& in) {
            Array out(c.x);
            each_column(c.x, c, [&](std::int64_t from, std::int64_t column) { out[from] += in[0][column]; });
            return Arrays{out};
        };
        rows.push_back(std::move(back));
    }
}

}  // namespace

void add_convolution(Rows& rows) {
    add_conv2d(rows);
    add_conv1d(rows);
    add_conv_transpose2d(rows);
    add_columns(rows);
}

}  // namespace adjoint::table
