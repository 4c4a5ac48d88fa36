// The error for models that ask for what the library does not have.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include <adjoint/core/base/error.h>

namespace adjoint::onnx {

/// All that a model asks for in vain; nothing of it has run.
class ADJOINT_API UnsupportedError : public Error {
  public:
    explicit UnsupportedError(std::vector<std::string> reasons);
    /// Operators, versions and types, each with the nodes or values that ask for it.
    const std::vector<std::string>& reasons() const noexcept { return reasons_; }

  private:
    std::vector<std::string> reasons_;
};

}  // namespace adjoint::onnx
