// A recurrent layer over whole sequences, as a device sees it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>

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
    std::size_t reserve_bytes = 0;
};

/// The gradients of the results, and those that are made of them; null where the pass has nothing, x also
/// where nobody wants it.
struct RecurrentGradients {
    const void *y = nullptr, *h_n = nullptr, *c_n = nullptr;
    void *x = nullptr, *h_0 = nullptr, *c_0 = nullptr;
    void *w_ih = nullptr, *w_hh = nullptr, *b_ih = nullptr, *b_hh = nullptr;
};

class Backend;

namespace call {

/// A device without it has a layer go step by step, by operators: Backend::recurrence_reserve says so.
struct Recurrent {
    static constexpr auto name = "recurrence";
    Recurrence shape;
    RecurrentPass pass;
    template <class Memory> void memory(Memory& m) const {
        const Recurrence& s = shape;
        const std::int64_t states = s.batch * s.hidden, rows = s.gates() * s.hidden;
        m.reads(pass.x, s.steps * s.batch * s.inputs, s.dtype);
        for (const void* state : {pass.h_0, pass.c_0}) m.reads(state, states, s.dtype);
        m.reads(pass.w_ih, rows * s.inputs, s.dtype);
        m.reads(pass.w_hh, rows * s.hidden, s.dtype);
        for (const void* each : {pass.b_ih, pass.b_hh}) m.reads(each, rows, s.dtype);
        m.writes(pass.y, s.steps * states, s.dtype);
        for (void* state : {pass.h_n, pass.c_n}) m.writes(state, states, s.dtype);
        m.writes(pass.reserve, static_cast<std::int64_t>(pass.reserve_bytes), DType::u8);
    }
};

/// Reads the operands, y and reserve of the pass, and leaves them as they are: it may run again.
struct RecurrentBackward {
    static constexpr auto name = "recurrence_backward";
    Recurrence shape;
    RecurrentPass pass;
    RecurrentGradients gradients;
    template <class Memory> void memory(Memory& m) const {
        const Recurrence& s = shape;
        const std::int64_t states = s.batch * s.hidden, rows = s.gates() * s.hidden,
                           sequence = s.steps * s.batch * s.inputs;
        m.reads(pass.x, sequence, s.dtype);
        for (const void* state : {pass.h_0, pass.c_0, gradients.h_n, gradients.c_n})
            m.reads(state, states, s.dtype);
        m.reads(pass.w_ih, rows * s.inputs, s.dtype);
        m.reads(pass.w_hh, rows * s.hidden, s.dtype);
        for (const void* each : {pass.b_ih, pass.b_hh}) m.reads(each, rows, s.dtype);
        for (const void* each : {static_cast<const void*>(pass.y), gradients.y})
            m.reads(each, s.steps * states, s.dtype);
        m.reads(pass.reserve, static_cast<std::int64_t>(pass.reserve_bytes), DType::u8);
        m.writes(gradients.x, sequence, s.dtype);
        for (void* state : {gradients.h_0, gradients.c_0}) m.writes(state, states, s.dtype);
        m.writes(gradients.w_ih, rows * s.inputs, s.dtype);
        m.writes(gradients.w_hh, rows * s.hidden, s.dtype);
        for (void* each : {gradients.b_ih, gradients.b_hh}) m.writes(each, rows, s.dtype);
    }
};

/// errors: DeviceError.
[[noreturn]] void compose(Backend& backend, const Recurrent& c);
[[noreturn]] void compose(Backend& backend, const RecurrentBackward& c);

}  // namespace call
}  // namespace adjoint
