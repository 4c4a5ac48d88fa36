// Products of matrices.
#include <adjoint/autograd/ops/shape.h>
#include <adjoint/onnx/export/call.h>

namespace adjoint::onnx::exporting {
namespace {

// An operand with its last two dimensions exchanged; of what is static a constant.
std::string transposed(Call& call, std::size_t i, DType type) {
    const int value = call.input(i), rank = call.tensor(i).dim();
    if (!call.builder.is_static(value)) return call.swap_last_two(call.in(i, type), rank);
    const std::string& name = call.builder.first(value).name;
    return call.builder.transposed_constant(value, name.empty() ? "" : name + "_t", type);
}

std::string product(Call& call, bool transpose_a, bool transpose_b, DType type) {
    const bool matrices = call.tensor(0).dim() == 2 && call.tensor(1).dim() == 2;
    if (matrices && (transpose_a || transpose_b) && is_floating(type))
        return call.node(
            "Gemm", {call.in(0, type), call.in(1, type)},
            {attribute("transA", std::int64_t{transpose_a}), attribute("transB", std::int64_t{transpose_b})});
    return call.node("MatMul", {transpose_a ? transposed(call, 0, type) : call.in(0, type),
                                transpose_b ? transposed(call, 1, type) : call.in(1, type)});
}

void matmul(Call& call) {
    call.set(product(call, call.flag("transpose_a"), call.flag("transpose_b"), call.result().dtype()));
}

// x w, or x w^T, and a bias.
std::string layer(Call& call, bool transpose, DType type) {
    if (call.tensor(0).dim() == 2 && is_floating(type)) {
        Names in{call.in(0, type), call.in(1, type)};
        if (call.has(2)) in.push_back(call.in(2, type));
        return call.node("Gemm", in,
                         transpose ? NodeAttributes{attribute("transB", std::int64_t{1})} : NodeAttributes{});
    }
    const std::string sums =
        call.node("MatMul", {call.in(0, type), transpose ? transposed(call, 1, type) : call.in(1, type)});
    return call.has(2) ? call.node("Add", {sums, call.in(2, type)}) : sums;
}

void affine(Call& call) { call.set(layer(call, false, call.result().dtype())); }
void linear(Call& call) {
    const DType type = call.result().dtype();
    const std::string sums = layer(call, true, type);
    call.set(call.has_attribute("activation") ? call.activated(sums, call.word("activation"), type) : sums);
}

}  // namespace

void add_products(Mappings& table) {
    const Mappings own = {{"matmul", matmul}, {"affine", affine}, {"linear", linear}};
    table.insert(table.end(), own.begin(), own.end());
}

}  // namespace adjoint::onnx::exporting
