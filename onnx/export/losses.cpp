// Losses that are one function; the others are heard as what they are made of.
#include <adjoint/onnx/export/call.h>

namespace adjoint::onnx::exporting {
namespace {

std::string reduced(Call& call, const std::string& x) {
    const std::string_view reduction = call.word("reduction");
    if (reduction == "none") return x;
    return call.reduce(reduction == "mean" ? "ReduceMean" : "ReduceSum", x, {}, false);
}

void cross_entropy(Call& call) {
    call.set(call.node("SoftmaxCrossEntropyLoss", {call.in(0), call.in(1)},
                       {attribute("reduction", std::string(call.word("reduction"))),
                        attribute("ignore_index", call.integer("ignore_index"))}));
}

void mse_loss(Call& call) {
    const DType type = call.result().dtype(), used = compute_type(type);
    const std::string d = call.node("Sub", {call.in(0, used), call.in(1, used)});
    std::string y = reduced(call, call.node("Mul", {d, d}));
    if (call.tensor().numel() == 0 && call.word("reduction") == "mean")
        y = call.node("Div", {y, call.constant(0, used)});
    call.set(call.cast(y, used, type));
}

// -(t max(log p, -100) + (1 - t) max(log(1 - p), -100))
void binary_cross_entropy(Call& call) {
    const DType type = call.result().dtype();
    const std::string p = call.in(0, type), t = call.in(1, type), one = call.constant(1, type);
    const auto bounded_log = [&](const std::string& x) {
        return call.node("Max", {call.node("Log", {x}), call.constant(-100, type)});
    };
    const std::string yes = call.node("Mul", {t, bounded_log(p)});
    const std::string no =
        call.node("Mul", {call.node("Sub", {one, t}), bounded_log(call.node("Sub", {one, p}))});
    call.set(call.node("Neg", {call.node("Add", {yes, no})}));
}

// Half of the sum of squares.
void lecture_mse(Call& call) {
    const DType type = call.result().dtype();
    const std::string d = call.node("Sub", {call.in(1, type), call.in(0, type)});
    call.set(call.node(
        "Mul", {call.reduce("ReduceSum", call.node("Mul", {d, d}), {}, false), call.constant(0.5, type)}));
}

}  // namespace

void add_losses(Mappings& table) {
    const Mappings own = {{"cross_entropy", cross_entropy},
                          {"mse_loss", mse_loss},
                          {"binary_cross_entropy", binary_cross_entropy},
                          {"lecture_mse", lecture_mse}};
    table.insert(table.end(), own.begin(), own.end());
}

}  // namespace adjoint::onnx::exporting
