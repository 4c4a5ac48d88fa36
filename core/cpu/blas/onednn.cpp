// Matrix products of f32 by oneDNN, one thread of it per task of ours; f64, which it lacks, by our own
// kernels.
#include <oneapi/dnnl/dnnl.h>

#include <adjoint/core/cpu/blas/blas.h>
#include <adjoint/core/format.h>

extern "C" void omp_set_num_threads(int);

namespace adjoint::cpu {

const char* blas_name() noexcept { return "onednn"; }

void product_f32(const GemmCall& call) {
    if (!has_unit_strides(call)) return kernels().gemm[0](call);
    by_row_tasks<float>(call, [](const GemmCall& part, float beta) {
        thread_local const bool single = (omp_set_num_threads(1), true);
        static_cast<void>(single);
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

}  // namespace adjoint::cpu
