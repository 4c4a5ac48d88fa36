// Matrix products of f32 and bf16 by oneDNN, one thread of it per task of ours;
// f64, which it lacks, by our own kernels.
#include <string_view>
#include <unordered_map>

#include <adjoint/core/base/format.h>
#include <adjoint/cpu/blas/blas.h>
#include <adjoint/cpu/blas/onednn.h>

namespace adjoint::cpu {

using onednn::engine, onednn::use_one_thread;

namespace {

// How oneDNN does the product. Empty where only its reference implementation can.
dnnl::matmul::primitive_desc bf16_product(const GemmCall& g, const void* bias) {
    const auto matrix = [](std::int64_t rows, std::int64_t columns, std::int64_t row, std::int64_t column) {
        return dnnl::memory::desc({rows, columns}, dnnl::memory::data_type::bf16, {row, column});
    };
    const auto a = matrix(g.m, g.k, g.a_row, g.a_column), b = matrix(g.k, g.n, g.b_row, g.b_column),
               c = matrix(g.m, g.n, g.c_row, 1);
    const auto product =
        bias ? dnnl::matmul::desc(a, b, matrix(1, g.n, g.n, 1), c) : dnnl::matmul::desc(a, b, c);
    dnnl::matmul::primitive_desc found(product, engine(), true);
    if (!found || std::string_view(found.impl_info_str()).starts_with("ref")) return {};
    return found;
}

}  // namespace

const char* blas_name() noexcept { return "onednn"; }

void product_f32(const GemmCall& call) {
    if (!is_readable(call)) return kernels().gemm[0](call);
    by_row_tasks<float>(call, [](const GemmCall& part, float beta) {
        use_one_thread();
        const bool turn_a = part.a_column != 1, turn_b = part.b_column != 1;
        const dnnl_status_t status =
            dnnl_sgemm(turn_a ? 'T' : 'N', turn_b ? 'T' : 'N', part.m, part.n, part.k, 1.0f,
                       static_cast<const float*>(part.a),
                       std::max(turn_a ? part.a_column : part.a_row, turn_a ? part.m : part.k),
                       static_cast<const float*>(part.b),
                       std::max(turn_b ? part.b_column : part.b_row, turn_b ? part.k : part.n), beta,
                       static_cast<float*>(part.c), part.c_row);
        check<Error>(status == dnnl_success, "matmul: oneDNN reports status {}", static_cast<int>(status));
    });
}

void product_f64(const GemmCall& call) { kernels().gemm[1](call); }

bool product_bf16(const GemmCall& call) {
    if (!onednn::has_bf16_instructions() || !is_readable(call) || call.m == 0 || call.n == 0) return false;
    if (!bf16_product(call, call.epilogue.bias)) return false;
    GemmCall bare = call;  // the bias is added before the rounding
    bare.epilogue.bias = nullptr;
    by_row_tasks<bfloat16>(bare, [bias = call.epilogue.bias](const GemmCall& part, bfloat16) {
        use_one_thread();
        const dnnl::matmul::primitive_desc how = bf16_product(part, bias);
        const auto operand = [](const dnnl::memory::desc& description, const void* data) {
            return dnnl::memory(description, engine(), const_cast<void*>(data));
        };
        std::unordered_map<int, dnnl::memory> operands{
            {DNNL_ARG_SRC, operand(how.src_desc(), part.a)},
            {DNNL_ARG_WEIGHTS, operand(how.weights_desc(), part.b)},
            {DNNL_ARG_DST, operand(how.dst_desc(), part.c)}};
        if (bias) operands.emplace(DNNL_ARG_BIAS, operand(how.bias_desc(), bias));
        dnnl::stream stream(engine());
        dnnl::matmul(how).execute(stream, operands);
    });
    return true;
}

}  // namespace adjoint::cpu
