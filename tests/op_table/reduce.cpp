// Rows of the reductions and of softmax.
#include <algorithm>
#include <cmath>

#include <adjoint/autograd/ops/arithmetic.h>
#include <adjoint/autograd/ops/reduce.h>
#include <adjoint/autograd/ops/softmax.h>

#include "op_table/op_table.h"

namespace adjoint::table {
namespace {

using Line = std::vector<double>;
using Folding = std::function<double(const Line&)>;

double total(const Line& v) {
    double s = 0;
    for (const double x : v) s += x;
    return s;
}
double average(const Line& v) { return total(v) / static_cast<double>(v.size()); }
double product(const Line& v) {
    double p = 1;
    for (const double x : v) p *= x;
    return p;
}
double largest(const Line& v) { return *std::max_element(v.begin(), v.end()); }
double smallest(const Line& v) { return *std::min_element(v.begin(), v.end()); }
double first_largest(const Line& v) {
    return static_cast<double>(std::max_element(v.begin(), v.end()) - v.begin());
}
double first_smallest(const Line& v) {
    return static_cast<double>(std::min_element(v.begin(), v.end()) - v.begin());
}
double log_sum_exp(const Line& v) {
    double s = 0;
    for (const double x : v) s += std::exp(x);
    return std::log(s);
}

Folding variance(bool unbiased) {
    return [unbiased](const Line& v) {
        const double mean = average(v);
        double s = 0;
        for (const double x : v) s += (x - mean) * (x - mean);
        return s / (static_cast<double>(v.size()) - (unbiased ? 1 : 0));
    };
}

Folding p_norm(double p) {
    return [p](const Line& v) {
        double s = 0;
        for (const double x : v) s = std::isinf(p) ? std::max(s, std::abs(x)) : s + std::pow(std::abs(x), p);
        return std::isinf(p) ? s : std::pow(s, 1 / p);
    };
}

struct ReducedDims {
    const char* variant;
    Shape shape;
    std::vector<int> dims;
    bool keepdim = false;
};

const ReducedDims ordinary[] = {{"all", {3, 4}, {}},        {"first", {3, 4}, {0}},
                                {"last", {3, 4}, {-1}},     {"middle_kept", {2, 3, 2}, {1}, true},
                                {"two", {2, 3, 2}, {0, 2}}, {"two_kept", {2, 3, 2}, {0, -1}, true},
                                {"vector", {5}, {0}},       {"0d", {}, {}},
                                {"long", {70}, {0}},        {"tall", {67, 2}, {0}}};

Dims to_dims(const std::vector<int>& list) {
    Dims dims;
    for (const int d : list) dims.list.push_back(d);
    return dims;
}

void add_dims(Rows& rows, const std::string& op, const std::string& prefix, const ReducedDims& c,
              const Input& like, std::function<Tensor(const Tensor&, const Dims&, bool)> call, Folding f,
              bool differentiable = true) {
    Row row;
    row.op = op;
    row.variant = prefix + c.variant;
    row.call = [call = std::move(call), c](const Tensors& in) {
        return Tensors{call(in[0], to_dims(c.dims), c.keepdim)};
    };
    row.inputs = {like};
    row.inputs[0].shape = c.shape;
    row.reference = [f = std::move(f), c](const Arrays& in) {
        return Arrays{fold(in[0], c.dims, c.keepdim, f)};
    };
    row.differentiable = differentiable;
    row.on_distinct_only = like.kind == Input::Kind::distinct;
    rows.push_back(std::move(row));
}

void add_sums(Rows& rows) {
    const Input any{};
    const Input distinct{.low = -2, .high = 2, .kind = Input::Kind::distinct};
    for (const ReducedDims& c : ordinary) {
        add_dims(rows, "sum", "", c, any, sum, total);
        add_dims(rows, "mean", "", c, any, mean, average);
        add_dims(rows, "amax", "", c, distinct, amax, largest);
        add_dims(rows, "amin", "", c, distinct, amin, smallest);
        if (!c.dims.empty()) add_dims(rows, "logsumexp", "", c, any, logsumexp, log_sum_exp);
        for (const double p : {0.5, 1.0, 2.0, 3.0, static_cast<double>(INFINITY)}) {
            const Input spread = std::isinf(p) ? Input{.low = 0.5, .high = 2, .kind = Input::Kind::distinct}
                                               : Input{.low = -2, .high = 2, .avoid = {0}};
            add_dims(
                rows, "norm",
                std::isinf(p) ? "inf_"
                : p < 1       ? "half_"
                              : "p" + std::to_string(static_cast<int>(p)) + "_",
                c, spread,
                [p](const Tensor& x, const Dims& dims, bool keep) { return norm(x, p, dims, keep); },
                p_norm(p));
        }
        if (c.shape.empty()) continue;
        for (const bool unbiased : {true, false}) {
            const std::string prefix = unbiased ? "" : "biased_";
            add_dims(
                rows, "var", prefix, c, any,
                [unbiased](const Tensor& x, const Dims& dims, bool keep) {
                    return var(x, dims, keep, {.unbiased = unbiased});
                },
                variance(unbiased));
            add_dims(
                rows, "std", prefix, c, any,
                [unbiased](const Tensor& x, const Dims& dims, bool keep) {
                    return adjoint::std(x, dims, keep, {.unbiased = unbiased});
                },
                [f = variance(unbiased)](const Line& v) { return ::std::sqrt(f(v)); });
        }
    }
    const ReducedDims nothing_left{"empty_kept", {0, 3}, {1}}, nothing_in{"empty_folded", {0, 3}, {0}},
        none{"empty", {0}, {}};
    for (const ReducedDims& c : {nothing_left, nothing_in, none}) {
        add_dims(rows, "sum", "", c, any, sum, total);
        add_dims(rows, "mean", "", c, any, mean, average, c.variant == nothing_left.variant);
        if (!c.dims.empty())
            add_dims(rows, "logsumexp", "", c, any, logsumexp, log_sum_exp,
                     c.variant == nothing_left.variant);
    }
    add_dims(rows, "amax", "", nothing_left, any, amax, largest);
    const ReducedDims integers{"integers", {3, 4}, {1}};
    add_dims(rows, "sum", "", integers, {.low = -5, .high = 5, .kind = Input::Kind::integer}, sum, total,
             false);
    add_dims(rows, "sum", "bool_", integers, {.kind = Input::Kind::boolean}, sum, total, false);
    // Far from zero, where a mean of squares would lose every digit.
    const ReducedDims shifted{"shifted", {3, 8}, {1}};
    add_dims(
        rows, "var", "", shifted, {.low = 1000, .high = 1001},
        [](const Tensor& x, const Dims& dims, bool keep) { return var(x, dims, keep); }, variance(true));
    const ReducedDims huge{"huge", {2, 3}, {1}};
    add_dims(
        rows, "logsumexp", "", huge,
        {.kind = Input::Kind::fixed, .values = {1000, 1000, 1000, -HUGE_VAL, -HUGE_VAL, -HUGE_VAL}},
        logsumexp, [](const Line& v) { return v[0] > 0 ? 1000 + std::log(3.0) : v[0]; }, false);
}

void add_products(Rows& rows) {
    const auto add = [&](const char* variant, Input input, std::vector<int> dims, bool keepdim) {
        Row row;
        row.op = "prod";
        row.variant = variant;
        row.inputs = {std::move(input)};
        row.call = [dims, keepdim](const Tensors& in) {
            return Tensors{dims.empty() ? prod(in[0]) : prod(in[0], dims[0], keepdim)};
        };
        row.reference = [dims, keepdim](const Arrays& in) {
            return Arrays{fold(in[0], dims, keepdim, product)};
        };
        rows.push_back(std::move(row));
    };
    const Input::Kind fixed = Input::Kind::fixed;
    add("all", {.shape = {2, 3}}, {}, false);
    add("first", {.shape = {3, 2}}, {0}, false);
    add("last_kept", {.shape = {2, 3}}, {-1}, true);
    add("middle", {.shape = {2, 3, 2}}, {1}, false);
    add("0d", {.shape = {}}, {}, false);
    add("empty", {.shape = {0}}, {}, false);
    add("one_zero", {.shape = {4}, .kind = fixed, .values = {1.5, 0, -2, 0.5}}, {0}, false);
    add("two_zeros", {.shape = {4}, .kind = fixed, .values = {1.5, 0, 0, 0.5}}, {0}, false);
}

using WithIndex = ValuesIndices (*)(const Tensor&, int, bool);
using IndexAlong = Tensor (*)(const Tensor&, int, bool);
using IndexOfAll = Tensor (*)(const Tensor&);

void add_extremes(Rows& rows) {
    struct Place {
        const char* variant;
        Shape shape;
        int dim;
        bool keepdim;
    };
    const Place places[] = {{"first", {3, 4}, 0, false},  {"last", {3, 4}, -1, false},
                            {"kept", {2, 3, 2}, 1, true}, {"0d", {}, 0, false},
                            {"long", {2, 45}, 1, false},  {"empty", {0, 3}, 1, false}};
    const auto add = [&](const char* op, const Place& p, bool large, WithIndex call) {
        Row row;
        row.op = op;
        row.variant = p.variant;
        row.inputs = {{.shape = p.shape, .low = -2, .high = 2, .kind = Input::Kind::distinct}};
        row.call = [call, p](const Tensors& in) {
            const ValuesIndices both = call(in[0], p.dim, p.keepdim);
            return Tensors{both.values, both.indices};
        };
        row.reference = [p, large](const Arrays& in) {
            return Arrays{fold(in[0], {p.dim}, p.keepdim, large ? largest : smallest),
                          fold(in[0], {p.dim}, p.keepdim, large ? first_largest : first_smallest)};
        };
        row.on_distinct_only = true;
        rows.push_back(std::move(row));
    };
    const auto add_index = [&](const char* op, const Place& p, bool large, IndexAlong call) {
        Row row;
        row.op = op;
        row.variant = p.variant;
        row.inputs = {{.shape = p.shape, .low = -2, .high = 2, .kind = Input::Kind::distinct}};
        row.call = [call, p](const Tensors& in) { return Tensors{call(in[0], p.dim, p.keepdim)}; };
        row.reference = [p, large](const Arrays& in) {
            return Arrays{fold(in[0], {p.dim}, p.keepdim, large ? first_largest : first_smallest)};
        };
        row.differentiable = false;
        rows.push_back(std::move(row));
    };
    for (const Place& p : places) {
        add("max", p, true, static_cast<WithIndex>(max));
        add("min", p, false, static_cast<WithIndex>(min));
        add_index("argmax", p, true, static_cast<IndexAlong>(argmax));
        add_index("argmin", p, false, static_cast<IndexAlong>(argmin));
    }
    const auto add_flat = [&](const char* op, const char* variant, Input input, double expected,
                              IndexOfAll call) {
        Row row;
        row.op = op;
        row.variant = variant;
        row.inputs = {std::move(input)};
        row.call = [call](const Tensors& in) { return Tensors{call(in[0])}; };
        row.reference = [expected](const Arrays&) { return Arrays{Array(Shape{}, expected)}; };
        row.differentiable = false;
        rows.push_back(std::move(row));
    };
    const Input ties{.shape = {2, 3}, .kind = Input::Kind::fixed, .values = {1, 3, 0, 3, 0, 2}};
    const Input holes{.shape = {2, 3}, .kind = Input::Kind::fixed, .values = {1, 3, NAN, 9, NAN, -9}};
    add_flat("argmax", "all_ties", ties, 1, static_cast<IndexOfAll>(argmax));
    add_flat("argmin", "all_ties", ties, 2, static_cast<IndexOfAll>(argmin));
    add_flat("argmax", "all_nan", holes, 2, static_cast<IndexOfAll>(argmax));
    add_flat("argmin", "all_nan", holes, 2, static_cast<IndexOfAll>(argmin));
}

void add_rest(Rows& rows) {
    Row any_row;
    any_row.op = "any";
    any_row.inputs = {{.shape = {2, 2}, .kind = Input::Kind::fixed, .values = {0, 0, 0.5, 0}}};
    any_row.call = [](const Tensors& in) {
        return Tensors{any(in[0]), all(in[0]), any(in[0] * 0), all(in[0] + 1)};
    };
    any_row.reference = [](const Arrays&) {
        return Arrays{Array(Shape{}, 1), Array(Shape{}, 0), Array(Shape{}, 0), Array(Shape{}, 1)};
    };
    any_row.differentiable = false;
    any_row.on_distinct_only = true;
    rows.push_back(std::move(any_row));

    Row back;
    back.op = "sum_to_shape";
    back.inputs = {{.shape = {2, 3, 4}}};
    back.call = [](const Tensors& in) { return Tensors{sum_to_shape("test", in[0], {3, 1})}; };
    back.reference = [](const Arrays& in) {
        Array out = fold(in[0], {0, 2}, false, total);
        out.shape = {3, 1};
        return Arrays{out};
    };
    rows.push_back(std::move(back));

    struct Place {
        const char* variant;
        Shape shape;
        int dim;
    };
    const Place places[] = {{"first", {3, 4}, 0}, {"last", {3, 4}, -1}, {"middle", {2, 3, 2}, 1},
                            {"0d", {}, 0},        {"empty", {0, 3}, 1}, {"no_classes", {3, 0}, 1},
                            {"long", {2, 37}, 1}};
    for (const bool logarithm : {false, true}) {
        for (const Place& p : places) {
            Row row;
            row.op = logarithm ? "log_softmax" : "softmax";
            row.variant = p.variant;
            row.inputs = {{.shape = p.shape}};
            row.call = [p, logarithm](const Tensors& in) {
                return Tensors{logarithm ? log_softmax(in[0], p.dim) : softmax(in[0], p.dim)};
            };
            row.reference = [p, logarithm](const Arrays& in) {
                return Arrays{along(in[0], p.dim, [&](Line v) {
                    const double whole = log_sum_exp(v);
                    for (double& x : v) x = logarithm ? x - whole : std::exp(x - whole);
                    return v;
                })};
            };
            rows.push_back(std::move(row));
        }
    }
}

}  // namespace

void add_reduce(Rows& rows) {
    add_sums(rows);
    add_products(rows);
    add_extremes(rows);
    add_rest(rows);
}

}  // namespace adjoint::table
