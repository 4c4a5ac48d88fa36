// The matrix product of this level, entered into the table.
#include <adjoint/cpu/gemm.h>
#include <adjoint/cpu/kernels/kernels.h>

namespace adjoint::cpu::ADJOINT_ISA {
namespace {

template <class T> void product(const GemmCall& call) {
    adjoint::cpu::ADJOINT_ISA::Gemm<T> g{};
    g.m = call.m;
    g.n = call.n;
    g.k = call.k;
    g.a = static_cast<const T*>(call.a);
    g.a_row = call.a_row;
    g.a_column = call.a_column;
    g.b = static_cast<const T*>(call.b);
    g.b_row = call.b_row;
    g.b_column = call.b_column;
    g.c = static_cast<T*>(call.c);
    g.c_row = call.c_row;
    g.epilogue = call.epilogue;
    gemm(g);
}

}  // namespace

void add_gemm(Kernels& table) {
    table.gemm[0] = product<float>;
    table.gemm[1] = product<double>;
}

}  // namespace adjoint::cpu::ADJOINT_ISA
