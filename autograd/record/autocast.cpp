#include <adjoint/autograd/record/autocast.h>

#include <adjoint/autograd/record/apply.h>
#include <adjoint/core/base/format.h>

namespace adjoint {
namespace {

constinit thread_local std::optional<DType> current;

}  // namespace

Autocast::Autocast(DType type) : before_(current) {
    check<DTypeError>(type == DType::f16 || type == DType::bf16 || type == DType::f32,
                      "autocast: to {}; expected f16, bf16 or f32", name(type));
    current = type == DType::f32 ? std::nullopt : std::optional(type);
}
Autocast::~Autocast() { current = before_; }

std::optional<DType> autocast_type() noexcept { return current; }

namespace apply {

Tensor lowered(const Tensor& x) {
    return current && x.defined() && x.dtype() == DType::f32 ? x.to(*current) : x;
}

Tensor raised(const Tensor& x) {
    const bool half = x.defined() && (x.dtype() == DType::f16 || x.dtype() == DType::bf16);
    return current && half ? x.to(DType::f32) : x;
}

}  // namespace apply
}  // namespace adjoint
