// The choice of the instruction set level, once, at the first use.
#include <adjoint/core/cpu/kernels/kernels.h>

#include <cstdlib>
#include <string_view>

namespace adjoint::cpu {

#define ADJOINT_DECLARE_LEVEL(level)      \
    namespace level {                     \
    void add_convert(Kernels& table);     \
    void add_unary(Kernels& table);       \
    void add_binary(Kernels& table);      \
    void add_reduce(Kernels& table);      \
    void add_gemm(Kernels& table);        \
    void add_pool(Kernels& table);        \
    void add_convolution(Kernels& table); \
    void add_winograd(Kernels& table);    \
    void add_rows(Kernels& table);        \
    void add_random(Kernels& table);      \
    }
#if defined(ADJOINT_HAVE_ISA_V2)
ADJOINT_DECLARE_LEVEL(v2)
#endif
#if defined(ADJOINT_HAVE_ISA_V3)
ADJOINT_DECLARE_LEVEL(v3)
#endif
#if defined(ADJOINT_HAVE_ISA_V4)
ADJOINT_DECLARE_LEVEL(v4)
#endif
#if defined(ADJOINT_HAVE_ISA_GENERIC)
ADJOINT_DECLARE_LEVEL(generic)
#endif
#undef ADJOINT_DECLARE_LEVEL

namespace {

#define ADJOINT_FILL_LEVEL(which)      \
    {                                  \
        table.level = #which;          \
        which::add_convert(table);     \
        which::add_unary(table);       \
        which::add_binary(table);      \
        which::add_reduce(table);      \
        which::add_gemm(table);        \
        which::add_pool(table);        \
        which::add_convolution(table); \
        which::add_winograd(table);    \
        which::add_rows(table);        \
        which::add_random(table);      \
        return table;                  \
    }

Kernels choose() {
    Kernels table;
    const char* wanted = std::getenv("ADJOINT_CPU_LEVEL");
    const std::string_view limit = wanted ? wanted : "v4";
#if defined(ADJOINT_HAVE_ISA_V4)
    if (limit >= "v4" && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512vl"))
        ADJOINT_FILL_LEVEL(v4)
#endif
#if defined(ADJOINT_HAVE_ISA_V3)
    if (limit >= "v3" && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
        __builtin_cpu_supports("bmi2"))
        ADJOINT_FILL_LEVEL(v3)
#endif
#if defined(ADJOINT_HAVE_ISA_V2)
    ADJOINT_FILL_LEVEL(v2)
#elif defined(ADJOINT_HAVE_ISA_GENERIC)
    ADJOINT_FILL_LEVEL(generic)
#elif defined(ADJOINT_HAVE_ISA_V3)
    ADJOINT_FILL_LEVEL(v3)
#endif
}
#undef ADJOINT_FILL_LEVEL

}  // namespace

const Kernels& kernels() {
    static const Kernels table = choose();
    return table;
}

}  // namespace adjoint::cpu
