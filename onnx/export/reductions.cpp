// Sums, extremes, their places, running totals, softmax.
#include <adjoint/core/tensor/creation.h>
#include <adjoint/onnx/export/call.h>

namespace adjoint::onnx::exporting {
namespace {

// ONNX reduces neither truth values nor, everywhere, bytes.
DType reducible(DType type) { return type == DType::boolean || type == DType::u8 ? DType::i32 : type; }

void reduced(Call& call, const char* op) {
    const DType type = call.result().dtype(), used = reducible(type);
    const std::string x = call.in(0, used);
    const std::string y =
        call.tensor().dim() == 0 ? x : call.reduce(op, x, call.list("dims"), call.flag("keepdim"));
    call.set(call.cast(y, used, type));
}
template <const char* op> void reduction(Call& call) { reduced(call, op); }

void mean(Call& call) {
    const DType type = call.result().dtype();
    if (call.tensor().numel() > 0) return reduced(call, "ReduceMean");
    // Of nothing it is 0 / 0.
    const std::string sum = call.reduce("ReduceSum", call.in(0), call.list("dims"), call.flag("keepdim"));
    call.set(call.node("Div", {sum, call.constant(0, type)}));
}

void prod(Call& call) {
    const DType type = call.result().dtype();
    call.set(call.reduce("ReduceProd", call.in(0, type), {call.integer("dim")}, true));
}

void place_of_extreme(Call& call, const char* op) {
    const DType type = call.tensor().dtype();
    if (call.tensor().dim() == 0) return call.set(call.constant(0, DType::i64));
    call.set(call.node(
        op, {call.in(0, reducible(type))},
        {attribute("axis", call.integer("dim")), attribute("keepdims", std::int64_t{call.flag("keepdim")})}));
}
template <const char* op> void place(Call& call) { place_of_extreme(call, op); }

void cumsum(Call& call) {
    call.set(call.node("CumSum",
                       {call.in(0), call.builder.constant(full({}, static_cast<double>(call.integer("dim")),
                                                               DType::i64, Device::cpu()))},
                       {attribute("reverse", std::int64_t{call.flag("reverse")})}));
}

// By doubling: every element becomes the product of itself and the 2^k - 1 before it.
void cumprod(Call& call) {
    const std::int64_t dim = call.integer("dim");
    const Size size = call.shape()[static_cast<std::size_t>(dim)];
    if (!size.fixed()) call.refuse("along a dynamic axis");
    std::string y = call.in(0);
    for (std::int64_t step = 1; step < size.first(); step *= 2) {
        const std::string head = call.slice(y, dim, 0, step), tail = call.slice(y, dim, step, size.first()),
                          before = call.slice(y, dim, 0, size.first() - step);
        y = call.node("Concat", {head, call.node("Mul", {tail, before})}, {attribute("axis", dim)});
    }
    call.set(y);
}

template <const char* op> void over_last(Call& call) {
    call.set(call.node(op, {call.in(0)}, {attribute("axis", std::int64_t{-1})}));
}

constexpr char ReduceSum[] = "ReduceSum", ReduceMax[] = "ReduceMax", ReduceMin[] = "ReduceMin",
               ArgMax[] = "ArgMax", ArgMin[] = "ArgMin", Softmax[] = "Softmax", LogSoftmax[] = "LogSoftmax";

}  // namespace

void add_reductions(Mappings& table) {
    const Mappings own = {
        {"sum", reduction<ReduceSum>},
        {"mean", mean},
        {"amax", reduction<ReduceMax>},
        {"amin", reduction<ReduceMin>},
        {"prod", prod},
        {"argmax", place<ArgMax>},
        {"argmin", place<ArgMin>},
        {"cumsum", cumsum},
        {"cumprod", cumprod},
        {"softmax", over_last<Softmax>},
        {"log_softmax", over_last<LogSoftmax>},
    };
    table.insert(table.end(), own.begin(), own.end());
}

}  // namespace adjoint::onnx::exporting
