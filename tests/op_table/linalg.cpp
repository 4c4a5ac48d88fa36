// Rows of the matrix products, against three nested loops.
#include <adjoint/autograd/ops/linalg.h>

#include "op_table/activations.h"
#include "op_table/op_table.h"

namespace adjoint::table {
namespace {

// (.., m, k) (.., k, n) with leading dimensions that broadcast;
// vectors have been given their second dimension.
Array product(const Array& a, const Array& b) {
    Shape lead_a = a.shape, lead_b = b.shape;
    for (Shape* lead : {&lead_a, &lead_b}) {
        lead->erase(lead->size() - 1);
        lead->erase(lead->size() - 1);
    }
    Shape shape = broadcast(lead_a, lead_b);
    const std::int64_t inner = a.shape.back();
    shape.push_back(a.shape[a.shape.size() - 2]);
    shape.push_back(b.shape.back());
    return build(shape, [&](const Shape& place) {
        const int rank = place.size();
        const std::int64_t i = place[rank - 2], j = place[rank - 1];
        double total = 0;
        for (std::int64_t k = 0; k < inner; ++k) {
            const auto read = [&](const Array& x, std::int64_t row, std::int64_t column) {
                Shape own = x.shape;
                const int extra = rank - own.size();
                for (int d = 0; d + 2 < own.size(); ++d) own[d] = x.shape[d] == 1 ? 0 : place[d + extra];
                own[own.size() - 2] = row;
                own[own.size() - 1] = column;
                return x.at(own);
            };
            total += read(a, i, k) * read(b, k, j);
        }
        return total;
    });
}

Array matmul_reference(Array a, Array b) {
    const bool row = a.shape.size() == 1, column = b.shape.size() == 1;
    if (row) a.shape.insert(0, 1);
    if (column) b.shape.push_back(1);
    Array out = product(a, b);
    if (column) out.shape.erase(out.shape.size() - 1);
    if (row) out.shape.erase(out.shape.size() - (column ? 1 : 2));
    return out;
}

Array transposed(const Array& x) {
    return build({x.shape[1], x.shape[0]}, [&](const Shape& p) { return x.at({p[1], p[0]}); });
}

void add(Rows& rows, const char* op, const std::string& variant, std::vector<Shape> shapes,
         std::function<Tensor(const Tensors&)> call, std::function<Array(const Arrays&)> reference) {
    Row row;
    row.op = op;
    row.variant = variant;
    for (const Shape& shape : shapes) row.inputs.push_back({.shape = shape});
    row.call = [call = std::move(call)](const Tensors& in) { return Tensors{call(in)}; };
    row.reference = [reference = std::move(reference)](const Arrays& in) { return Arrays{reference(in)}; };
    rows.push_back(std::move(row));
}

void add_products(Rows& rows) {
    struct Pair {
        const char* variant;
        Shape a, b;
    };
    const Pair pairs[] = {{"", {3, 4}, {4, 2}},
                          {"dot", {4}, {4}},
                          {"row", {4}, {4, 3}},
                          {"column", {3, 4}, {4}},
                          {"batch", {2, 3, 2}, {2, 2, 3}},
                          {"batch_by_matrix", {2, 3, 2}, {2, 4}},
                          {"matrix_by_batch", {3, 2}, {2, 2, 2}},
                          {"broadcast", {2, 1, 2, 3}, {3, 3, 2}},
                          {"batch_by_vector", {2, 3, 2}, {2}},
                          {"vector_by_batch", {3}, {2, 3, 2}},
                          {"no_inner", {2, 0}, {0, 3}},
                          {"no_rows", {0, 2}, {2, 3}},
                          {"no_batch", {0, 2, 3}, {3, 2}},
                          {"one", {1, 1}, {1, 1}},
                          {"wide", {2, 9}, {9, 17}}};
    for (const Pair& p : pairs)
        add(
            rows, "matmul", p.variant, {p.a, p.b}, [](const Tensors& in) { return matmul(in[0], in[1]); },
            [](const Arrays& in) { return matmul_reference(in[0], in[1]); });
    add(
        rows, "bmm", "", {{2, 2, 3}, {2, 3, 2}}, [](const Tensors& in) { return bmm(in[0], in[1]); },
        [](const Arrays& in) { return product(in[0], in[1]); });
    add(
        rows, "dot", "", {{5}, {5}}, [](const Tensors& in) { return dot(in[0], in[1]); },
        [](const Arrays& in) { return matmul_reference(in[0], in[1]); });
    add(
        rows, "dot", "empty", {{0}, {0}}, [](const Tensors& in) { return dot(in[0], in[1]); },
        [](const Arrays& in) { return matmul_reference(in[0], in[1]); });
    add(
        rows, "outer", "", {{3}, {4}}, [](const Tensors& in) { return outer(in[0], in[1]); },
        [](const Arrays& in) {
            return build({3, 4}, [&](const Shape& p) { return in[0][p[0]] * in[1][p[1]]; });
        });
}

void add_layers(Rows& rows) {
    const auto scaled_sum = [](double beta, double alpha) {
        return [beta, alpha](const Arrays& in) {
            Array out = product(in[1], in[2]);
            return build(out.shape,
                         [&](const Shape& p) { return beta * broadcast_at(in[0], p) + alpha * out.at(p); });
        };
    };
    add(
        rows, "addmm", "", {{3, 2}, {3, 4}, {4, 2}},
        [](const Tensors& in) { return addmm(in[0], in[1], in[2]); }, scaled_sum(1, 1));
    add(
        rows, "addmm", "scaled_row", {{2}, {3, 4}, {4, 2}},
        [](const Tensors& in) { return addmm(in[0], in[1], in[2], 0.5, -2); }, scaled_sum(0.5, -2));

    const auto layer = [](bool transpose) {
        return [transpose](const Arrays& in) {
            Array x = in[0];
            const Array w = transpose ? transposed(in[1]) : in[1];
            const bool vector = x.shape.size() == 1;
            if (vector) x.shape.insert(0, 1);
            Array out = product(x, w);
            if (in.size() > 2)
                out = build(out.shape, [&](const Shape& p) { return out.at(p) + in[2][p[p.size() - 1]]; });
            if (vector) out.shape.erase(0);
            return out;
        };
    };
    const auto call_linear = [](const Tensors& in) {
        return linear(in[0], in[1], in.size() > 2 ? in[2] : Tensor());
    };
    const auto call_affine = [](const Tensors& in) {
        return affine(in[0], in[1], in.size() > 2 ? in[2] : Tensor());
    };
    add(rows, "linear", "", {{3, 4}, {2, 4}, {2}}, call_linear, layer(true));
    add(rows, "linear", "no_bias", {{3, 4}, {2, 4}}, call_linear, layer(true));
    add(rows, "linear", "vector", {{4}, {2, 4}, {2}}, call_linear, layer(true));
    add(rows, "linear", "sequence", {{2, 3, 4}, {2, 4}, {2}}, call_linear, layer(true));
    add(rows, "linear", "no_samples", {{0, 4}, {2, 4}, {2}}, call_linear, layer(true));
    add(rows, "linear", "no_inner", {{3, 0}, {2, 0}, {2}}, call_linear, layer(true));
    for (const ActivationCase& f : activation_cases()) {
        const auto then = [layer, f](const Arrays& in) {
            Array out = layer(true)(in);
            for (double& y : out.values) y = f.reference(y);
            return out;
        };
        const auto call = [f](const Tensors& in) {
            return linear(in[0], in[1], in.size() > 2 ? in[2] : Tensor(), {.then = f.activation});
        };
        add(rows, "linear", std::string("then_") + f.name, {{3, 4}, {2, 4}, {2}}, call, then);
        add(rows, "linear", std::string("then_") + f.name + "_no_bias", {{3, 4}, {2, 4}}, call, then);
        add(rows, "linear", std::string("then_") + f.name + "_sequence", {{2, 3, 4}, {2, 4}, {2}}, call,
            then);
        add(rows, "linear", std::string("then_") + f.name + "_no_inner", {{3, 0}, {2, 0}, {2}}, call, then);
        add(rows, "linear", std::string("then_") + f.name + "_wide", {{3, 5}, {21, 5}, {21}}, call, then);
    }
    add(rows, "affine", "", {{3, 4}, {4, 2}, {2}}, call_affine, layer(false));
    add(rows, "affine", "no_bias", {{3, 4}, {4, 2}}, call_affine, layer(false));
    add(rows, "affine", "vector", {{4}, {4, 2}, {2}}, call_affine, layer(false));
}

}  // namespace

void add_linalg(Rows& rows) {
    add_products(rows);
    add_layers(rows);
}

}  // namespace adjoint::table
