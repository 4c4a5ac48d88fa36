// The members of Tensor that copy: conversion, moving between devices, dense copies.
#include <adjoint/autograd/record/apply.h>
#include <adjoint/autograd/record/function.h>

namespace adjoint {
namespace {

/// A dense copy, perhaps of another type.
struct Copy : Function {
    static constexpr auto name = "copy";
    DType type, before = DType::f32;
    explicit Copy(DType t) : type(t) {}
    template <class V> void attributes(V& v) const { v("dtype", adjoint::name(type)); }
    Tensor forward(const Tensor& x) {
        before = x.dtype();
        const bool integers = !is_floating(type) && !is_floating(x.dtype());
        return apply::map(functor::Copy{}, x, type,
                          integers ? DType::i64 : promote(compute_type(type), compute_type(x.dtype())));
    }
    Grads backward(const Tensor& g) { return {g.to(before)}; }
};

/// A copy on another device, through the host.
struct Move : Function {
    static constexpr auto name = "to_device";
    Device target, before;
    explicit Move(Device device) : target(device) {}
    Tensor forward(const Tensor& input) {
        before = input.device();
        const Tensor x = input.contiguous();
        Tensor out = empty(x.shape(), {.dtype = x.dtype(), .device = target});
        const std::size_t bytes = static_cast<std::size_t>(x.numel()) * size_of(x.dtype());
        if (bytes == 0) return out;
        if (before.is_cpu()) {
            backend(target).run(call::Upload{out.impl().data, x.impl().data, bytes});
        } else if (target.is_cpu()) {
            backend(before).copy_to_host(out.impl().data, x.impl().data, bytes);
        } else {
            const Ref<Storage> host = Storage::allocate(bytes, Device::cpu());
            backend(before).copy_to_host(host->data(), x.impl().data, bytes);
            backend(target).run(call::Upload{out.impl().data, host->data(), bytes});
        }
        return out;
    }
    Grads backward(const Tensor& g) { return {g.to(before)}; }
};

}  // namespace

Tensor Tensor::clone() const { return record(Copy(dtype()), *this); }
Tensor Tensor::contiguous() const { return is_contiguous() ? *this : clone(); }
Tensor Tensor::to(DType wanted) const {
    if (wanted == dtype()) return *this;
    if (is_floating(wanted)) return record(Copy(wanted), *this);
    const NoGrad guard;  // integers carry no gradient
    return record(Copy(wanted), *this);
}
Tensor Tensor::to(Device target) const { return target == device() ? *this : record(Move(target), *this); }

}  // namespace adjoint
