// The arithmetic of recurrent layers, one step in time and whole sequences: what the modules of nn/ are made
// of. Private: the modules check what comes in.
#pragma once

#include <adjoint/core/contract/calls/recurrence.h>
#include <adjoint/core/tensor/tensor.h>

namespace adjoint::recurrent {

/// Hidden and, for LSTM, cell state.
struct State {
    Tensor h, c = {};
};

/// Of one layer in one direction; biases are undefined if there are none. Gates stand one below the other.
struct Weights {
    Tensor ih, hh, bias_ih, bias_hh;
};

/// The state after a step. `input` is W_ih x + b_ih, (N, gates hidden).
State step(RecurrentKind kind, const Tensor& input, const State& state, const Weights& w);

/// What every step gives, and the state after the last.
struct Sequence {
    Tensor y;
    State last;
};

/// x (T, N, inputs) from the first state (N, hidden), or from the end if `reverse`; y (T, N, hidden), in the
/// order of x. As one call of the device where it has recurrent layers of its own, in the type of x (f16 and
/// bf16 in f32) and under Autocast, too; else step by step.
Sequence sequence(RecurrentKind kind, const Tensor& x, const State& first, const Weights& w, bool reverse);

}  // namespace adjoint::recurrent
