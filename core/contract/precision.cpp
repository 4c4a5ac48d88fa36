// The setting of matmul_precision.
#include <adjoint/core/contract/precision.h>

#include <atomic>

namespace adjoint {
namespace {
std::atomic<MatmulPrecision> setting{MatmulPrecision::highest};
}

void set_matmul_precision(MatmulPrecision precision) noexcept {
    setting.store(precision, std::memory_order_relaxed);
}

MatmulPrecision matmul_precision() noexcept { return setting.load(std::memory_order_relaxed); }

const char* name(MatmulPrecision precision) noexcept {
    constexpr const char* names[] = {"highest", "high", "medium"};
    return names[static_cast<int>(precision)];
}

}  // namespace adjoint
