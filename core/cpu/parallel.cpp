// The public face of the thread pool and of the choice of kernels.
#include <adjoint/core/parallel.h>

#include <adjoint/core/cpu/blas/blas.h>
#include <adjoint/core/cpu/kernels/kernels.h>
#include <adjoint/core/cpu/thread_pool.h>

namespace adjoint {

int num_threads() { return cpu::num_threads(); }
void set_num_threads(int n) { cpu::set_num_threads(n); }
const char* cpu_level() { return cpu::kernels().level; }
const char* cpu_blas() { return cpu::blas_name(); }

}  // namespace adjoint
