// RNN, LSTM, GRU: layers over sequences, in one or both directions.
//
// shapes: x (T, N, input), with batch_first (N, T, input), or (T, input); the output has hidden_size, or
// twice as much if bidirectional, in the place of input. States are (layers directions, N, hidden), or
// (layers directions, hidden); zeros where undefined. Parameters are named weight_ih_l0, weight_hh_l0,
// bias_ih_l0, bias_hh_l0, then weight_ih_l0_reverse and so on; formulas and gates are those of the cells.
// On the CPU, and on CUDA where cuDNN is there, a layer in one direction is one call.
// errors: ShapeError for a misfit or a sequence of length 0.
#pragma once

#include <vector>

#include <adjoint/nn/recurrent_cells.h>

namespace adjoint::nn {

struct RecurrentOptions {
    std::int64_t num_layers = 1;
    bool bias = true;
    bool batch_first = false;
    double dropout = 0;  ///< in training, of what each layer but the last gives
    bool bidirectional = false;
    DType dtype = default_dtype();
    Device device = default_device();
};
struct RNNOptions {
    std::int64_t num_layers = 1;
    RecurrentNonlinearity nonlinearity = RecurrentNonlinearity::tanh;
    bool bias = true;
    bool batch_first = false;
    double dropout = 0;
    bool bidirectional = false;
    DType dtype = default_dtype();
    Device device = default_device();
};

/// What each time step of the last layer gives, and the state of every layer after its last step.
struct RNNOutput {
    Tensor output, h_n;
};
/// The outputs of all steps, and the states behind the last.
struct LSTMOutput {
    Tensor output, h_n, c_n;
};

/// What the three share.
class ADJOINT_API Recurrent : public Module {
    // First, as the weights are made with them.
    std::int64_t input_size_, hidden_size_;
    RecurrentOptions options_;

  public:
    /// Layer 0, layer 0 reversed if bidirectional, layer 1 ...
    const std::vector<RecurrentWeights> weights;

  protected:
    Recurrent(const char* kind, int gates, std::int64_t input_size, std::int64_t hidden_size,
              const RecurrentOptions& options, const std::string& more = {});
    LSTMOutput run(const Tensor& x, const RecurrentState& initial, RecurrentKind kind) const;

  private:
    std::vector<RecurrentWeights> draw_weights(int gates) const;
    Tensor initial_state(const char* name, const Tensor& state, const Tensor& sequence, bool single) const;
};

/// Layers of h = tanh(W x + b + U h + c), or relu.
class ADJOINT_API RNN : public Recurrent {
  public:
    RNN(std::int64_t input_size, std::int64_t hidden_size, const RNNOptions& options = {});
    RNNOutput operator()(const Tensor& x, const Tensor& h_0 = {}) const;

  private:
    RecurrentNonlinearity nonlinearity_;
};

/// Layers of cells with input, forget and output gates.
class ADJOINT_API LSTM : public Recurrent {
  public:
    LSTM(std::int64_t input_size, std::int64_t hidden_size, const RecurrentOptions& options = {});
    LSTMOutput operator()(const Tensor& x, const RecurrentState& initial = {}) const;
};

/// Layers of cells with reset and update gates.
class ADJOINT_API GRU : public Recurrent {
  public:
    GRU(std::int64_t input_size, std::int64_t hidden_size, const RecurrentOptions& options = {});
    RNNOutput operator()(const Tensor& x, const Tensor& h_0 = {}) const;
};

}  // namespace adjoint::nn
