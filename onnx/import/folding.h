// Constants that are computed while a model is loaded. Private.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include <adjoint/onnx/import/operator.h>
#include <adjoint/onnx/import/program.h>

namespace adjoint::onnx {

/// Runs steps of which all inputs are constants, as far as a budget of bytes goes that are read and made: a
/// file can ask for anything. More is left to the run.
class Folding {
  public:
    /// Constants that lie in the file may be folded a few times over.
    void allow(const Tensor& x) { left_ += 64 * bytes_of(Value(x)); }
    /// The results; none where the step fails, which a run may never come to, or takes too much.
    std::optional<Values> run(const Step& step, const Values& arguments, std::size_t outputs);

  private:
    std::int64_t left_ = std::int64_t{1} << 26;
};

}  // namespace adjoint::onnx
