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

template <class T>
void pack_panel(void* to, const void* b, std::int64_t b_row, std::int64_t b_column, std::int64_t count,
                std::int64_t k) {
    vectors::pack<T, vectors::tile_columns<T>>(static_cast<T*>(to), static_cast<const T*>(b), b_column, b_row,
                                               count, k);
}

template <class T> void multiply_panel(const PanelCall& call) {
    using namespace gemm_detail;
    const bool side_by_side = call.a_row == 1;
    const RowsOfA<T> a{static_cast<const T*>(call.a), call.a_row, side_by_side ? call.a_column : call.a_row,
                       side_by_side};
    const PanelOfB<T> b{static_cast<const T*>(call.b), tile_columns<T>, call.columns};
    multiply(call.m, call.k, a, b, static_cast<T*>(call.c), call.c_row,
             TileStore<T>{call.accumulate ? T(1) : T(0), static_cast<const T*>(call.bias), false});
}

template <class T> void add(Kernels& table, int column) {
    table.gemm[column] = product<T>;
    table.panels[column] = {vectors::tile_rows, vectors::tile_columns<T>, pack_panel<T>, multiply_panel<T>};
}

}  // namespace

void add_gemm(Kernels& table) {
    add<float>(table, compute_f32);
    add<double>(table, compute_f64);
}

}  // namespace adjoint::cpu::ADJOINT_ISA
