// Rows of the functions that pick or place elements by index.
#include <cmath>

#include <adjoint/autograd/ops/index.h>

#include "op_table/op_table.h"

namespace adjoint::table {
namespace {

using Kind = Input::Kind;

Row make(const char* op, const char* variant, std::vector<Input> inputs,
         std::function<Tensor(const Tensors&)> call, std::function<Array(const Arrays&)> reference) {
    Row row;
    row.op = op;
    row.variant = variant;
    row.inputs = std::move(inputs);
    row.call = [call = std::move(call)](const Tensors& in) { return Tensors{call(in)}; };
    row.reference = [reference = std::move(reference)](const Arrays& in) { return Arrays{reference(in)}; };
    return row;
}

Input places(const Shape& shape, double low, double high) {
    return {.shape = shape, .low = low, .high = high, .kind = Kind::integer};
}

std::int64_t index_at(const Array& index, const Shape& place, std::int64_t size) {
    const auto i = static_cast<std::int64_t>(index.at(place));
    return i < 0 ? i + size : i;
}

void add_gather(Rows& rows) {
    struct Case {
        const char* variant;
        Shape x, index;
        int dim;
        double low;
    };
    const Case cases[] = {{"first", {4, 3}, {2, 3}, 0, 0},   {"last", {3, 4}, {3, 6}, 1, 0},
                          {"smaller", {4, 3}, {5, 2}, 0, 0}, {"negative", {2, 4}, {2, 3}, 1, -4},
                          {"empty", {4, 3}, {0, 3}, 0, 0},   {"vector", {4}, {7}, 0, 0}};
    for (const Case& c : cases) {
        const double high = static_cast<double>(c.x[c.dim] - 1);
        rows.push_back(make(
            "gather", c.variant, {{.shape = c.x}, places(c.index, c.low, high)},
            [d = c.dim](const Tensors& in) { return gather(in[0], d, in[1]); },
            [d = c.dim](const Arrays& in) {
                return build(in[1].shape, [&](Shape p) {
                    p[d] = index_at(in[1], p, in[0].shape[d]);
                    return in[0].at(p);
                });
            }));
        rows.push_back(make(
            "scatter_add", c.variant, {{.shape = c.x}, places(c.index, c.low, high), {.shape = c.index}},
            [d = c.dim](const Tensors& in) { return scatter_add(in[0], d, in[1], in[2]); },
            [d = c.dim](const Arrays& in) {
                Array out = in[0];
                for_each_place(in[1].shape, [&](Shape p) {
                    const double value = in[2].at(p);
                    p[d] = index_at(in[1], p, out.shape[d]);
                    out.at(p) += value;
                });
                return out;
            }));
    }
    const auto written = [](const Arrays& in) {
        Array out = in[0];
        for_each_place(in[1].shape, [&](Shape p) {
            const double value = in[2].at(p);
            p[0] = index_at(in[1], p, out.shape[0]);
            out.at(p) = value;
        });
        return out;
    };
    struct Written {
        const char* variant;
        Shape x, index, src;
        double low, high;
    };
    // In "repeated" seven elements go to two places.
    for (const Written& c :
         {Written{"rows", {4, 3}, {2, 3}, {2, 3}, 0, 3}, Written{"negative", {5}, {3}, {3}, -5, 4},
          Written{"repeated", {2, 2}, {7, 2}, {7, 2}, 0, 1},
          Written{"shortindex", {4, 3}, {2, 2}, {3, 4}, 0, 3},
          Written{"empty", {4, 3}, {0, 3}, {0, 3}, 0, 3}})
        rows.push_back(make(
            "scatter", c.variant, {{.shape = c.x}, places(c.index, c.low, c.high), {.shape = c.src}},
            [](const Tensors& in) { return scatter(in[0], 0, in[1], in[2]); }, written));
    rows.push_back(make(
        "scatter", "number", {{.shape = {2, 4}}, places({2, 2}, 0, 3)},
        [](const Tensors& in) { return scatter(in[0], -1, in[1], 0.5); },
        [](const Arrays& in) {
            Array out = in[0];
            for_each_place(in[1].shape, [&](const Shape& p) {
                out.at({p[0], static_cast<std::int64_t>(in[1].at(p))}) = 0.5;
            });
            return out;
        }));
    rows.push_back(make(
        "scatter_add", "shortindex", {{.shape = {4, 3}}, places({2, 2}, 0, 3), {.shape = {3, 4}}},
        [](const Tensors& in) { return scatter_add(in[0], 0, in[1], in[2]); },
        [](const Arrays& in) {
            Array out = in[0];
            for_each_place(in[1].shape, [&](const Shape& p) {
                out.at({static_cast<std::int64_t>(in[1].at(p)), p[1]}) += in[2].at(p);
            });
            return out;
        }));
}

void add_slices(Rows& rows) {
    struct Case {
        const char* variant;
        Shape x;
        std::int64_t count;
        int dim;
    };
    const Case cases[] = {{"first", {4, 3}, 6, 0},
                          {"last", {2, 5}, 3, 1},
                          {"middle", {2, 3, 2}, 4, 1},
                          {"vector", {5}, 2, 0},
                          {"none", {3, 2}, 0, 0}};
    for (const Case& c : cases) {
        const double high = static_cast<double>(c.x[c.dim] - 1);
        Shape taken = c.x;
        taken[c.dim] = c.count;
        rows.push_back(make(
            "index_select", c.variant, {{.shape = c.x}, places({c.count}, 0, high)},
            [d = c.dim](const Tensors& in) { return index_select(in[0], d, in[1]); },
            [d = c.dim, taken](const Arrays& in) {
                return build(taken, [&](Shape p) {
                    p[d] = static_cast<std::int64_t>(in[1][p[d]]);
                    return in[0].at(p);
                });
            }));
        rows.push_back(make(
            "index_add", c.variant, {{.shape = c.x}, places({c.count}, 0, high), {.shape = taken}},
            [d = c.dim](const Tensors& in) { return index_add(in[0], d, in[1], in[2]); },
            [d = c.dim](const Arrays& in) {
                Array out = in[0];
                for_each_place(in[2].shape, [&](Shape p) {
                    const double value = in[2].at(p);
                    p[d] = static_cast<std::int64_t>(in[1][p[d]]);
                    out.at(p) += value;
                });
                return out;
            }));
    }
}

void add_tables(Rows& rows) {
    const auto looked_up = [](const Arrays& in) {
        Shape shape = in[1].shape;
        shape.push_back(in[0].shape[1]);
        std::int64_t width = in[0].shape[1], i = 0;
        return build(shape, [&](const Shape&) {
            const auto row = static_cast<std::int64_t>(in[1][i / width]);
            return in[0].at({row, i++ % width});
        });
    };
    const auto look_up = [](const Tensors& in) { return embedding(in[0], in[1]); };
    rows.push_back(make("embedding", "", {{.shape = {5, 3}}, places({4}, 0, 4)}, look_up, looked_up));
    rows.push_back(
        make("embedding", "matrix", {{.shape = {5, 2}}, places({2, 3}, 0, 4)}, look_up, looked_up));
    rows.push_back(make("embedding", "0d", {{.shape = {5, 2}}, places({}, 0, 4)}, look_up, looked_up));
    rows.push_back(make("embedding", "none", {{.shape = {5, 2}}, places({0}, 0, 4)}, look_up, looked_up));
    Row padded = make(
        "embedding", "padding", {{.shape = {3, 2}}, places({6}, 0, 2)},
        [](const Tensors& in) { return embedding(in[0], in[1], 1); }, looked_up);
    padded.differentiable = false;  // its gradient leaves a row out on purpose
    rows.push_back(std::move(padded));

    Row classes = make(
        "one_hot", "", {places({2, 3}, 0, 3)}, [](const Tensors& in) { return one_hot(in[0], 5); },
        [](const Arrays& in) {
            return build({2, 3, 5}, [&](const Shape& p) {
                return in[0].at({p[0], p[1]}) == static_cast<double>(p[2]) ? 1.0 : 0.0;
            });
        });
    classes.differentiable = false;
    rows.push_back(std::move(classes));

    const Input sparse{.shape = {2, 3}, .kind = Kind::fixed, .values = {0, 2, 0, NAN, 0, -1}};
    Row found = make(
        "nonzero", "", {sparse}, [](const Tensors& in) { return nonzero(in[0]); },
        [](const Arrays&) {
            Array out({3, 2});
            out.values = {0, 1, 1, 0, 1, 2};
            return out;
        });
    found.differentiable = false;
    found.on_distinct_only = true;
    rows.push_back(std::move(found));

    rows.push_back(make(
        "masked_select", "", {{.shape = {2, 3}}, {.shape = {2, 3}, .kind = Kind::boolean}},
        [](const Tensors& in) { return masked_select(in[0], in[1]); },
        [](const Arrays& in) {
            Array out;
            for (std::int64_t i = 0; i < in[0].numel(); ++i)
                if (in[1][i] != 0) out.values.push_back(in[0][i]);
            out.shape = {out.numel()};
            return out;
        }));
}

}  // namespace

void add_index(Rows& rows) {
    add_gather(rows);
    add_slices(rows);
    add_tables(rows);
}

}  // namespace adjoint::table
