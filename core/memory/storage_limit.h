// A limit on the memory of single tensors, for programs that come from outside. Private.
#pragma once

#include <cstddef>

#include <adjoint/core/base/export.h>

namespace adjoint {

/// While it lives, no tensor that this thread makes may have more than `most` bytes; a lower limit around it
/// stays. `hint` ends the message of the OutOfMemoryError.
class ADJOINT_API StorageLimit {
  public:
    StorageLimit(std::size_t most, const char* hint) noexcept;
    StorageLimit(const StorageLimit&) = delete;
    StorageLimit& operator=(const StorageLimit&) = delete;
    ~StorageLimit();

  private:
    std::size_t outer_most_;
    const char* outer_hint_;
};

}  // namespace adjoint
