// The arithmetic of one step of a recurrent layer, shared by the cells and the layers over sequences.
#pragma once

#include <adjoint/nn/recurrent_cells.h>

namespace adjoint::nn::detail {

/// The state after a step. `input` is W_ih x + b_ih, (N, gates hidden).
using RecurrentStep = RecurrentState (*)(const Tensor& input, const RecurrentState& state,
                                         const RecurrentWeights& weights);

RecurrentState rnn_tanh_step(const Tensor& input, const RecurrentState& state, const RecurrentWeights& w);
RecurrentState rnn_relu_step(const Tensor& input, const RecurrentState& state, const RecurrentWeights& w);
RecurrentState lstm_step(const Tensor& input, const RecurrentState& state, const RecurrentWeights& w);
RecurrentState gru_step(const Tensor& input, const RecurrentState& state, const RecurrentWeights& w);

/// A tensor uniform in +-1 / sqrt(hidden_size).
Tensor initial_recurrent_weight(const Shape& shape, std::int64_t hidden_size, DType dtype, Device device);

}  // namespace adjoint::nn::detail
