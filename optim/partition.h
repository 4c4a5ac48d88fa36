// Gradients that are partitioned over several ranks: each lies on one of them. Private.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include <adjoint/core/tensor/tensor.h>

namespace adjoint::optim {

/// While it lives each gradient of these parameters lies on one rank alone, and what would take those that
/// are here for all of them refuses.
class ADJOINT_API Partition {
  public:
    /// errors: ValueError if one of them is partitioned already.
    explicit Partition(std::span<const Tensor> parameters);
    ~Partition();
    Partition(const Partition&) = delete;
    Partition& operator=(const Partition&) = delete;

  private:
    std::vector<const TensorImpl*> held_;
};

/// What needs all gradients, or the word of who has partitioned them.
enum class WholeUse : std::uint8_t { none, step, unscale, clip };

/// While it lives this thread may do that with what is here: whoever has partitioned them does the rest.
class ADJOINT_API PartialUse {
  public:
    explicit PartialUse(WholeUse use) noexcept;
    ~PartialUse();
    PartialUse(const PartialUse&) = delete;
    PartialUse& operator=(const PartialUse&) = delete;

  private:
    WholeUse before_;
};

/// errors: ValueError if one of the parameters is partitioned and this thread may not use a part of them.
void check_whole(WholeUse use, const char* op, std::span<const Tensor> parameters);
/// Whether anything is partitioned at all, which is quickly known.
bool any_partition() noexcept;

}  // namespace adjoint::optim
