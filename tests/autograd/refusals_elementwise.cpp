// Bad calls of functions that work element by element.
#include <adjoint/autograd/ops/arithmetic.h>
#include <adjoint/autograd/ops/elementwise.h>
#include <adjoint/core/tensor/creation.h>

#include "refusals.h"

namespace adjoint::table {
namespace {

using Unary = Tensor (*)(const Tensor&);
using Binary = Tensor (*)(const Tensor&, const Tensor&);

void add_unary(BadCalls& calls, const char* op, const std::function<Tensor(const Tensor&)>& f) {
    calls.push_back({op, "undefined", [=] { f(Tensor()); }});
}

void add_binary(BadCalls& calls, const char* op, Binary f) {
    calls.push_back({op, "(2, 3)", [=] { f(ones({2, 3}), ones({4})); }});
    calls.push_back({op, "undefined", [=] { f(ones({2}), Tensor()); }});
}

}  // namespace

void add_bad_elementwise(BadCalls& calls) {
    add_binary(calls, "add", add);
    add_binary(calls, "sub", sub);
    add_binary(calls, "mul", mul);
    add_binary(calls, "div", div);
    add_binary(calls, "pow", static_cast<Binary>(pow));
    add_binary(calls, "atan2", atan2);
    add_binary(calls, "maximum", maximum);
    add_binary(calls, "minimum", minimum);
    add_binary(calls, "eq", static_cast<Binary>(eq));
    add_binary(calls, "ne", static_cast<Binary>(ne));
    add_binary(calls, "lt", static_cast<Binary>(lt));
    add_binary(calls, "le", static_cast<Binary>(le));
    add_binary(calls, "gt", static_cast<Binary>(gt));
    add_binary(calls, "ge", static_cast<Binary>(ge));
    add_binary(calls, "logical_and", logical_and);
    add_binary(calls, "logical_or", logical_or);

    const std::pair<const char*, Unary> unary[] = {
        {"abs", abs},
        {"acos", acos},
        {"acosh", acosh},
        {"asin", asin},
        {"asinh", asinh},
        {"atan", atan},
        {"atanh", atanh},
        {"ceil", ceil},
        {"cos", cos},
        {"cosh", cosh},
        {"erf", erf},
        {"erfc", erfc},
        {"exp", exp},
        {"expm1", expm1},
        {"floor", floor},
        {"hardsigmoid", hardsigmoid},
        {"hardswish", hardswish},
        {"isfinite", isfinite},
        {"isinf", isinf},
        {"isnan", isnan},
        {"log", log},
        {"log10", log10},
        {"log1p", log1p},
        {"log2", log2},
        {"logical_not", logical_not},
        {"logsigmoid", logsigmoid},
        {"mish", mish},
        {"neg", neg},
        {"reciprocal", reciprocal},
        {"relu", relu},
        {"relu6", relu6},
        {"round", round},
        {"rsqrt", rsqrt},
        {"selu", selu},
        {"sigmoid", sigmoid},
        {"sign", sign},
        {"silu", silu},
        {"sin", sin},
        {"sinh", sinh},
        {"softsign", softsign},
        {"sqrt", sqrt},
        {"square", square},
        {"tan", tan},
        {"tanh", tanh},
        {"trunc", trunc},
    };
    for (const auto& [op, f] : unary) add_unary(calls, op, f);
    add_unary(calls, "add_scalar", [](const Tensor& x) { return add_scalar(x, 1); });
    add_unary(calls, "sub_scalar", [](const Tensor& x) { return sub_scalar(x, 1); });
    add_unary(calls, "rsub_scalar", [](const Tensor& x) { return rsub_scalar(x, 1); });
    add_unary(calls, "mul_scalar", [](const Tensor& x) { return mul_scalar(x, 1); });
    add_unary(calls, "div_scalar", [](const Tensor& x) { return div_scalar(x, 1); });
    add_unary(calls, "rdiv_scalar", [](const Tensor& x) { return rdiv_scalar(x, 1); });
    add_unary(calls, "pow_scalar", [](const Tensor& x) { return pow_scalar(x, 2); });
    add_unary(calls, "scalar_pow", [](const Tensor& x) { return scalar_pow(2, x); });
    add_unary(calls, "celu", [](const Tensor& x) { return celu(x); });
    add_unary(calls, "elu", [](const Tensor& x) { return elu(x); });
    add_unary(calls, "gelu", [](const Tensor& x) { return gelu(x); });
    add_unary(calls, "hardtanh", [](const Tensor& x) { return hardtanh(x); });
    add_unary(calls, "leaky_relu", [](const Tensor& x) { return leaky_relu(x); });
    add_unary(calls, "softplus", [](const Tensor& x) { return softplus(x); });
    add_unary(calls, "clamp", [](const Tensor& x) { return clamp(x, 0, 1); });

    const Tensor x = ones({2, 3});
    calls.insert(calls.end(), {

                                  {"hardtanh", "[1, -1]", [=] { hardtanh(x, 1, -1); }},
                                  {"celu", "alpha is 0", [=] { celu(x, 0); }},
                                  {"softplus", "beta is 0", [=] { softplus(x, 0); }},
                                  {"prelu", "weight", [=] { prelu(x, ones({4})); }},
                                  {"prelu", "undefined", [=] { prelu(Tensor(), ones({1})); }},
                                  {"where", "bool", [=] { where(x, x, x); }},
                                  {"where", "(2, 3)", [=] { where(x > 0, x, ones({4})); }},
                                  {"masked_fill", "bool", [=] { masked_fill(x, x, 0); }},
                                  {"masked_fill", "(4,)", [=] { masked_fill(x, ones({4}) > 0, 0); }},
                              });
}

}  // namespace adjoint::table
