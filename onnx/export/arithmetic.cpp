// Two tensors: arithmetic, comparison, selection; and conversions.
#include <numbers>

#include <adjoint/autograd/ops/arithmetic.h>
#include <adjoint/core/tensor/creation.h>
#include <adjoint/onnx/export/call.h>

namespace adjoint::onnx::exporting {
namespace {

// The type in which two operands meet: that of a sum of theirs.
DType common_type(const Tensor& a, const Tensor& b) {
    const auto like = [](const Tensor& x) {
        return zeros(x.dim() > 0 ? Shape{1} : Shape{}, x.dtype(), Device::cpu());
    };
    return add(like(a), like(b)).dtype();
}

// ONNX has no arithmetic of truth values and of bytes.
DType calculable(DType type) { return type == DType::boolean || type == DType::u8 ? DType::i32 : type; }

void combine(Call& call, const char* op) {
    const DType type = call.result().dtype(), used = calculable(type);
    call.set(call.cast(call.node(op, {call.in(0, used), call.in(1, used)}), used, type));
}
template <const char* op> void binary(Call& call) { combine(call, op); }

void compare(Call& call, const char* op) {
    const DType type = calculable(common_type(call.tensor(0), call.tensor(1)));
    call.set(call.node(op, {call.in(0, type), call.in(1, type)}));
}
template <const char* op> void comparison(Call& call) { compare(call, op); }
void ne(Call& call) {
    const DType type = calculable(common_type(call.tensor(0), call.tensor(1)));
    call.set(call.node("Not", {call.node("Equal", {call.in(0, type), call.in(1, type)})}));
}
template <const char* op> void logical(Call& call) {
    call.set(call.node(op, {call.in(0, DType::boolean), call.in(1, DType::boolean)}));
}
void logical_not(Call& call) { call.set(call.node("Not", {call.in(0, DType::boolean)})); }

void where(Call& call) {
    const DType type = call.result().dtype();
    call.set(call.node("Where", {call.in(0), call.in(1, type), call.in(2, type)}));
}

// By the arc tangent of y / x, which is right for x > 0, half a turn beside it for x < 0.
void atan2(Call& call) {
    const DType type = call.result().dtype();
    const std::string y = call.in(0, type), x = call.in(1, type);
    const auto fraction = [&](double value) { return call.constant(value, type); };
    const std::string on_axis = call.node("Equal", {x, fraction(0)});
    const std::string divisor = call.node("Where", {on_axis, fraction(1), x});
    const std::string slope = call.node("Atan", {call.node("Div", {y, divisor})});
    const std::string turn = call.node("Where", {call.node("Less", {y, fraction(0)}),
                                                 fraction(-std::numbers::pi), fraction(std::numbers::pi)});
    const std::string beside = call.node(
        "Add", {slope, call.node("Where", {call.node("Less", {x, fraction(0)}), turn, fraction(0)})});
    const std::string upright = call.node("Mul", {call.node("Sign", {y}), fraction(std::numbers::pi / 2)});
    call.set(call.node("Where", {on_axis, upright, beside}));
}

// Converts, or is the same values.
void copy(Call& call) { call.set(call.in(0, call.result().dtype())); }

void dropout(Call& call) {
    call.refuse(
        "draws random numbers; it does nothing in evaluation mode: nn::Dropout, or dropout(x, p, false)");
}

constexpr char Add[] = "Add", Sub[] = "Sub", Mul[] = "Mul", Div[] = "Div", Pow[] = "Pow", Max[] = "Max",
               Min[] = "Min", Equal[] = "Equal", Less[] = "Less", LessOrEqual[] = "LessOrEqual",
               Greater[] = "Greater", GreaterOrEqual[] = "GreaterOrEqual", And[] = "And", Or[] = "Or";

}  // namespace

void add_arithmetic(Mappings& table) {
    const Mappings own = {
        {"add", binary<Add>},
        {"sub", binary<Sub>},
        {"mul", binary<Mul>},
        {"div", binary<Div>},
        {"pow", binary<Pow>},
        {"atan2", atan2},
        {"maximum", binary<Max>},
        {"minimum", binary<Min>},
        {"where", where},
        {"eq", comparison<Equal>},
        {"ne", ne},
        {"lt", comparison<Less>},
        {"le", comparison<LessOrEqual>},
        {"gt", comparison<Greater>},
        {"ge", comparison<GreaterOrEqual>},
        {"logical_and", logical<And>},
        {"logical_or", logical<Or>},
        {"logical_not", logical_not},
        {"copy", copy},
        {"to_device", copy},
        {"alias", copy},
        {"dropout", dropout},
    };
    table.insert(table.end(), own.begin(), own.end());
}

}  // namespace adjoint::onnx::exporting
