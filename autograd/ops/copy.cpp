// Copies: conversion, moving between devices, dense copies, joining.
#include <adjoint/autograd/ops/arithmetic.h>
#include <adjoint/autograd/ops/shape.h>
#include <adjoint/autograd/record/apply.h>
#include <adjoint/autograd/record/function.h>
#include <adjoint/core/base/format.h>

namespace adjoint {
namespace {

/// A dense copy, perhaps of another type.
struct Copy : Function {
    static constexpr auto name = "copy";
    DType type, before = DType::f32;
    explicit Copy(DType t) : type(t) {}
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

/// Joined along a dimension.
struct Cat : Function {
    static constexpr auto name = "cat";
    int dim;
    std::vector<std::int64_t> sizes;
    explicit Cat(int d) : dim(d) {}
    Tensor forward(std::span<const Tensor> parts) {
        Shape shape = parts[0].shape();
        DType type = parts[0].dtype();
        shape[dim] = 0;
        for (const Tensor& part : parts) {
            Shape rest = part.shape();
            check<ShapeError>(rest.size() == shape.size(),
                              "cat: shapes {} and {} differ in their number of dimensions", parts[0].shape(),
                              part.shape());
            sizes.push_back(rest[dim]);
            rest[dim] = shape[dim];
            check<ShapeError>(rest == shape, "cat: shapes {} and {} differ outside dimension {}",
                              parts[0].shape(), part.shape(), dim);
            apply::check_same_device(name, parts[0], part);
            shape[dim] += sizes.back();
            type = promote(type, part.dtype());
        }
        Tensor out = empty(shape, {.dtype = type, .device = parts[0].device()});
        std::int64_t start = 0;
        for (const Tensor& part : parts) {
            if (part.numel() > 0) narrow(out, dim, start, part.shape()[dim]).copy_(part);
            start += part.shape()[dim];
        }
        return out;
    }
    Grads backward(const Tensor& g) {
        Grads grads;
        std::int64_t start = 0;
        for (std::size_t i = 0; i < sizes.size(); ++i) {
            grads.push_back(needs(i) ? narrow(g, dim, start, sizes[i]) : Tensor());
            start += sizes[i];
        }
        return grads;
    }
};

}  // namespace

Tensor Tensor::clone() const { return record(Copy(dtype()), *this); }
Tensor Tensor::contiguous() const { return is_contiguous() ? *this : clone(); }
Tensor Tensor::to(DType wanted) const {
    if (wanted == dtype()) return *this;
    if (is_floating(wanted)) return record(Copy(wanted), *this);
    const NoGrad guard;  // integers carry no gradient
    return Copy(wanted).forward(*this);
}
Tensor Tensor::to(Device target) const { return target == device() ? *this : record(Move(target), *this); }

Tensor cat(std::span<const Tensor> tensors, int dim) {
    check<ShapeError>(!tensors.empty(), "cat: no tensors");
    check<ShapeError>(tensors[0].dim() > 0, "cat: 0-d tensors cannot be joined; use stack");
    return record(Cat(wrap_dim("cat", dim, tensors[0].dim())), tensors);
}

Tensor cat(std::initializer_list<Tensor> tensors, int dim) {
    return cat(std::span(tensors.begin(), tensors.size()), dim);
}

Tensor stack(std::span<const Tensor> tensors, int dim) {
    return named("stack", [&] {
        check<ShapeError>(!tensors.empty(), "stack: no tensors");
        std::vector<Tensor> rows;
        for (const Tensor& x : tensors) {
            check<ShapeError>(x.shape() == tensors[0].shape(), "stack: shapes {} and {} differ",
                              tensors[0].shape(), x.shape());
            rows.push_back(unsqueeze(x, dim));
        }
        return cat(rows, wrap_dim("stack", dim, tensors[0].dim() + 1));
    });
}

Tensor stack(std::initializer_list<Tensor> tensors, int dim) {
    return stack(std::span(tensors.begin(), tensors.size()), dim);
}

}  // namespace adjoint
