// Functions of one variable and activations.
#include <cmath>
#include <limits>
#include <numbers>

#include <adjoint/core/tensor/creation.h>
#include <adjoint/onnx/export/call.h>

namespace adjoint::onnx::exporting {
namespace {

// The operand in the type of the result: integers become f32 before a real function.
std::string operand(Call& call) { return call.in(0, call.result().dtype()); }
DType type_of(Call& call) { return call.result().dtype(); }
std::string constant(Call& call, double value) { return call.constant(value, type_of(call)); }

// A function that ONNX has under one name.
template <const char* op> void plain(Call& call) { call.set(call.node(op, {operand(call)})); }

std::string scaled(Call& call, const std::string& x, double factor) {
    return call.node("Mul", {x, constant(call, factor)});
}
std::string shifted(Call& call, const std::string& x, double offset) {
    return call.node("Add", {x, constant(call, offset)});
}

void expm1(Call& call) { call.set(shifted(call, call.node("Exp", {operand(call)}), -1)); }
void log1p(Call& call) { call.set(call.node("Log", {shifted(call, operand(call), 1)})); }
void log2(Call& call) {
    call.set(call.node("Div", {call.node("Log", {operand(call)}), constant(call, std::numbers::ln2)}));
}
void log10(Call& call) {
    call.set(call.node("Div", {call.node("Log", {operand(call)}), constant(call, std::numbers::ln10)}));
}
void rsqrt(Call& call) { call.set(call.node("Reciprocal", {call.node("Sqrt", {operand(call)})})); }
void square(Call& call) {
    const std::string x = operand(call);
    call.set(call.node("Mul", {x, x}));
}
void trunc(Call& call) {
    const std::string x = operand(call);
    call.set(call.node("Mul", {call.node("Sign", {x}), call.node("Floor", {call.node("Abs", {x})})}));
}
void erfc(Call& call) { call.set(call.node("Sub", {constant(call, 1), call.node("Erf", {operand(call)})})); }

// x as something that can be NaN and infinite.
std::string real(Call& call) {
    const DType type = call.tensor().dtype();
    return call.in(0, is_floating(type) ? compute_type(type) : DType::f32);
}
void isnan(Call& call) { call.set(call.node("IsNaN", {real(call)})); }
void isinf(Call& call) { call.set(call.node("IsInf", {real(call)})); }
void isfinite(Call& call) {
    const std::string x = real(call);
    call.set(call.node("Not", {call.node("Or", {call.node("IsNaN", {x}), call.node("IsInf", {x})})}));
}

std::string clipped(Call& call, const std::string& x, double low, double high) {
    const auto bound = [&](double value) { return std::isinf(value) ? "" : constant(call, value); };
    Names inputs{x, bound(low), bound(high)};
    while (inputs.back().empty()) inputs.pop_back();
    return inputs.size() == 1 ? x : call.node("Clip", inputs);
}
void clamp(Call& call) { call.set(clipped(call, operand(call), call.number("low"), call.number("high"))); }
void relu6(Call& call) { call.set(clipped(call, operand(call), 0, 6)); }
void leaky_relu(Call& call) {
    call.set(call.node("LeakyRelu", {operand(call)}, {attribute("alpha", call.number("negative_slope"))}));
}
void elu(Call& call) {
    const double alpha = call.number("alpha"), scale = call.number("scale"),
                 input_scale = call.number("input_scale");
    const std::string x = operand(call);
    if (input_scale == 1 && scale == 1) return call.set(call.node("Elu", {x}, {attribute("alpha", alpha)}));
    if (input_scale == 1)
        return call.set(call.node("Selu", {x}, {attribute("alpha", alpha), attribute("gamma", scale)}));
    if (type_of(call) == DType::f32 && scale == 1 && input_scale * alpha == 1)
        return call.set(call.node("Celu", {x}, {attribute("alpha", alpha)}));
    const std::string low = scaled(call, call.node("Min", {x, constant(call, 0)}), input_scale);
    const std::string below = scaled(call, shifted(call, call.node("Exp", {low}), -1), alpha);
    call.set(call.node("Where", {call.node("Greater", {x, constant(call, 0)}), x, below}));
}
void logsigmoid(Call& call) {
    call.set(call.node("Neg", {call.node("Softplus", {call.node("Neg", {operand(call)})})}));
}
void softplus(Call& call) {
    const double beta = call.number("beta"), threshold = call.number("threshold");
    const std::string x = operand(call);
    if (beta == 1) {
        // Beyond the threshold the two are equal, to the precision of f32.
        constexpr double usual = 20;
        if (threshold >= usual) return call.set(call.node("Softplus", {x}));
    }
    const std::string z = scaled(call, x, beta);
    const std::string curved = call.node("Div", {call.node("Softplus", {z}), constant(call, beta)});
    call.set(call.node("Where", {call.node("Greater", {z, constant(call, threshold)}), x, curved}));
}
void mish(Call& call) {
    constexpr std::int64_t has_mish = 18;
    const std::string x = operand(call);
    if (call.builder.opset() >= has_mish) return call.set(call.node("Mish", {x}));
    call.set(call.node("Mul", {x, call.node("Tanh", {call.node("Softplus", {x})})}));
}
void hardtanh(Call& call) { call.set(clipped(call, operand(call), call.number("low"), call.number("high"))); }
void hardsigmoid(Call& call) {
    call.set(
        call.node("HardSigmoid", {operand(call)}, {attribute("alpha", 1.0 / 6), attribute("beta", 0.5)}));
}
void hardswish(Call& call) {
    constexpr std::int64_t has_hardswish = 14;
    const std::string x = operand(call);
    if (call.builder.opset() >= has_hardswish) return call.set(call.node("HardSwish", {x}));
    call.set(call.node(
        "Mul", {x, call.node("HardSigmoid", {x}, {attribute("alpha", 1.0 / 6), attribute("beta", 0.5)})}));
}
template <const char* form> void activation(Call& call) {
    call.set(call.activated(operand(call), form, type_of(call)));
}

// A number beside a tensor
// -----------------------------------------------------------------------------

template <const char* op> void number_right(Call& call) {
    call.set(call.node(op, {operand(call), call.scalar("s", type_of(call))}));
}
template <const char* op> void number_left(Call& call) {
    call.set(call.node(op, {call.scalar("s", type_of(call)), operand(call)}));
}
void pow_scalar(Call& call) { call.set(call.node("Pow", {operand(call), call.scalar("p", type_of(call))})); }
void scalar_pow(Call& call) { call.set(call.node("Pow", {call.scalar("a", type_of(call)), operand(call)})); }

constexpr char Neg[] = "Neg", Abs[] = "Abs", Sign[] = "Sign", Floor[] = "Floor", Ceil[] = "Ceil",
               Round[] = "Round", Exp[] = "Exp", Log[] = "Log", Sqrt[] = "Sqrt", Reciprocal[] = "Reciprocal",
               Sin[] = "Sin", Cos[] = "Cos", Tan[] = "Tan", Asin[] = "Asin", Acos[] = "Acos", Atan[] = "Atan",
               Sinh[] = "Sinh", Cosh[] = "Cosh", Tanh[] = "Tanh", Asinh[] = "Asinh", Acosh[] = "Acosh",
               Atanh[] = "Atanh", Erf[] = "Erf", Relu[] = "Relu", Sigmoid[] = "Sigmoid",
               Softsign[] = "Softsign", AddTo[] = "Add", SubFrom[] = "Sub", MulBy[] = "Mul", DivBy[] = "Div",
               gelu[] = "gelu", gelu_tanh[] = "gelu_tanh", silu[] = "silu";

}  // namespace

std::string Call::activated(const std::string& x, std::string_view activation, DType type) {
    const auto fraction = [&](double value) { return constant(value, type); };
    if (activation == "none") return x;
    if (activation == "relu") return node("Relu", {x});
    if (activation == "tanh") return node("Tanh", {x});
    if (activation == "sigmoid") return node("Sigmoid", {x});
    if (activation == "silu") return node("Mul", {x, node("Sigmoid", {x})});
    constexpr std::int64_t has_gelu = 20;
    if (builder.opset() >= has_gelu)
        return node("Gelu", {x},
                    activation == "gelu" ? NodeAttributes{}
                                         : NodeAttributes{attribute("approximate", std::string("tanh"))});
    if (activation == "gelu") {
        const std::string inner = node("Erf", {node("Mul", {x, fraction(std::numbers::sqrt2 / 2)})});
        return node("Mul", {node("Mul", {x, node("Add", {inner, fraction(1)})}), fraction(0.5)});
    }
    if (activation != "gelu_tanh") refuse("has no activation " + std::string(activation));
    const std::string cube = node("Mul", {x, node("Mul", {x, x})});
    const std::string sum = node("Add", {x, node("Mul", {cube, fraction(0.044715)})});
    const std::string inner = node("Tanh", {node("Mul", {sum, fraction(std::sqrt(2 / std::numbers::pi))})});
    return node("Mul", {node("Mul", {x, node("Add", {inner, fraction(1)})}), fraction(0.5)});
}

void add_elementwise(Mappings& table) {
    const Mappings own = {
        {"neg", plain<Neg>},
        {"abs", plain<Abs>},
        {"sign", plain<Sign>},
        {"floor", plain<Floor>},
        {"ceil", plain<Ceil>},
        {"trunc", trunc},
        {"round", plain<Round>},
        {"exp", plain<Exp>},
        {"expm1", expm1},
        {"log", plain<Log>},
        {"log1p", log1p},
        {"log2", log2},
        {"log10", log10},
        {"sqrt", plain<Sqrt>},
        {"rsqrt", rsqrt},
        {"square", square},
        {"reciprocal", plain<Reciprocal>},
        {"sin", plain<Sin>},
        {"cos", plain<Cos>},
        {"tan", plain<Tan>},
        {"asin", plain<Asin>},
        {"acos", plain<Acos>},
        {"atan", plain<Atan>},
        {"sinh", plain<Sinh>},
        {"cosh", plain<Cosh>},
        {"tanh", plain<Tanh>},
        {"asinh", plain<Asinh>},
        {"acosh", plain<Acosh>},
        {"atanh", plain<Atanh>},
        {"erf", plain<Erf>},
        {"erfc", erfc},
        {"isnan", isnan},
        {"isinf", isinf},
        {"isfinite", isfinite},
        {"clamp", clamp},
        {"relu", plain<Relu>},
        {"relu6", relu6},
        {"leaky_relu", leaky_relu},
        {"elu", elu},
        {"sigmoid", plain<Sigmoid>},
        {"logsigmoid", logsigmoid},
        {"silu", activation<silu>},
        {"softplus", softplus},
        {"mish", mish},
        {"softsign", plain<Softsign>},
        {"hardtanh", hardtanh},
        {"hardsigmoid", hardsigmoid},
        {"hardswish", hardswish},
        {"gelu", activation<gelu>},
        {"gelu_tanh", activation<gelu_tanh>},
        {"add_scalar", number_right<AddTo>},
        {"rsub_scalar", number_left<SubFrom>},
        {"mul_scalar", number_right<MulBy>},
        {"div_scalar", number_right<DivBy>},
        {"rdiv_scalar", number_left<DivBy>},
        {"pow_scalar", pow_scalar},
        {"scalar_pow", scalar_pow},
    };
    table.insert(table.end(), own.begin(), own.end());
}

}  // namespace adjoint::onnx::exporting
