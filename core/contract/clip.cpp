// The norm of many tensors, made of squares and sums.
#include <adjoint/core/contract/compose.h>

namespace adjoint::call {

void compose(Backend& backend, const ClipNorm& c) {
    using composition::Grid;
    using composition::View;
    using composition::WorkingMemory;
    constexpr std::array<bool, 3> all_dimensions{true, true, true};
    const auto count = static_cast<std::int64_t>(c.tensors.size());
    const Grid one(backend, {1, 1, 1}, c.dtype), each(backend, {1, 1, count}, c.dtype);
    const WorkingMemory sums(backend, count, c.dtype), factors(backend, 1, c.dtype);
    const View norm(c.norm, c.dtype, {}), factor(factors.data(), c.dtype, {});
    for (std::int64_t i = 0; i < count; ++i) {
        const TensorSlice& tensor = c.tensors[static_cast<std::size_t>(i)];
        const Grid elements(backend, {1, 1, tensor.numel}, c.dtype);
        const WorkingMemory squares(backend, tensor.numel, c.dtype);
        const View square = elements.dense(squares.data(), c.dtype);
        elements.map(functor::Square{}, square, elements.dense(tensor.data, c.dtype));
        elements.reduce(functor::Sum{}, View(sums.data(), c.dtype, {}).from(i), square, all_dimensions);
    }
    each.reduce(functor::Sum{}, norm, each.dense(sums.data(), c.dtype), all_dimensions);
    one.map(functor::Sqrt{}, norm, norm);
    one.map(functor::AddScalar{1e-6}, factor, norm);
    one.map(functor::RdivScalar{c.most}, factor, factor);
    one.map(functor::Clamp{0, 1}, factor, factor);
    for (const TensorSlice& tensor : c.tensors) {
        const Grid elements(backend, {1, 1, tensor.numel}, c.dtype);
        const View x = elements.dense(tensor.data, c.dtype);
        elements.zip(functor::Mul{}, x, x, factor);
    }
}

}  // namespace adjoint::call
