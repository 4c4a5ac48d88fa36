// Rows of sorting and of running totals.
#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include <adjoint/autograd/ops/sort.h>

#include "op_table/op_table.h"

namespace adjoint::table {
namespace {

using Line = std::vector<double>;

// Places of a line in order; NaN is the largest.
std::vector<std::size_t> order(const Line& line, bool descending) {
    std::vector<std::size_t> places(line.size());
    std::iota(places.begin(), places.end(), 0u);
    const auto less = [](double a, double b) { return std::isnan(b) ? !std::isnan(a) : a < b; };
    std::stable_sort(places.begin(), places.end(), [&](std::size_t a, std::size_t b) {
        return descending ? less(line[b], line[a]) : less(line[a], line[b]);
    });
    return places;
}

Array sorted(const Array& x, int dim, bool descending, std::size_t count, bool indices) {
    return along(x, dim, [=](const Line& line) {
        Line out;
        for (const std::size_t place : order(line, descending)) {
            if (out.size() == count) break;
            out.push_back(indices ? static_cast<double>(place) : line[place]);
        }
        return out;
    });
}

constexpr std::size_t whole = std::numeric_limits<std::size_t>::max();

void add_sorting(Rows& rows) {
    struct Case {
        const char* variant;
        Shape x;
        int dim;
        bool descending;
    };
    const Case cases[] = {{"last", {3, 5}, -1, false},     {"first", {4, 3}, 0, true},
                          {"middle", {2, 4, 3}, 1, false}, {"vector", {7}, 0, true},
                          {"scalar", {}, -1, false},       {"single", {3, 1}, 1, true},
                          {"nothing", {0, 3}, 0, false},   {"norows", {0, 3}, 1, true}};
    for (const Case& c : cases) {
        Row row;
        row.op = "sort";
        row.variant = c.variant;
        row.inputs = {{.shape = c.x, .kind = Input::Kind::distinct}};
        row.on_distinct_only = true;
        row.call = [c](const Tensors& in) {
            const ValuesIndices y = sort(in[0], c.dim, c.descending);
            return Tensors{y.values, y.indices};
        };
        row.reference = [c](const Arrays& in) {
            return Arrays{sorted(in[0], c.dim, c.descending, whole, false),
                          sorted(in[0], c.dim, c.descending, whole, true)};
        };
        rows.push_back(row);

        row.op = "argsort";
        row.differentiable = false;
        row.call = [c](const Tensors& in) { return Tensors{argsort(in[0], c.dim, c.descending)}; };
        row.reference = [c](const Arrays& in) {
            return Arrays{sorted(in[0], c.dim, c.descending, whole, true)};
        };
        rows.push_back(row);
    }

    // Equal elements keep their order both ways, and NaN stands beyond infinity.
    constexpr double nan = std::numeric_limits<double>::quiet_NaN(),
                     inf = std::numeric_limits<double>::infinity();
    Row special;
    special.op = "sort";
    special.variant = "special";
    special.inputs = {{.shape = {2, 8},
                       .kind = Input::Kind::fixed,
                       .values = {1, nan, 0, 1, inf, nan, -inf, 0, 2, 2, 2, 1, 1, 3, nan, 2}}};
    special.differentiable = false;
    special.call = [](const Tensors& in) {
        const ValuesIndices up = sort(in[0]), down = sort(in[0], 1, true);
        return Tensors{up.values, up.indices, down.values, down.indices};
    };
    special.reference = [](const Arrays& in) {
        return Arrays{sorted(in[0], 1, false, whole, false), sorted(in[0], 1, false, whole, true),
                      sorted(in[0], 1, true, whole, false), sorted(in[0], 1, true, whole, true)};
    };
    rows.push_back(special);

    Row integers;
    integers.op = "sort";
    integers.variant = "integers";
    integers.inputs = {{.shape = {3, 40}, .low = -5, .high = 5, .kind = Input::Kind::integer}};
    integers.differentiable = false;
    integers.call = special.call;
    integers.reference = special.reference;
    rows.push_back(integers);
}

void add_topk(Rows& rows) {
    struct Case {
        const char* variant;
        Shape x;
        std::int64_t k;
        int dim;
        bool largest;
    };
    const Case cases[] = {{"last", {3, 6}, 2, -1, true},
                          {"smallest", {5, 3}, 3, 0, false},
                          {"all", {2, 4}, 4, 1, true},
                          {"none", {2, 4}, 0, 1, true},
                          {"scalar", {}, 1, 0, true}};
    for (const Case& c : cases) {
        Row row;
        row.op = "topk";
        row.variant = c.variant;
        row.inputs = {{.shape = c.x, .kind = Input::Kind::distinct}};
        row.on_distinct_only = true;
        row.call = [c](const Tensors& in) {
            const ValuesIndices y = topk(in[0], c.k, c.dim, c.largest);
            return Tensors{y.values, y.indices};
        };
        row.reference = [c](const Arrays& in) {
            const auto count = static_cast<std::size_t>(c.k);
            return Arrays{sorted(in[0], c.dim, c.largest, count, false),
                          sorted(in[0], c.dim, c.largest, count, true)};
        };
        rows.push_back(std::move(row));
    }
}

Array running(const Array& x, int dim, bool product) {
    return along(x, dim, [product](const Line& line) {
        Line out;
        double total = product ? 1 : 0;
        for (const double value : line) out.push_back(total = product ? total * value : total + value);
        return out;
    });
}

void add_totals(Rows& rows) {
    struct Case {
        const char* variant;
        Input x;
        int dim;
    };
    const Case cases[] = {
        {"last", {.shape = {3, 5}}, -1},
        {"first", {.shape = {4, 3}}, 0},
        {"middle", {.shape = {2, 7, 3}}, 1},
        {"scalar", {.shape = {}}, 0},
        {"single", {.shape = {3, 1}}, 1},
        {"nothing", {.shape = {0, 3}}, 0},
        {"zeros",
         {.shape = {4, 5}, .kind = Input::Kind::fixed, .values = {1, 0, 2, -3, 0.5, 0, 2, 0, 1.5, 1,
                                                                  0, 0, 0, 0,  0,   1, 2, 3, 0.5, 0}},
         1},
        {"integers", {.shape = {3, 4}, .low = -3, .high = 3, .kind = Input::Kind::integer}, 1},
    };
    for (const bool product : {false, true}) {
        for (const Case& c : cases) {
            Row row;
            row.op = product ? "cumprod" : "cumsum";
            row.variant = c.variant;
            row.inputs = {c.x};
            row.differentiable = c.x.floating();
            row.call = [dim = c.dim, product](const Tensors& in) {
                return Tensors{product ? cumprod(in[0], dim) : cumsum(in[0], dim)};
            };
            row.reference = [dim = c.dim, product](const Arrays& in) {
                return Arrays{running(in[0], dim, product)};
            };
            rows.push_back(std::move(row));
        }
    }
}

}  // namespace

void add_sort(Rows& rows) {
    add_sorting(rows);
    add_topk(rows);
    add_totals(rows);
}

}  // namespace adjoint::table
