// A recurrent layer over whole sequences, as a device sees it (core/contract/backend.h).
#pragma once

#include <cstdint>

#include <adjoint/core/base/dtype.h>
#include <adjoint/core/contract/precision.h>

namespace adjoint {

enum class RecurrentKind : std::uint8_t { rnn_tanh, rnn_relu, lstm, gru };

/// One layer in one direction over `batch` sequences of `steps`, none of its sizes 0. The formulas and the
/// order of the gates are those of recurrent::step (autograd/ops/recurrent.h).
struct Recurrence {
    RecurrentKind kind = RecurrentKind::rnn_tanh;
    std::int64_t steps = 0, batch = 0, inputs = 0, hidden = 0;
    bool bias = true;
    DType dtype = DType::f32;  // f32 or f64
    /// That of the forward pass, which decides what is kept for the backward pass.
    MatmulPrecision precision = MatmulPrecision::highest;

    bool has_cell() const { return kind == RecurrentKind::lstm; }
    std::int64_t gates() const {
        return kind == RecurrentKind::lstm ? 4 : kind == RecurrentKind::gru ? 3 : 1;
    }
};

/// What its forward pass reads and writes, dense: x (steps, batch, inputs), y (steps, batch, hidden), states
/// (batch, hidden), weights (gates hidden, inputs) and (gates hidden, hidden), biases (gates hidden). Null:
/// cells unless there are any, biases without `bias`, `reserve` if there will be no backward pass.
struct RecurrentPass {
    const void *x = nullptr, *h_0 = nullptr, *c_0 = nullptr;
    const void *w_ih = nullptr, *w_hh = nullptr, *b_ih = nullptr, *b_hh = nullptr;
    void *y = nullptr, *h_n = nullptr, *c_n = nullptr;
    void* reserve = nullptr;  // what the backward pass is told of the forward pass
};

/// The gradients of the results, and those that are made of them; null where the pass has nothing.
struct RecurrentGradients {
    const void *y = nullptr, *h_n = nullptr, *c_n = nullptr;
    void *x = nullptr, *h_0 = nullptr, *c_0 = nullptr;
    void *w_ih = nullptr, *w_hh = nullptr, *b_ih = nullptr, *b_hh = nullptr;
};

}  // namespace adjoint
