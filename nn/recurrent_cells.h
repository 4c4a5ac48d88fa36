// RNNCell, LSTMCell, GRUCell: one step in time.
//
// Every weight starts uniform in +-1 / sqrt(hidden_size). Gates stand one below the other in weight_ih
// (gates hidden, input), weight_hh (gates hidden, hidden) and the biases, in the order of the formulas.
#pragma once

#include <string>

#include <adjoint/autograd/ops/recurrent.h>
#include <adjoint/nn/module.h>

namespace adjoint::nn {

/// What one layer in one direction computes with; the biases are undefined if there are none.
struct RecurrentWeights {
    Parameter weight_ih, weight_hh, bias_ih, bias_hh;
};

/// Hidden and, for LSTM, cell state.
using RecurrentState = recurrent::State;

/// What an RNN does to the sum of its products.
enum class RecurrentNonlinearity { tanh, relu };

struct RecurrentCellOptions {
    bool bias = true;
    DType dtype = default_dtype();
    Device device = default_device();
};
struct RNNCellOptions {
    bool bias = true;
    RecurrentNonlinearity nonlinearity = RecurrentNonlinearity::tanh;
    DType dtype = default_dtype();
    Device device = default_device();
};

/// What the cells share: weights and the shapes of what comes in.
class ADJOINT_API RecurrentCell : public Module, public RecurrentWeights {
  protected:
    RecurrentCell(const char* kind, int gates, std::int64_t input_size, std::int64_t hidden_size,
                  const RecurrentCellOptions& options, const std::string& more = {});
    /// A step of a batch or, for x of one dimension, of one sample; undefined states are zeros.
    RecurrentState run(const Tensor& x, const RecurrentState& state, RecurrentKind kind) const;

  private:
    std::int64_t input_size_, hidden_size_;
};

/// h' = tanh(W_ih x + b_ih + W_hh h + b_hh), or relu of it.
/// shapes: x (N, input) or (input), h (N, hidden) or (hidden), zeros if undefined.
/// errors: ShapeError.
class ADJOINT_API RNNCell : public RecurrentCell {
  public:
    RNNCell(std::int64_t input_size, std::int64_t hidden_size, const RNNCellOptions& options = {});
    Tensor operator()(const Tensor& x, const Tensor& h = {}) const;

  private:
    RecurrentNonlinearity nonlinearity_;
};

/// i, f, o = sigmoid, g = tanh of W_ih x + b_ih + W_hh h + b_hh, in the order i, f, g, o;
/// c' = f c + i g; h' = o tanh(c'). Shapes and errors as RNNCell.
/// source: Hochreiter and Schmidhuber, Long short-term memory, 1997; Gers et al., Learning to forget, 2000.
class ADJOINT_API LSTMCell : public RecurrentCell {
  public:
    LSTMCell(std::int64_t input_size, std::int64_t hidden_size, const RecurrentCellOptions& options = {});
    RecurrentState operator()(const Tensor& x, const RecurrentState& state = {}) const;
};

/// r, z = sigmoid(W_ih x + b_ih + W_hh h + b_hh); n = tanh(W_in x + b_in + r (W_hn h + b_hn));
/// h' = (1 - z) n + z h, in the order r, z, n. Shapes and errors as RNNCell.
/// source: Cho et al., Learning phrase representations using RNN encoder-decoder, 2014.
class ADJOINT_API GRUCell : public RecurrentCell {
  public:
    GRUCell(std::int64_t input_size, std::int64_t hidden_size, const RecurrentCellOptions& options = {});
    Tensor operator()(const Tensor& x, const Tensor& h = {}) const;
};

}  // namespace adjoint::nn
