// Result types and elementwise calls.
#include <adjoint/autograd/record/apply.h>

#include <adjoint/core/base/format.h>
#include <adjoint/core/tensor/loops.h>

namespace adjoint::apply {
namespace {

// bool < integer < floating
int kind(DType type) { return is_floating(type) ? 2 : (type == DType::boolean ? 0 : 1); }

// An uninitialised tensor of the shape of a dense one, whose size needs no second check.
Tensor empty_like_dense(const TensorImpl& x, DType type, Device device) {
    return Tensor(TensorImpl::dense(x.shape, x.numel, type, device));
}

}  // namespace

DType result_type(const Tensor& a, const Tensor& b) {
    const DType x = a.dtype(), y = b.dtype();
    if (x == y) return x;
    const bool a_counts = a.dim() > 0, b_counts = b.dim() > 0;
    if (a_counts != b_counts) {
        if (a_counts && kind(x) >= kind(y)) return x;
        if (b_counts && kind(y) >= kind(x)) return y;
    }
    return promote(x, y);
}

void throw_undefined(const char* op) {
    fail<ValueError>("{}: an operand is undefined (default-constructed or moved from)", op);
}

void check_same_device(const char* name, const Tensor& a, const Tensor& b) {
    if (a.device() != b.device()) [[unlikely]]
        fail<DeviceError>("{}: operands live on {} and {}; move one with to(device)", name, a.device(),
                          b.device());
}

Tensor map(const UnaryOp& op, const Tensor& x, DType type, DType compute) {
    const TensorImpl& impl = x.impl();
    const Device device = x.device();
    if (impl.contiguous) {
        Tensor out = empty_like_dense(impl, type, device);
        if (impl.numel > 0) backend(device).run(call::Map{op, make_dense_loop<2>({&out, &x}, compute)});
        return out;
    }
    Tensor out = empty(impl.shape, {.dtype = type, .device = device});
    if (impl.numel > 0) backend(device).run(call::Map{op, make_loop<2>({&out, &x}, compute)});
    return out;
}

namespace {

// Part of both callers below: on one element the calls are what an operation costs.
[[gnu::always_inline]] inline Tensor zip_as(const char* name, const BinaryOp& op, const Tensor& a,
                                            const Tensor& b, DType type, DType compute) {
    check_same_device(name, a, b);
    const TensorImpl &x = a.impl(), &y = b.impl();
    const Device device = a.device();
    if (x.contiguous && y.contiguous && x.shape == y.shape) {
        Tensor out = empty_like_dense(x, type, device);
        if (x.numel > 0) backend(device).run(call::Zip{op, make_dense_loop<3>({&out, &a, &b}, compute)});
        return out;
    }
    Tensor out = empty(broadcast_shapes(name, x.shape, y.shape), {.dtype = type, .device = device});
    if (out.numel() > 0) backend(device).run(call::Zip{op, make_loop<3>({&out, &a, &b}, compute)});
    return out;
}

}  // namespace

Tensor zip(const char* name, const BinaryOp& op, const Tensor& a, const Tensor& b, DType type,
           DType compute) {
    return zip_as(name, op, a, b, type, compute);
}

Tensor zip(const char* name, const BinaryOp& op, const Tensor& a, const Tensor& b) {
    const DType type = result_type(a, b);
    return zip_as(name, op, a, b, type, compute_type(type));
}

}  // namespace adjoint::apply
