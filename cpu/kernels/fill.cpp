// The whole table of one level.
#include <adjoint/cpu/kernels/kernels.h>

namespace adjoint::cpu::ADJOINT_ISA {

void add_convert(Kernels& table);
void add_unary(Kernels& table);
void add_binary(Kernels& table);
void add_reduce(Kernels& table);
void add_gemm(Kernels& table);
void add_pool(Kernels& table);
void add_convolution(Kernels& table);
void add_winograd(Kernels& table);
void add_rows(Kernels& table);
void add_batch_norm(Kernels& table);
void add_layer_norm(Kernels& table);
void add_recurrent(Kernels& table);
void add_transpose(Kernels& table);
void add_scan(Kernels& table);
void add_attention(Kernels& table);
void add_random(Kernels& table);

void fill(Kernels& table) {
    for (const auto add : {add_convert, add_unary, add_binary, add_reduce, add_gemm, add_pool,
                           add_convolution, add_winograd, add_rows, add_batch_norm, add_layer_norm,
                           add_recurrent, add_attention, add_transpose, add_scan, add_random})
        add(table);
}

}  // namespace adjoint::cpu::ADJOINT_ISA
