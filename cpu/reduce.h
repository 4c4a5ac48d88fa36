// Reductions of rows that are made as they are read.
#pragma once

#include <cstdint>
#include <functional>

#include <adjoint/cpu/cpu_backend.h>

namespace adjoint::cpu {

/// Writes elements start .. start + n - 1 of all rows, one after the other, to `to`.
using RowSource = std::function<void(std::int64_t start, std::int64_t n, void* to)>;

/// call::Reduce of dense rows, to the bit, that do not lie in memory; `make` gives each
/// task a source of its own.
void reduce_rows(CpuBackend& cpu, const call::Reduce& c, const std::function<RowSource()>& make);

}  // namespace adjoint::cpu
