// What the recurrent cells and the layers over sequences share. Private to them.
#pragma once

#include <adjoint/nn/recurrent_cells.h>

namespace adjoint::nn::detail {

inline RecurrentKind kind_of(RecurrentNonlinearity nonlinearity) {
    return nonlinearity == RecurrentNonlinearity::relu ? RecurrentKind::rnn_relu : RecurrentKind::rnn_tanh;
}

inline recurrent::Weights tensors_of(const RecurrentWeights& w) {
    return {w.weight_ih, w.weight_hh, w.bias_ih, w.bias_hh};
}

/// A tensor uniform in +-1 / sqrt(hidden_size).
Tensor initial_recurrent_weight(const Shape& shape, std::int64_t hidden_size, DType dtype, Device device);

}  // namespace adjoint::nn::detail
