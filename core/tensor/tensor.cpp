// What a tensor says of itself, and its way to the host.
#include <adjoint/core/tensor/tensor.h>

#include <cstring>
#include <utility>

#include <adjoint/core/base/format.h>
#include <adjoint/core/base/warning.h>
#include <adjoint/core/contract/backend.h>
#include <adjoint/core/contract/recording.h>
#include <adjoint/core/tensor/creation.h>
#include <adjoint/core/tensor/host_reads.h>
#include <adjoint/core/tensor/loops.h>

namespace adjoint {
namespace {

constinit thread_local HostReads* host_reads = nullptr;

void tell_of_read(const Tensor& x) {
    if (host_reads != nullptr) [[unlikely]]
        host_reads->read(x);
}

}  // namespace

HostReads::HostReads() noexcept : outer_(std::exchange(host_reads, this)) {}
HostReads::~HostReads() { host_reads = outer_; }

Tensor::Tensor(double value) : Tensor(full({}, value, DType::f64, Device::cpu())) {}
Tensor::Tensor(float value) : Tensor(full({}, static_cast<double>(value), DType::f32, Device::cpu())) {}
Tensor::Tensor(std::int64_t value)
    : Tensor(tensor_from_host(&value, {}, DType::i64, {.dtype = DType::i64, .device = Device::cpu()})) {}
Tensor::Tensor(bool value) : Tensor(full({}, value ? 1 : 0, DType::boolean, Device::cpu())) {}

void Tensor::warn_of_lost_gradient() const {
    warn_once("gradient of a non-leaf",
              fmt::format("grad: the gradient of a result of {} is not kept; call retain_grad() on it before "
                          "backward()",
                          producer_name()));
}

void Tensor::throw_undefined() {
    throw ValueError("tensor: this handle is undefined (default-constructed or moved from)");
}

void Tensor::throw_no_room(std::size_t element) const {
    fail<OutOfMemoryError>("to_vector: {} elements of {} bytes, of a tensor of shape {}, are not to be had",
                           numel(), element, shape());
}

std::int64_t Tensor::size(std::int64_t dim) const {
    const Shape& sizes = shape();
    check<IndexError>(!sizes.empty(), "size: a 0-d tensor has no dimension {}", dim);
    return sizes[wrap_dim("size", dim, sizes.size())];
}

const void* Tensor::host_data(DType wanted) const {
    check_not_capturing("data()");
    check<DeviceError>(device().is_cpu(), "data: the tensor lives on {}; move it with to(Device::cpu())",
                       device());
    check<DTypeError>(dtype() == wanted, "data: asked for {} elements of a tensor of {}", name(wanted),
                      name(dtype()));
    tell_of_read(*this);
    return impl().data;
}

void* Tensor::mutable_host_data(DType wanted) const {
    host_data(wanted);
    impl().storage->bump();
    return impl().data;
}

void Tensor::copy_to_host(void* destination, DType wanted) const {
    tell_of_read(*this);
    Tensor source = *this;
    if (dtype() != wanted || !is_contiguous()) {
        try {
            source = empty(shape(), {.dtype = wanted, .device = device()});
        } catch (const OutOfMemoryError&) {
            throw_no_room(size_of(wanted));
        }
        backend(device()).run(
            call::Map{functor::Copy{}, make_loop<2>({&source, this}, compute_type(dtype()))});
    }
    backend(device()).copy_to_host(destination, source.impl().data,
                                   static_cast<std::size_t>(numel()) * size_of(wanted));
}

double Tensor::item_number() const {
    check<ShapeError>(numel() == 1, "item: needs exactly one element, the shape is {}; to_vector() gives all",
                      shape());
    double value = 0;
    copy_to_host(&value, DType::f64);
    return value;
}

std::int64_t Tensor::item_integer() const {
    check<ShapeError>(numel() == 1, "item: needs exactly one element, the shape is {}; to_vector() gives all",
                      shape());
    std::int64_t value = 0;
    copy_to_host(&value, DType::i64);
    return value;
}

void TensorImpl::share(const TensorImpl& other) noexcept {
    hold(other.storage);
    data = other.data;
    shape = other.shape;
    strides = other.strides;
    numel = other.numel;
    dtype = other.dtype;
    contiguous = other.contiguous;
}

Tensor Tensor::detach() const {
    auto view = Ref<TensorImpl>::adopt(new TensorImpl);
    view->share(impl());
    view->is_view = true;
    return Tensor(std::move(view));
}

Tensor detached_view(const Tensor& x, const Shape& shape, const Shape& strides, std::int64_t offset) {
    Tensor view = x.detach();
    TensorImpl& impl = view.impl();
    impl.data += offset * static_cast<std::int64_t>(size_of(impl.dtype));
    impl.shape = shape;
    impl.strides = strides;
    impl.numel = shape.numel();
    impl.contiguous = is_dense(shape, strides);
    return view;
}

const Tensor& Tensor::set_requires_grad(bool requires_grad) const {
    check<AutogradError>(is_leaf(),
                         "set_requires_grad: the tensor is the result of {}; use detach() to get a leaf",
                         producer_name());
    check<DTypeError>(!requires_grad || is_floating(dtype()),
                      "set_requires_grad: only floating-point tensors have gradients, this one is {}",
                      name(dtype()));
    impl().requires_grad = requires_grad;
    return *this;
}

}  // namespace adjoint
