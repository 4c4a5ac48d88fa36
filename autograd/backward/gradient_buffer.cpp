// Fitting and adding of gradients.
#include <adjoint/autograd/backward/gradient_buffer.h>

#include <array>
#include <cstdint>
#include <mutex>

#include <adjoint/autograd/ops/arithmetic.h>
#include <adjoint/autograd/ops/reduce.h>
#include <adjoint/autograd/record/grad_mode.h>
#include <adjoint/core/base/format.h>
#include <adjoint/core/contract/backend.h>
#include <adjoint/core/tensor/loops.h>

namespace adjoint {
namespace {

// Only this handle knows the array, only this array the memory, and every element has a place of its own.
bool exclusive(const Tensor& x) {
    const TensorImpl& impl = x.impl();
    return impl.unique() && impl.storage->unique() && impl.contiguous && !impl.producer;
}

void add_in_place(const Tensor& into, const Tensor& gradient) {
    backend(into.device())
        .run(call::Zip{functor::Add{}, make_loop<3>({&into, &into, &gradient}, compute_type(into.dtype()))});
    into.impl().storage->bump();
}

// Backward passes of several threads may end in one leaf. Few locks serve all leaves: they meet rarely.
std::mutex& lock_of(const TensorImpl& leaf) noexcept {
    constexpr std::size_t count = 64;
    static constinit std::array<std::mutex, count> locks;
    return locks[reinterpret_cast<std::uintptr_t>(&leaf) / sizeof(TensorImpl) % count];
}

}  // namespace

Tensor fit_gradient(Tensor gradient, const Shape& shape, DType dtype, Device device, const char* from) {
    if (gradient.device() != device) [[unlikely]]
        fail<DeviceError>("backward: {} returned a gradient on {} for an input on {}", from,
                          gradient.device(), device);
    if (!(gradient.shape() == shape)) gradient = sum_to_shape(from, gradient, shape);
    if (gradient.dtype() != dtype) gradient = gradient.to(dtype);
    return gradient;
}

void accumulate(Tensor& into, Tensor gradient) {
    if (!into.defined()) {
        into = std::move(gradient);
    } else if (!grad_enabled() && exclusive(into)) {
        add_in_place(into, gradient);
    } else {
        into = into + gradient;
    }
}

void accumulate_leaf(TensorImpl& leaf, Tensor gradient, bool create_graph) {
    Ref<TensorImpl> before;  // goes after the lock, as what it holds may be freed by code of the program
    const std::scoped_lock lock(lock_of(leaf));
    if (!leaf.grad) {
        const Tensor own = exclusive(gradient) ? std::move(gradient) : gradient.clone();
        leaf.grad = own.ref();
    } else if (create_graph || leaf.grad->producer) {  // a recorded gradient is not written over
        before = leaf.grad;
        leaf.grad = (Tensor(leaf.grad) + gradient).ref();
    } else {
        add_in_place(Tensor(leaf.grad), gradient);
    }
}

}  // namespace adjoint
