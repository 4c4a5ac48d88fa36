// What the operations of a group are for, so that ranks which do something else are told in words.
//
//     const distributed::Purpose purpose("weights of the teacher");
//     group.broadcast(weights);
#pragma once

#include <string>

#include <adjoint/core/base/export.h>

namespace adjoint::distributed {

/// While it lives, the operations that this thread calls are for this. All ranks have to say the same, its
/// first 95 characters: who says something else does not do the same (DistributedError).
class ADJOINT_API Purpose {
  public:
    explicit Purpose(std::string text);
    ~Purpose();
    Purpose(const Purpose&) = delete;
    Purpose& operator=(const Purpose&) = delete;

  private:
    const std::string text_;
    const std::string* const before_;
};

}  // namespace adjoint::distributed
