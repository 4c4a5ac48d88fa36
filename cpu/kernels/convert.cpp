// Conversion of dense runs between the types that tensors store and those that the kernels compute in.
#include <adjoint/core/base/convert.h>
#include <adjoint/cpu/kernels/kernels.h>

namespace adjoint::cpu::ADJOINT_ISA {
namespace {

template <class To, class From> void run(void* to, const void* from, std::int64_t n) {
    To* const out = static_cast<To*>(to);
    const From* const in = static_cast<const From*>(from);
#pragma GCC ivdep
    for (std::int64_t i = 0; i < n; ++i) out[i] = convert<To>(in[i]);
}

template <class Stored, class Computed> void add(Kernels& table) {
    constexpr auto row = static_cast<std::size_t>(dtype_of<Stored>);
    constexpr Compute column = compute_column(dtype_of<Computed>);
    table.load[row][column] = run<Computed, Stored>;
    table.store[row][column] = run<Stored, Computed>;
}

template <class... Stored> void add_all(Kernels& table) {
    (add<Stored, float>(table), ...);
    (add<Stored, double>(table), ...);
    (add<Stored, std::int64_t>(table), ...);
}

}  // namespace

void add_convert(Kernels& table) {
    add_all<half, bfloat16, float, double, std::uint8_t, std::int32_t, std::int64_t, bool>(table);
}

}  // namespace adjoint::cpu::ADJOINT_ISA
