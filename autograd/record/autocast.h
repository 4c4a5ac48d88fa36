// Mixed precision: products in a type of half the width, everything delicate in f32.
//
//     Tensor loss;
//     {
//         const Autocast guard(bf16);
//         loss = nn::CrossEntropyLoss()(model(x), y);
//     }
//     loss.backward();   // gradients arrive in the parameters' own f32
//
// The parameters stay f32, the master weights. bf16 has the range of f32; with f16 small gradients vanish
// unless the loss is scaled: optim::GradScaler.
#pragma once

#include <optional>

#include <adjoint/core/base/dtype.h>
#include <adjoint/core/base/export.h>

namespace adjoint {

/// While it lives, on this thread: matmul, bmm, addmm, linear, affine, einsum, bilinear, attention and the
/// convolutions take their f32 operands in `type`; softmax, log_softmax, logsumexp and the losses take f16
/// and bf16 operands in f32. All others compute in the type they get; f64 is never touched.
/// errors: DTypeError unless `type` is f16, bf16 or f32 (which turns it off for a scope).
class ADJOINT_API Autocast {
  public:
    explicit Autocast(DType type);
    ~Autocast();
    Autocast(const Autocast&) = delete;
    Autocast& operator=(const Autocast&) = delete;

  private:
    std::optional<DType> before_;
};

/// The type of the innermost Autocast of this thread; none if it is f32 or there is none.
ADJOINT_API std::optional<DType> autocast_type() noexcept;

}  // namespace adjoint
