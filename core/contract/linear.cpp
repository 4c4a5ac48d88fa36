// The backward pass of a layer of matrices, made of two products and a sum.
#include <adjoint/core/contract/activate.h>
#include <adjoint/core/contract/compose.h>

namespace adjoint::call {
namespace {

using composition::Grid;
using composition::View;
using composition::WorkingMemory;

// m x n of two factors; a dense one is read as it lies or with its dimensions exchanged.
struct Factor {
    const void* data;
    std::int64_t row, column;
};
void multiply(Backend& backend, DType type, void* out, const Factor& a, const Factor& b, std::int64_t m,
              std::int64_t n, std::int64_t k) {
    MatMul p;
    p.out = {out, type};
    p.a = {const_cast<void*>(a.data), type};
    p.b = {const_cast<void*>(b.data), type};
    p.m = m;
    p.n = n;
    p.k = k;
    p.out_row = n;
    p.a_row = a.row;
    p.a_column = a.column;
    p.b_row = b.row;
    p.b_column = b.column;
    backend.run(p);
}

}  // namespace

void compose(Backend& backend, const LinearBackward& c) {
    const WorkingMemory memory(backend, c.activation == Activation::none ? 0 : c.rows * c.outputs, c.dtype);
    const void* const dz = c.activation == Activation::none ? c.g : memory.data();
    if (c.activation != Activation::none)
        activate_backward(backend, c.activation, {memory.data(), c.dtype}, c.g, c.saved, c.rows * c.outputs);
    if (c.dx)
        multiply(backend, c.dtype, c.dx, {dz, c.outputs, 1}, {c.w, c.inputs, 1}, c.rows, c.inputs, c.outputs);
    if (c.dw)
        multiply(backend, c.dtype, c.dw, {dz, 1, c.outputs}, {c.x, c.inputs, 1}, c.outputs, c.inputs, c.rows);
    if (c.db) {
        const Grid all(backend, {1, c.rows, c.outputs}, compute_type(c.dtype));
        all.reduce(functor::Sum{}, View(c.db, c.dtype, {0, 0, 1}), all.dense(dz, c.dtype),
                   {true, true, false});
    }
}

void compose(Backend& backend, const BackwardUpdate& c) {
    backend.run(c.backward);
    backend.run(c.update);
}

}  // namespace adjoint::call
