// The choice of the instruction set level, once, at the first use.
#if defined(__x86_64__)
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

#include <cstdlib>
#include <string_view>

#include <adjoint/core/base/format.h>
#include <adjoint/cpu/kernels/kernels.h>

// ADJOINT_CPU_LEVELS names those of this build, the best first: ADJOINT_LEVEL(v4) ADJOINT_LEVEL(v3) ..
#define ADJOINT_LEVEL(name)        \
    namespace adjoint::cpu::name { \
    void fill(Kernels& table);     \
    }
ADJOINT_CPU_LEVELS
#undef ADJOINT_LEVEL

namespace adjoint::cpu {

namespace v4_bf16 {
void fill(Kernels& table);
}
namespace v4_amx {
void fill(Kernels& table);
}

namespace {

struct Level {
    std::string_view name;
    void (*fill)(Kernels& table);
};

#if defined(ADJOINT_CPU_BF16) || defined(ADJOINT_CPU_AMX)
// Level v4 and what its processors may have besides.
template <void (*more)(Kernels& table)> void with_v4(Kernels& table) {
    v4::fill(table);
    more(table);
}
#endif

#define ADJOINT_LEVEL(name) {#name, &name::fill},
constexpr Level levels[] = {
#if defined(ADJOINT_CPU_AMX)
    {"v4-amx", &with_v4<v4_amx::fill>},
#endif
#if defined(ADJOINT_CPU_BF16)
    {"v4-bf16", &with_v4<v4_bf16::fill>},
#endif
    ADJOINT_CPU_LEVELS};
#undef ADJOINT_LEVEL

#if defined(__x86_64__)
// Tiles are a kilobyte of registers each: the system gives them to a process that asks, and may refuse.
bool has_tiles_of_bf16() {
    unsigned a = 0, b = 0, c = 0, d = 0;
    constexpr unsigned features = 7, amx_bf16 = 1U << 22, amx_tile = 1U << 24;
    if (__get_cpuid_count(features, 0, &a, &b, &c, &d) == 0 || (d & amx_bf16) == 0 || (d & amx_tile) == 0)
        return false;
    constexpr long request_permission = 0x1023, tile_data = 18;  // ARCH_REQ_XCOMP_PERM, the state's number
    return syscall(SYS_arch_prctl, request_permission, tile_data) == 0;
}
#endif

bool runs_here([[maybe_unused]] std::string_view level) {
#if defined(__x86_64__)
    if (level == "v4-amx") return runs_here("v4") && has_tiles_of_bf16();
    if (level == "v4-bf16") return runs_here("v4") && __builtin_cpu_supports("avx512bf16");
    if (level == "v4")
        return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
               __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
               __builtin_cpu_supports("avx512vl");
    if (level == "v3")
        return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
               __builtin_cpu_supports("bmi2");
#endif
    return true;
}

// Intel's processors multiply bf16 in vectors no faster than floats.
bool pays_here([[maybe_unused]] std::string_view level) {
#if defined(__x86_64__)
    if (level == "v4-bf16") return !__builtin_cpu_is("intel");
#endif
    return true;
}

std::string names_of_levels() {
    std::string names;
    for (const Level& level : levels) names += (names.empty() ? "" : ", ") + std::string(level.name);
    return names;
}

const Level& choose() {
    if (const char* wanted = std::getenv("ADJOINT_CPU_LEVEL")) {
        for (const Level& level : levels)
            if (level.name == wanted) {
                check<ValueError>(runs_here(level.name),
                                  "ADJOINT_CPU_LEVEL: this processor does not run {}; this build has {}",
                                  level.name, names_of_levels());
                return level;
            }
        fail<ValueError>("ADJOINT_CPU_LEVEL: there is no level \"{}\" in this build, which has {}", wanted,
                         names_of_levels());
    }
    for (const Level& level : levels)
        if (runs_here(level.name) && pays_here(level.name)) return level;
    fail<DeviceError>(
        "kernels: this build is for processors of level {}, which this one is not; configure it with "
        "-DADJOINT_CPU_LEVELS=all",
        names_of_levels());
}

Kernels filled() {
    const Level& level = choose();
    Kernels table;
    table.level = level.name.data();
    level.fill(table);
    return table;
}

}  // namespace

const Kernels& kernels() {
    static const Kernels table = filled();
    return table;
}

}  // namespace adjoint::cpu
