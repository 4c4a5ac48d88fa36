// Rows of the functions of one variable, against the formulas of <cmath> or the definitions written out.
#include <algorithm>
#include <cmath>
#include <numbers>

#include <adjoint/autograd/ops/arithmetic.h>
#include <adjoint/autograd/ops/elementwise.h>

#include "op_table/op_table.h"

namespace adjoint::table {
namespace {

using Real = double (*)(double);
using Call = Tensor (*)(const Tensor&);

double logistic(double x) { return 1 / (1 + std::exp(-x)); }
double normal_cdf(double x) { return 0.5 * std::erfc(-x / std::numbers::sqrt2); }
double log_of_sum(double x) { return std::log(1 + std::exp(x)); }

// Where a function is smooth, and where it bends.
struct Domain {
    double low = -2, high = 2;
    std::vector<double> avoid = {};
};

struct Flags {
    bool differentiable = true;
    bool second = true;
};

void add_one(Rows& rows, const char* op, const std::string& variant,
             std::function<Tensor(const Tensor&)> call, std::function<double(double)> reference,
             const Domain& domain, const Shape& shape, Flags flags = {}) {
    Row row;
    row.op = op;
    row.variant = variant;
    row.call = [call = std::move(call)](const Tensors& in) { return Tensors{call(in[0])}; };
    row.inputs = {{.shape = shape, .low = domain.low, .high = domain.high, .avoid = domain.avoid}};
    row.reference = [reference = std::move(reference)](const Arrays& in) {
        Array out = in[0];
        for (double& x : out.values) x = reference(x);
        return Arrays{out};
    };
    row.differentiable = flags.differentiable;
    row.second = flags.second;
    rows.push_back(std::move(row));
}

// A matrix, a number, nothing, and more elements than a vector register holds.
void add(Rows& rows, const char* op, Call call, Real reference, const Domain& domain = {}, Flags flags = {}) {
    add_one(rows, op, "", call, reference, domain, {3, 4}, flags);
    add_one(rows, op, "0d", call, reference, domain, {}, flags);
    add_one(rows, op, "empty", call, reference, domain, {0, 3}, flags);
    add_one(rows, op, "long", call, reference, domain, {37}, flags);
}

void add_elementary(Rows& rows) {
    add(rows, "neg", neg, [](double x) { return -x; });
    add(rows, "abs", abs, [](double x) { return x < 0 ? -x : x; }, {.avoid = {0}});
    add(rows, "square", square, [](double x) { return x * x; });
    add(rows, "reciprocal", reciprocal, [](double x) { return 1 / x; }, {.low = 0.3, .high = 3});
    add(rows, "exp", exp, std::exp);
    add(rows, "expm1", expm1, std::expm1);
    add(rows, "log", log, std::log, {.low = 0.2, .high = 4});
    add(rows, "log1p", log1p, std::log1p, {.low = -0.7, .high = 3});
    add(rows, "log2", log2, std::log2, {.low = 0.2, .high = 4});
    add(rows, "log10", log10, std::log10, {.low = 0.2, .high = 4});
    add(rows, "sqrt", sqrt, std::sqrt, {.low = 0.2, .high = 4});
    add(rows, "rsqrt", rsqrt, [](double x) { return 1 / std::sqrt(x); }, {.low = 0.3, .high = 4});
    add(rows, "sin", sin, std::sin);
    add(rows, "cos", cos, std::cos);
    add(rows, "tan", tan, std::tan, {.low = -1.2, .high = 1.2});
    add(rows, "asin", asin, std::asin, {.low = -0.85, .high = 0.85});
    add(rows, "acos", acos, std::acos, {.low = -0.85, .high = 0.85});
    add(rows, "atan", atan, std::atan);
    add(rows, "sinh", sinh, std::sinh);
    add(rows, "cosh", cosh, std::cosh);
    add(rows, "tanh", tanh, std::tanh);
    add(rows, "asinh", asinh, std::asinh);
    add(rows, "acosh", acosh, std::acosh, {.low = 1.3, .high = 4});
    add(rows, "atanh", atanh, std::atanh, {.low = -0.85, .high = 0.85});
    add(rows, "erf", erf, std::erf);
    add(rows, "erfc", erfc, std::erfc);
}

void add_steps(Rows& rows) {
    const Domain between{.low = -3, .high = 3, .avoid = {-3, -2, -1, 0, 1, 2, 3}};
    const Domain off_halves{.low = -3, .high = 3, .avoid = {-2.5, -1.5, -0.5, 0.5, 1.5, 2.5}};
    const Flags flat{.differentiable = true, .second = true};
    add(
        rows, "sign", sign, [](double x) { return x > 0 ? 1.0 : (x < 0 ? -1.0 : 0.0); }, between, flat);
    add(rows, "floor", floor, std::floor, between, flat);
    add(rows, "ceil", ceil, std::ceil, between, flat);
    add(rows, "trunc", trunc, std::trunc, between, flat);
    add(rows, "round", round, std::nearbyint, off_halves, flat);

    // The places where conventions differ: ties, zeros, infinities, NaN.
    const double inf = INFINITY, nan = NAN;
    const auto special = [&](const char* op, Call call, Real reference) {
        Row row;
        row.op = op;
        row.variant = "special";
        row.call = [call](const Tensors& in) { return Tensors{call(in[0])}; };
        row.inputs = {{.shape = {12},
                       .kind = Input::Kind::fixed,
                       .values = {-inf, -2.5, -1.5, -0.5, -0.0, 0.0, 0.5, 1.5, 2.5, 3, inf, nan}}};
        row.reference = [reference](const Arrays& in) {
            Array out = in[0];
            for (double& x : out.values) x = reference(x);
            return Arrays{out};
        };
        row.differentiable = false;
        rows.push_back(std::move(row));
    };
    special("floor", floor, std::floor);
    special("ceil", ceil, std::ceil);
    special("trunc", trunc, std::trunc);
    special("round", round, std::nearbyint);
    special("abs", abs, std::fabs);
    special("neg", neg, [](double x) { return -x; });
    special("isnan", isnan, [](double x) { return std::isnan(x) ? 1.0 : 0.0; });
    special("isinf", isinf, [](double x) { return std::isinf(x) ? 1.0 : 0.0; });
    special("isfinite", isfinite, [](double x) { return std::isfinite(x) ? 1.0 : 0.0; });
    special("relu", relu, [](double x) { return std::isnan(x) ? x : std::max(x, 0.0); });
    special("relu6", relu6, [](double x) { return std::isnan(x) ? x : std::min(std::max(x, 0.0), 6.0); });
    special("exp", exp, std::exp);
    special("tanh", tanh, std::tanh);
    special("sigmoid", sigmoid, logistic);
    special("erf", erf, std::erf);
    special("expm1", expm1, std::expm1);
    special("atan", atan, std::atan);
    special("sqrt", sqrt, std::sqrt);
    special("log", log, std::log);
    special(
        "softplus", [](const Tensor& x) { return softplus(x); }, [](double x) { return log_of_sum(x); });
}

void add_activations(Rows& rows) {
    const Domain wide{.low = -4, .high = 4, .avoid = {-3, -1, 0, 1, 3}};
    add(
        rows, "relu", relu, [](double x) { return x > 0 ? x : 0; }, wide);
    add(rows, "relu6", relu6, [](double x) { return std::min(std::max(x, 0.0), 6.0); },
        {.low = -2, .high = 8, .avoid = {0, 6}});
    add(
        rows, "selu", selu,
        [](double x) {
            return x > 0 ? 1.0507009873554804934 * x
                         : 1.0507009873554804934 * 1.6732632423543772848 * std::expm1(x);
        },
        wide);
    add(rows, "sigmoid", sigmoid, logistic);
    add(rows, "logsigmoid", logsigmoid, [](double x) { return -log_of_sum(-x); });
    add(rows, "silu", silu, [](double x) { return x * logistic(x); });
    add(rows, "mish", mish, [](double x) { return x * std::tanh(log_of_sum(x)); });
    add(rows, "softsign", softsign, [](double x) { return x / (1 + std::abs(x)); }, {.avoid = {0}});
    add(
        rows, "hardsigmoid", hardsigmoid, [](double x) { return std::min(std::max(x / 6 + 0.5, 0.0), 1.0); },
        wide);
    add(
        rows, "hardswish", hardswish, [](double x) { return x * std::min(std::max(x / 6 + 0.5, 0.0), 1.0); },
        wide);
    add(
        rows, "gelu", [](const Tensor& x) { return gelu(x); }, [](double x) { return x * normal_cdf(x); });
    add_one(
        rows, "gelu", "tanh", [](const Tensor& x) { return gelu(x, GeluForm::tanh); },
        [](double x) {
            return 0.5 * x * (1 + std::tanh(std::sqrt(2 / std::numbers::pi) * (x + 0.044715 * x * x * x)));
        },
        {}, {3, 4});

    const Shape shape{3, 4};
    for (const double slope : {0.01, 0.5}) {
        const std::string variant = slope < 0.1 ? "default" : "half";
        add_one(
            rows, "leaky_relu", variant, [slope](const Tensor& x) { return leaky_relu(x, slope); },
            [slope](double x) { return x > 0 ? x : slope * x; }, wide, shape);
    }
    for (const double alpha : {1.0, 1.5}) {
        const std::string variant = alpha == 1 ? "default" : "alpha";
        add_one(
            rows, "elu", variant, [alpha](const Tensor& x) { return elu(x, alpha); },
            [alpha](double x) { return x > 0 ? x : alpha * std::expm1(x); }, wide, shape);
        add_one(
            rows, "celu", variant, [alpha](const Tensor& x) { return celu(x, alpha); },
            [alpha](double x) { return x > 0 ? x : alpha * std::expm1(x / alpha); }, wide, shape);
    }
    add_one(
        rows, "softplus", "default", [](const Tensor& x) { return softplus(x); }, log_of_sum, {}, shape);
    add_one(
        rows, "softplus", "beta", [](const Tensor& x) { return softplus(x, 2, 3); },
        [](double x) { return 2 * x > 3 ? x : std::log(1 + std::exp(2 * x)) / 2; },
        {.low = -4, .high = 4, .avoid = {1.5}}, shape);
    add_one(
        rows, "hardtanh", "default", [](const Tensor& x) { return hardtanh(x); },
        [](double x) { return std::min(std::max(x, -1.0), 1.0); }, wide, shape);
    add_one(
        rows, "hardtanh", "range", [](const Tensor& x) { return hardtanh(x, -3, 0); },
        [](double x) { return std::min(std::max(x, -3.0), 0.0); }, wide, shape);
    add_one(
        rows, "clamp", "both", [](const Tensor& x) { return clamp(x, -1, 3); },
        [](double x) { return std::min(std::max(x, -1.0), 3.0); }, wide, shape);
    add_one(
        rows, "clamp", "low", [](const Tensor& x) { return clamp(x, -1); },
        [](double x) { return std::max(x, -1.0); }, wide, shape);
    add_one(
        rows, "clamp", "high", [](const Tensor& x) { return clamp(x, -HUGE_VAL, 1); },
        [](double x) { return std::min(x, 1.0); }, wide, shape);
}

void add_scalars(Rows& rows) {
    const Shape shape{2, 5};
    const Domain positive{.low = 0.3, .high = 3};
    add_one(
        rows, "add_scalar", "", [](const Tensor& x) { return x + 1.5; }, [](double x) { return x + 1.5; }, {},
        shape);
    add_one(
        rows, "add_scalar", "left", [](const Tensor& x) { return 2 + x; }, [](double x) { return x + 2; }, {},
        shape);
    add_one(
        rows, "sub_scalar", "", [](const Tensor& x) { return x - 1.5; }, [](double x) { return x - 1.5; }, {},
        shape);
    add_one(
        rows, "rsub_scalar", "", [](const Tensor& x) { return 1.5 - x; }, [](double x) { return 1.5 - x; },
        {}, shape);
    add_one(
        rows, "mul_scalar", "", [](const Tensor& x) { return x * -1.5; }, [](double x) { return x * -1.5; },
        {}, shape);
    add_one(
        rows, "mul_scalar", "0d", [](const Tensor& x) { return 3 * x; }, [](double x) { return x * 3; }, {},
        {});
    add_one(
        rows, "div_scalar", "", [](const Tensor& x) { return x / 1.5; }, [](double x) { return x / 1.5; }, {},
        shape);
    add_one(
        rows, "rdiv_scalar", "", [](const Tensor& x) { return 1.5 / x; }, [](double x) { return 1.5 / x; },
        positive, shape);
    for (const double p : {2.0, 3.0, 0.5, -1.0, 2.5, 1.0, 0.0}) {
        const std::string variant = "p" + std::to_string(static_cast<int>(p * 10 + 100));
        add_one(
            rows, "pow_scalar", variant, [p](const Tensor& x) { return pow(x, p); },
            [p](double x) { return std::pow(x, p); }, positive, shape);
    }
    add_one(
        rows, "pow_scalar", "cube_of_negatives", [](const Tensor& x) { return pow(x, 3); },
        [](double x) { return x * x * x; }, {}, shape);
    add_one(
        rows, "scalar_pow", "", [](const Tensor& x) { return pow(2.5, x); },
        [](double x) { return std::pow(2.5, x); }, {}, shape);
}

}  // namespace

void add_unary(Rows& rows) {
    add_elementary(rows);
    add_steps(rows);
    add_activations(rows);
    add_scalars(rows);
}

}  // namespace adjoint::table
