// Convolutions made of unfold, matmul and fold: what a device does that has nothing better.
#include <algorithm>

#include <adjoint/core/base/format.h>
#include <adjoint/core/contract/activate.h>
#include <adjoint/core/contract/compose.h>

namespace adjoint::call {
namespace {

using composition::Grid;
using composition::View;
using composition::WorkingMemory;

template <class P> P* at(P* base, std::int64_t element, DType type) {
    using Byte = std::conditional_t<std::is_const_v<P>, const char, char>;
    return static_cast<Byte*>(base) + element * static_cast<std::int64_t>(size_of(type));
}

Operand read(const void* data, DType type) { return {const_cast<void*>(data), type}; }

// The columns of all samples may be too much memory: calls f(first sample, windows over a part of the batch).
template <class F> void for_parts(const Windows& windows, F f) {
    check<DTypeError>(windows.dtype == compute_type(windows.dtype),
                      "convolution: the device refused one in {} that it said it could do",
                      name(windows.dtype));
    constexpr std::int64_t most_elements = std::int64_t{1} << 24;
    const std::int64_t sample =
        std::max<std::int64_t>(1, windows.channels * windows.taps() * windows.outputs());
    const std::int64_t step = std::clamp<std::int64_t>(most_elements / sample, 1, windows.batch);
    for (std::int64_t first = 0; first < windows.batch; first += step) {
        Windows part = windows;
        part.batch = std::min(step, windows.batch - first);
        f(first, part);
    }
}

// One product for each sample and group.
MatMul batched(const Convolution& c, std::int64_t samples) {
    MatMul p;
    p.batch_rank = 2;
    p.batch_sizes[0] = samples;
    p.batch_sizes[1] = c.groups;
    return p;
}

void set_batch(std::int64_t (&strides)[max_dims], std::int64_t sample, std::int64_t group) {
    strides[0] = sample;
    strides[1] = group;
}

}  // namespace

void finish(Backend& backend, const Convolve& c) {
    const Convolution& shape = c.shape;
    const DType type = shape.windows.dtype, sums = compute_type(type);
    if (c.epilogue.bias) {
        const Grid all(backend, {shape.windows.batch, shape.filters, shape.windows.outputs()}, sums);
        const View y = all.dense(c.epilogue.sums_or(c.y), type);
        all.zip(functor::Add{}, y, y, View(c.epilogue.bias, sums, {0, 1, 0}));
    }
    activate(backend, c.epilogue, {c.y, type}, shape.results());
}

// y = w columns
void compose(Backend& backend, const Convolve& call) {
    const Convolution& c = call.shape;
    const DType type = c.windows.dtype;
    const std::int64_t outputs = c.windows.outputs(), depth = c.depth(),
                       columns_size = c.groups * depth * outputs;
    for_parts(c.windows, [&](std::int64_t first, const Windows& part) {
        const WorkingMemory columns(backend, part.batch * columns_size, type);
        backend.run(Unfold{columns.data(), at(call.x, first * part.channels * part.plane(), type), part});
        MatMul p = batched(c, part.batch);
        p.m = c.group_filters();
        p.n = p.out_row = p.b_row = outputs;
        p.k = p.a_row = depth;
        p.a_column = p.b_column = 1;
        p.a = read(call.w, type);
        p.b = {columns.data(), type};
        p.out = {at(call.epilogue.sums_or(call.y), first * c.filters * outputs, type), type};
        set_batch(p.a_batch, 0, p.m * depth);
        set_batch(p.b_batch, columns_size, depth * outputs);
        set_batch(p.out_batch, c.filters * outputs, p.m * outputs);
        backend.run(p);
    });
    finish(backend, call);
}

// columns = w^T g
void compose(Backend& backend, const ConvolveInput& call) {
    const Convolution& c = call.shape;
    const DType type = c.windows.dtype;
    const std::int64_t outputs = c.windows.outputs(), depth = c.depth(),
                       columns_size = c.groups * depth * outputs;
    for_parts(c.windows, [&](std::int64_t first, const Windows& part) {
        const WorkingMemory columns(backend, part.batch * columns_size, type);
        MatMul p = batched(c, part.batch);
        p.m = p.a_column = depth;
        p.n = p.out_row = p.b_row = outputs;
        p.k = c.group_filters();
        p.a_row = p.b_column = 1;
        p.a = read(call.w, type);
        p.b = read(at(call.g, first * c.filters * outputs, type), type);
        p.out = {columns.data(), type};
        set_batch(p.a_batch, 0, p.k * depth);
        set_batch(p.b_batch, c.filters * outputs, p.k * outputs);
        set_batch(p.out_batch, columns_size, depth * outputs);
        backend.run(p);
        backend.run(Fold{at(call.dx, first * part.channels * part.plane(), type), columns.data(), part});
    });
}

// dw = sum over the samples of g columns^T
void compose(Backend& backend, const ConvolveWeight& call) {
    const Convolution& c = call.shape;
    const DType type = c.windows.dtype;
    const std::int64_t outputs = c.windows.outputs(), depth = c.depth(),
                       columns_size = c.groups * depth * outputs;
    const std::int64_t weights = c.filters * depth;
    const WorkingMemory each(backend, c.windows.batch * weights, type);
    for_parts(c.windows, [&](std::int64_t first, const Windows& part) {
        const WorkingMemory columns(backend, part.batch * columns_size, type);
        backend.run(Unfold{columns.data(), at(call.x, first * part.channels * part.plane(), type), part});
        MatMul p = batched(c, part.batch);
        p.m = c.group_filters();
        p.n = p.out_row = depth;
        p.k = p.a_row = p.b_column = outputs;
        p.a_column = p.b_row = 1;
        p.a = read(at(call.g, first * c.filters * outputs, type), type);
        p.b = {columns.data(), type};
        p.out = {at(each.data(), first * weights, type), type};
        set_batch(p.a_batch, c.filters * outputs, p.m * outputs);
        set_batch(p.b_batch, columns_size, depth * outputs);
        set_batch(p.out_batch, weights, p.m * depth);
        backend.run(p);
    });
    const Grid all(backend, {c.windows.batch, 1, weights}, type);
    all.reduce(functor::Sum{}, View(call.dw, type, {}), all.dense(each.data(), type), {true, false, false});
}

}  // namespace adjoint::call
