// Blocks: contiguous pieces of an operand in the compute type, whatever its strides and element type.
#pragma once

#include <cstdint>

#include <adjoint/core/base/sanitizer.h>
#include <adjoint/core/contract/loop.h>

namespace adjoint::cpu {

/// Elements of a block; small enough that a few blocks stay in the first-level cache. In a build for finding
/// errors so few that the small tensors of the tests have several blocks.
#if ADJOINT_ADDRESS_SANITIZER
inline constexpr std::int64_t block_size = 16;
#else
inline constexpr std::int64_t block_size = 512;
#endif

/// out = value, and out = condition ? a : b, for n elements of a compute type.
void fill_block(DType compute, void* out, double value, std::int64_t n);
void select_block(DType compute, void* out, const void* condition, const void* a, const void* b,
                  std::int64_t n);

/// A walk over the elements of one operand in row-major order of the loop's sizes.
class Walk {
  public:
    Walk(int rank, const std::int64_t* sizes, const std::int64_t* strides, Operand operand, DType compute);

    /// Elements start .. start + n - 1 in the compute type: in place if they lie there like
    /// that, else in `buffer`.
    const void* load(std::int64_t start, std::int64_t n, void* buffer);
    /// Where to write those elements: in place, or `buffer`, which store() then carries over.
    void* target(std::int64_t start, void* buffer) const;
    void store(std::int64_t start, std::int64_t n, const void* buffer) const;

    bool direct() const noexcept { return direct_; }

  private:
    // Where they lie, one after the other and of the compute type; null if they do not.
    const void* inside_run(std::int64_t start, std::int64_t n) const;

    int rank_;
    const std::int64_t* sizes_;
    const std::int64_t* strides_;
    Operand operand_;
    DType compute_;
    bool direct_;                   // dense and of the compute type
    bool constant_;                 // all strides 0
    const void* filled_ = nullptr;  // the buffer that holds a constant, and how often
    std::int64_t filled_count_ = 0;
};

}  // namespace adjoint::cpu
