// The members of Tensor that deal with its gradient: setting it, keeping it, hooks.
#include <adjoint/autograd/record/node.h>
#include <adjoint/core/base/format.h>
#include <adjoint/core/tensor/tensor.h>

namespace adjoint {

void Tensor::set_grad(const Tensor& grad) const {
    if (!grad.defined()) {
        impl().grad = nullptr;
        return;
    }
    check<ShapeError>(grad.shape() == shape(), "set_grad: gradient of shape {} for a tensor of shape {}",
                      grad.shape(), shape());
    check<DTypeError>(grad.dtype() == dtype(), "set_grad: gradient of type {} for a tensor of type {}",
                      name(grad.dtype()), name(dtype()));
    check<DeviceError>(grad.device() == device(), "set_grad: gradient on {} for a tensor on {}",
                       grad.device(), device());
    impl().grad = grad.ref();
}

void Tensor::retain_grad() const {
    check<AutogradError>(requires_grad(), "retain_grad: the tensor does not require a gradient");
    if (is_leaf()) return;
    impl().retains_grad = true;
    node_of(impl().producer)->output(impl().output_index).retained = &impl();
}

void Tensor::register_hook(TensorHook hook) const {
    check<AutogradError>(requires_grad(), "register_hook: the tensor does not require a gradient");
    auto& hooks = is_leaf() ? impl().hooks : node_of(impl().producer)->output(impl().output_index).hooks;
    if (!hooks) hooks = std::make_unique<std::vector<TensorHook>>();
    hooks->push_back(std::move(hook));
}

}  // namespace adjoint
