// The members of Tensor that write in place: the result is computed beside, so that nothing reads what is
// being written, then takes the place.
#include <adjoint/autograd/ops/arithmetic.h>
#include <adjoint/autograd/ops/shape.h>
#include <adjoint/autograd/record/apply.h>
#include <adjoint/autograd/record/node.h>
#include <adjoint/core/base/format.h>
#include <adjoint/core/tensor/loops.h>

namespace adjoint {
namespace {

// What an in-place operation reads: another handle on the array, because a function that saved the handle
// which becomes its own result would keep itself alive.
Tensor own_handle_of(const Tensor& x) {
    if (!grad_enabled()) return x;
    Tensor other = x.detach();
    other.impl().requires_grad = x.impl().requires_grad;
    other.impl().producer = x.impl().producer;
    other.impl().output_index = x.impl().output_index;
    return other;
}

void check_own_places(const char* op, const Tensor& x) {
    for (int d = 0; d < x.dim(); ++d)
        check<ValueError>(x.strides()[d] != 0 || x.shape()[d] <= 1,
                          "{}: an expanded tensor has several elements in one place; clone() it first", op);
}

// x becomes the result of what made `source`, which nobody else holds. A gradient that x was to keep is that
// of its value from here on.
void take_history(TensorImpl& x, const TensorImpl& source) {
    if (x.retains_grad) x.producer->forget(x.output_index);
    x.producer = source.producer;
    x.output_index = source.output_index;
    x.requires_grad = true;
    if (x.retains_grad) node_of(x.producer)->output(x.output_index).retained = &x;
}

const Tensor& write_back(const char* op, const Tensor& x, const Tensor& result) {
    check<ShapeError>(result.shape() == x.shape(),
                      "{}: in place, the result of shape {} does not fit into {}", op, result.shape(),
                      x.shape());
    check<DTypeError>(result.dtype() == x.dtype() || !is_floating(result.dtype()) || is_floating(x.dtype()),
                      "{}: in place, the result of type {} does not fit into {}", op, name(result.dtype()),
                      name(x.dtype()));
    check<DeviceError>(result.device() == x.device(),
                       "{}: operands live on {} and {}; move one with to(device)", op, x.device(),
                       result.device());
    TensorImpl& impl = x.impl();
    Tensor source = result.to(x.dtype());
    if (source.impl().storage == impl.storage)
        source = source.clone();  // must not read what is being written
    if (grad_enabled() && (impl.requires_grad || source.requires_grad())) {
        check<AutogradError>(!impl.requires_grad || impl.producer,
                             "{}: a leaf that requires a gradient cannot change in place; use a NoGrad guard",
                             op);
        check<AutogradError>(
            !impl.is_view,
            "{}: a view, as x(0) is one, cannot change in place while gradients are recorded; "
            "use a NoGrad guard, or where() for a new tensor",
            op);
        check<AutogradError>(source.requires_grad(), "{}: would cut the history of the tensor", op);
    }
    check_own_places(op, x);
    if (x.numel() > 0)
        backend(x.device())
            .run(call::Map{functor::Copy{}, make_loop<2>({&x, &source}, compute_type(x.dtype()))});
    impl.storage->bump();
    if (detail::is_observed()) [[unlikely]]
        detail::tell("write", {&source, 1}, {&x, 1}, {});
    if (grad_enabled() && source.requires_grad()) take_history(impl, source.impl());
    return x;
}

// A number, which the CPU holds, goes to where the tensor is.
Tensor operand_of(const Tensor& x, const Tensor& other) {
    if (x.is_same(other)) return own_handle_of(other);
    const bool number = other.defined() && other.dim() == 0 && other.device().is_cpu();
    return number ? other.to(x.device()) : other;
}

}  // namespace

const Tensor& Tensor::copy_(const Tensor& source) const {
    apply::check_defined("copy_", source);
    if (source.shape() != shape()) return write_back("copy_", *this, expand(source, shape()));
    // A leaf has no producer to take over, and hooks on a result are not for its copy.
    const bool recorded = grad_enabled() && source.requires_grad() && source.dtype() == dtype();
    return write_back("copy_", *this, recorded ? source.clone() : source);
}
const Tensor& Tensor::operator+=(const Tensor& other) const {
    return write_back("add", *this, own_handle_of(*this) + operand_of(*this, other));
}
const Tensor& Tensor::operator-=(const Tensor& other) const {
    return write_back("sub", *this, own_handle_of(*this) - operand_of(*this, other));
}
const Tensor& Tensor::operator*=(const Tensor& other) const {
    return write_back("mul", *this, own_handle_of(*this) * operand_of(*this, other));
}
const Tensor& Tensor::operator/=(const Tensor& other) const {
    return write_back("div", *this, own_handle_of(*this) / operand_of(*this, other));
}

const Tensor& Tensor::fill_(Scalar value) const {
    check<AutogradError>(
        !grad_enabled() || !requires_grad(),
        "fill_: a tensor that requires a gradient cannot be filled while gradients are recorded; use a "
        "NoGrad guard");
    check_own_places("fill_", *this);
    fill(*this, value);
    impl().storage->bump();
    return *this;
}

}  // namespace adjoint
