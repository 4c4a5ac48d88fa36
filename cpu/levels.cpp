// The choice of the instruction set level, once, at the first use.
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

namespace {

struct Level {
    std::string_view name;
    void (*fill)(Kernels& table);
};

#define ADJOINT_LEVEL(name) {#name, &name::fill},
constexpr Level levels[] = {ADJOINT_CPU_LEVELS};
#undef ADJOINT_LEVEL

bool runs_here([[maybe_unused]] std::string_view level) {
#if defined(__x86_64__)
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
        if (runs_here(level.name)) return level;
    fail<DeviceError>(
        "kernels: this build is for processors of level {}, which this one is not; configure it with "
        "-DADJOINT_CPU_LEVELS=all",
        names_of_levels());
}

// What processors of level v4 may have besides; a level that is asked for by name is that and no more.
void add_extensions([[maybe_unused]] Kernels& table) {
#if defined(ADJOINT_CPU_BF16)
    if (std::string_view(table.level) != "v4" || std::getenv("ADJOINT_CPU_LEVEL")) return;
    if (!__builtin_cpu_supports("avx512bf16")) return;
    v4_bf16::fill(table);
    table.level = "v4 with bf16";
#endif
}

Kernels filled() {
    const Level& level = choose();
    Kernels table;
    table.level = level.name.data();
    level.fill(table);
    add_extensions(table);
    return table;
}

}  // namespace

const Kernels& kernels() {
    static const Kernels table = filled();
    return table;
}

}  // namespace adjoint::cpu
