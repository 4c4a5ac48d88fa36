// The public face of the thread pool and of the choice of kernels.
#include <adjoint/core/base/parallel.h>

#include <adjoint/cpu/blas/blas.h>
#include <adjoint/cpu/kernels/kernels.h>
#include <adjoint/cpu/thread_pool.h>

namespace adjoint {

int num_threads() { return cpu::num_threads(); }
void set_num_threads(int n) { cpu::set_num_threads(n); }
const char* cpu_level() { return cpu::kernels().level; }
const char* cpu_blas() { return cpu::blas_name(); }

}  // namespace adjoint
