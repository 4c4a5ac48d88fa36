// Rows of the functions of two or three tensors that broadcast.
#include <algorithm>
#include <cmath>
#include <limits>

#include <adjoint/autograd/ops/arithmetic.h>
#include <adjoint/autograd/ops/elementwise.h>

#include "op_table/op_table.h"

namespace adjoint::table {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity(),
                 not_a_number = std::numeric_limits<double>::quiet_NaN();

using Real = double (*)(double, double);
using Call = Tensor (*)(const Tensor&, const Tensor&);

struct Flags {
    bool differentiable = true;
    bool ties_matter = false;
};

std::function<Arrays(const Arrays&)> elementwise(Real f) {
    return [f](const Arrays& in) {
        return Arrays{build(broadcast(in[0].shape, in[1].shape), [&](const Shape& place) {
            return f(broadcast_at(in[0], place), broadcast_at(in[1], place));
        })};
    };
}

void add_one(Rows& rows, const char* op, const char* variant, Call call, Real f, Input a, Input b,
             Flags flags) {
    Row row;
    row.op = op;
    row.variant = variant;
    row.call = [call](const Tensors& in) { return Tensors{call(in[0], in[1])}; };
    row.inputs = {std::move(a), std::move(b)};
    row.reference = elementwise(f);
    row.differentiable = flags.differentiable;
    row.on_distinct_only = flags.ties_matter;
    rows.push_back(std::move(row));
}

// Every way of broadcasting: none, rows, columns, both, higher rank, 0-d, nothing.
void cases(Rows& rows, const char* op, Call call, Real f, Input a, Input b, Flags flags = {}) {
    struct Pair {
        const char* variant;
        Shape a, b;
    };
    const Pair pairs[] = {{"", {3, 4}, {3, 4}},       {"row", {3, 4}, {4}},     {"column", {3, 1}, {3, 4}},
                          {"both", {3, 1}, {1, 4}},   {"rank", {2}, {2, 3, 2}}, {"0d_left", {}, {2, 3}},
                          {"0d_right", {2, 3}, {}},   {"0d", {}, {}},           {"empty", {0, 3}, {3}},
                          {"ones", {1, 1, 2}, {2, 1}}};
    for (const Pair& pair : pairs) {
        a.shape = pair.a;
        b.shape = pair.b;
        add_one(rows, op, pair.variant, call, f, a, b, flags);
    }
}

double truth(bool x) { return x ? 1 : 0; }

void add_comparisons(Rows& rows) {
    const Input a{.low = -1, .high = 1}, b{.low = -1, .high = 1};
    // Small integers as reals, so that equal pairs occur.
    const Flags flags{.differentiable = false};
    const auto compare = [&](const char* op, Call call, Real f) {
        cases(rows, op, call, f, a, b, flags);
        add_one(rows, op, "ties", call, f,
                {.shape = {8},
                 .kind = Input::Kind::fixed,
                 .values = {1, 2, 3, -0.0, infinity, not_a_number, not_a_number, -infinity}},
                {.shape = {8},
                 .kind = Input::Kind::fixed,
                 .values = {1, 3, 2, 0.0, infinity, not_a_number, 1, infinity}},
                flags);
        add_one(rows, op, "integers", call, f,
                {.shape = {3, 5}, .low = -1, .high = 1, .kind = Input::Kind::integer},
                {.shape = {5}, .low = -1, .high = 1, .kind = Input::Kind::integer}, flags);
    };
    compare("eq", eq, [](double x, double y) { return truth(x == y); });
    compare("ne", ne, [](double x, double y) { return truth(x != y); });
    compare("lt", lt, [](double x, double y) { return truth(x < y); });
    compare("le", le, [](double x, double y) { return truth(x <= y); });
    compare("gt", gt, [](double x, double y) { return truth(x > y); });
    compare("ge", ge, [](double x, double y) { return truth(x >= y); });

    const Input flag{.kind = Input::Kind::boolean};
    cases(
        rows, "logical_and", logical_and, [](double x, double y) { return truth(x != 0 && y != 0); }, flag,
        flag, flags);
    cases(
        rows, "logical_or", logical_or, [](double x, double y) { return truth(x != 0 || y != 0); }, flag,
        flag, flags);
    Row negation;
    negation.op = "logical_not";
    negation.call = [](const Tensors& in) { return Tensors{logical_not(in[0])}; };
    negation.inputs = {{.shape = {2, 3}, .kind = Input::Kind::boolean}};
    negation.reference = [](const Arrays& in) {
        return Arrays{build(in[0].shape, [&](const Shape& place) { return truth(in[0].at(place) == 0); })};
    };
    negation.differentiable = false;
    rows.push_back(std::move(negation));
}

void add_selection(Rows& rows) {
    struct Shapes {
        const char* variant;
        Shape condition, a, b;
    };
    const Shapes shapes[] = {{"", {3, 4}, {3, 4}, {3, 4}},
                             {"broadcast", {3, 1}, {4}, {2, 3, 4}},
                             {"0d", {}, {2}, {}},
                             {"empty", {0, 2}, {2}, {}}};
    for (const Shapes& s : shapes) {
        Row row;
        row.op = "where";
        row.variant = s.variant;
        row.call = [](const Tensors& in) { return Tensors{where(in[0], in[1], in[2])}; };
        row.inputs = {{.shape = s.condition, .kind = Input::Kind::boolean}, {.shape = s.a}, {.shape = s.b}};
        row.reference = [](const Arrays& in) {
            const Shape shape = broadcast(in[0].shape, broadcast(in[1].shape, in[2].shape));
            return Arrays{build(shape, [&](const Shape& place) {
                return broadcast_at(in[broadcast_at(in[0], place) != 0 ? 1 : 2], place);
            })};
        };
        rows.push_back(std::move(row));
    }
    for (const bool spread : {false, true}) {
        Row row;
        row.op = "masked_fill";
        row.variant = spread ? "broadcast" : "";
        row.call = [](const Tensors& in) { return Tensors{masked_fill(in[0], in[1], 7.5)}; };
        row.inputs = {{.shape = {3, 4}},
                      {.shape = spread ? Shape{4} : Shape{3, 4}, .kind = Input::Kind::boolean}};
        row.reference = [](const Arrays& in) {
            return Arrays{build(in[0].shape, [&](const Shape& place) {
                return broadcast_at(in[1], place) != 0 ? 7.5 : in[0].at(place);
            })};
        };
        rows.push_back(std::move(row));
    }
}

void add_prelu(Rows& rows) {
    struct Shapes {
        const char* variant;
        Shape x, weight;
    };
    const Shapes shapes[] = {
        {"one", {3, 4}, {1}}, {"channels", {2, 3, 2}, {3}}, {"matrix", {4, 3}, {3}}, {"0d", {}, {1}}};
    for (const Shapes& s : shapes) {
        Row row;
        row.op = "prelu";
        row.variant = s.variant;
        row.call = [](const Tensors& in) { return Tensors{prelu(in[0], in[1])}; };
        row.inputs = {{.shape = s.x, .avoid = {0}}, {.shape = s.weight, .low = 0.1, .high = 0.9}};
        row.reference = [](const Arrays& in) {
            return Arrays{build(in[0].shape, [&](const Shape& place) {
                const double x = in[0].at(place);
                return x > 0 ? x : x * in[1][in[1].numel() > 1 ? place[1] : 0];
            })};
        };
        rows.push_back(std::move(row));
    }
}

}  // namespace

void add_binary(Rows& rows) {
    const Input any{}, away{.low = 0.4, .high = 2.5};
    cases(
        rows, "add", add, [](double a, double b) { return a + b; }, any, any);
    cases(
        rows, "sub", sub, [](double a, double b) { return a - b; }, any, any);
    cases(
        rows, "mul", mul, [](double a, double b) { return a * b; }, any, any);
    cases(
        rows, "div", div, [](double a, double b) { return a / b; }, any, away);
    cases(
        rows, "pow", pow, [](double a, double b) { return std::pow(a, b); }, away, any);
    cases(
        rows, "atan2", atan2, [](double a, double b) { return std::atan2(a, b); }, any, away);
    const Input grid{.low = -2, .high = 2, .avoid = {-1, 0, 1}};
    cases(rows, "maximum", maximum, [](double a, double b) { return std::max(a, b); }, grid, grid,
          {.ties_matter = true});
    cases(rows, "minimum", minimum, [](double a, double b) { return std::min(a, b); }, grid, grid,
          {.ties_matter = true});
    add_comparisons(rows);
    add_selection(rows);
    add_prelu(rows);

    const Input a{
        .shape = {6}, .kind = Input::Kind::fixed, .values = {1, not_a_number, 3, not_a_number, -infinity, 2}};
    const Input b{
        .shape = {6}, .kind = Input::Kind::fixed, .values = {2, 1, not_a_number, not_a_number, infinity, 2}};
    const auto nan_or = [](bool larger) {
        return larger ? Real([](double x, double y) {
            return std::isnan(x) ? x : std::isnan(y) ? y : std::max(x, y);
        })
                      : Real([](double x, double y) {
                            return std::isnan(x) ? x : std::isnan(y) ? y : std::min(x, y);
                        });
    };
    add_one(rows, "maximum", "nan", maximum, nan_or(true), a, b, {.differentiable = false});
    add_one(rows, "minimum", "nan", minimum, nan_or(false), a, b, {.differentiable = false});
}

}  // namespace adjoint::table
