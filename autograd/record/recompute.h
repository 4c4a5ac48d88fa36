// Parts of a forward pass that are run again in the backward pass, by checkpoint(), as those see it who would
// else do something twice.
#pragma once

#include <cstdint>

#include <adjoint/core/base/export.h>

namespace adjoint {

/// Whether this thread runs a function of checkpoint() for the second time. What is to happen once, such as a
/// move of running statistics, is left out then.
ADJOINT_API bool is_recomputing() noexcept;

namespace detail {

/// The nodes that this thread records while it lives bear its number, except those of regions inside.
class Region {
  public:
    Region() noexcept;
    ~Region();
    Region(const Region&) = delete;
    Region& operator=(const Region&) = delete;
    std::uint32_t number() const noexcept { return number_; }

  private:
    std::uint32_t number_, before_;
};
/// That of the innermost on this thread; 0 outside of all.
std::uint32_t current_region() noexcept;

class Recomputing {
  public:
    Recomputing() noexcept;
    ~Recomputing();
    Recomputing(const Recomputing&) = delete;
    Recomputing& operator=(const Recomputing&) = delete;

  private:
    bool before_;
};

}  // namespace detail
}  // namespace adjoint
