// The backward pass of a layer of matrices.
#pragma once

#include <adjoint/core/contract/calls/update.h>
#include <adjoint/core/contract/epilogue.h>
#include <adjoint/core/contract/loop.h>

namespace adjoint {

class Backend;

namespace call {

/// Of y = f(x w^T + b), where dz = g f'(saved) in the type of the results: dx = dz w, dw = dz^T x, db = the
/// sum of dz over the rows. All matrices are dense and of one type; any of the results may be null.
struct LinearBackward {
    static constexpr auto name = "linear_backward";
    void* dx;
    void* dw;
    void* db;
    const void* g;      // rows x outputs
    const void* saved;  // what the slope of the activation takes, laid out as g; null without one
    const void* x;      // rows x inputs
    const void* w;      // outputs x inputs
    std::int64_t rows, inputs, outputs;
    DType dtype;
    Activation activation = Activation::none;

    template <class Memory> void memory(Memory& m) const {
        m.writes(dx, rows * inputs, dtype);
        m.writes(dw, outputs * inputs, dtype);
        m.writes(db, outputs, dtype);
        for (const void* each : {g, saved}) m.reads(each, rows * outputs, dtype);
        if (dw) m.reads(x, rows * inputs, dtype);
        if (dx) m.reads(w, outputs * inputs, dtype);
    }
};

/// The same and a step of an optimizer, which may take what the backward pass writes, but changes nothing
/// that it reads. Made of the two by a pass over a recorded step.
struct BackwardUpdate {
    static constexpr auto name = "linear_backward + update";
    LinearBackward backward;
    Update update;

    template <class Memory> void memory(Memory& m) const {
        backward.memory(m);
        update.memory(m);
    }
};

void compose(Backend& backend, const LinearBackward& c);
void compose(Backend& backend, const BackwardUpdate& c);

}  // namespace call
}  // namespace adjoint
