// What this build of the library is and what it uses on this machine.
#include <adjoint/adjoint.h>

#include <cstdio>

using namespace adjoint;

int main() {
    std::printf("adjoint       %s\n", version);
    std::printf("compiler      %s\n", __VERSION__);
    std::printf("CPU kernels   x86-64 level %s (lower it with ADJOINT_CPU_LEVEL=v2|v3)\n", cpu_level());
    std::printf("threads       %d (change with ADJOINT_NUM_THREADS)\n", num_threads());
    std::printf("products      %s (chosen by ADJOINT_BLAS=OWN|ONEDNN|OPENBLAS when configuring)\n",
                cpu_blas());
    std::printf("CUDA          not part of this version; everything runs on the CPU\n");
}
