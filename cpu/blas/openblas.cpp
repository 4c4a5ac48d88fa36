// Matrix products by OpenBLAS, one thread of it per task of ours.
#include <cblas.h>

#include <adjoint/cpu/blas/blas.h>

namespace adjoint::cpu {
namespace {

void run(const GemmCall& g, CBLAS_TRANSPOSE a, CBLAS_TRANSPOSE b, blasint lda, blasint ldb, float beta) {
    cblas_sgemm(CblasRowMajor, a, b, static_cast<blasint>(g.m), static_cast<blasint>(g.n),
                static_cast<blasint>(g.k), 1.0f, static_cast<const float*>(g.a), lda,
                static_cast<const float*>(g.b), ldb, beta, static_cast<float*>(g.c),
                static_cast<blasint>(g.c_row));
}

void run(const GemmCall& g, CBLAS_TRANSPOSE a, CBLAS_TRANSPOSE b, blasint lda, blasint ldb, double beta) {
    cblas_dgemm(CblasRowMajor, a, b, static_cast<blasint>(g.m), static_cast<blasint>(g.n),
                static_cast<blasint>(g.k), 1.0, static_cast<const double*>(g.a), lda,
                static_cast<const double*>(g.b), ldb, beta, static_cast<double*>(g.c),
                static_cast<blasint>(g.c_row));
}

template <class T> void product(const GemmCall& call, int column) {
    static const bool single = (openblas_set_num_threads(1), true);
    static_cast<void>(single);
    constexpr std::int64_t limit = std::int64_t{1} << 31;  // its integers have 32 bits
    const bool fits = call.m < limit && call.n < limit && call.k < limit && call.a_row < limit &&
                      call.a_column < limit && call.b_row < limit && call.b_column < limit &&
                      call.c_row < limit;
    if (!fits || !is_readable(call)) return kernels().gemm[column](call);
    by_row_tasks<T>(call, [](const GemmCall& part, T beta) {
        const bool turn_a = part.a_column != 1, turn_b = part.b_column != 1;
        const std::int64_t lda = turn_a ? part.a_column : part.a_row,
                           ldb = turn_b ? part.b_column : part.b_row;
        run(part, turn_a ? CblasTrans : CblasNoTrans, turn_b ? CblasTrans : CblasNoTrans,
            static_cast<blasint>(std::max(lda, turn_a ? part.m : part.k)),
            static_cast<blasint>(std::max(ldb, turn_b ? part.k : part.n)), beta);
    });
}

}  // namespace

const char* blas_name() noexcept { return "openblas"; }

void product_f32(const GemmCall& call) { product<float>(call, 0); }
void product_f64(const GemmCall& call) { product<double>(call, 1); }
bool product_bf16(const GemmCall&) { return false; }
const NarrowConvolutions* convolutions_bf16() noexcept { return nullptr; }

}  // namespace adjoint::cpu
