// Compiled: a model that only answers. Evaluation mode, no graph; the calls of a forward pass are recorded
// once for each shape of the inputs, with their memory, and repeated.
//
//     const auto answer = nn::compile(model);
//     const Tensor y = answer(x);
//     std::cout << answer;   // (1, 1, 28, 28): 6 calls, at most 0.1 MB
#pragma once

#include <cstdint>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include <adjoint/nn/forward.h>

namespace adjoint::nn {

struct CompileOptions {
    /// Recordings that are kept, each for inputs of certain shapes, types and places; the one that was used
    /// least recently goes.
    int recordings = 32;
};

/// The results are those of the model in evaluation mode without graph, to the bit where the model does the
/// same then. Its weights are read where they lie: what was recorded is recorded anew when one of them was
/// written, converted or moved, and with another matmul_precision or autocast. A model that reads values on
/// the host, as those do whose steps depend on the data, or writes its own parameters or buffers, is run as
/// it is, which a warning says. Before it is recorded a model runs once; what else it counts, in a member
/// that is no buffer, counts that pass too.
///
/// Several threads may ask at once; those with inputs of the same shapes wait for each other.
class ADJOINT_API Compiled {
  public:
    /// errors: ValueError for options that make no sense.
    Compiled(const Module& model, Forward forward, const CompileOptions& options = {});

    /// The first result.
    /// errors: those of the model.
    template <class... Xs> Tensor operator()(const Tensor& x, const Xs&... more) const {
        return (*this)(std::vector<Tensor>{x, more...}).at(0);
    }
    /// All results for all inputs.
    std::vector<Tensor> operator()(const std::vector<Tensor>& inputs) const;

    struct Recorded {
        std::vector<Shape> shapes;  ///< of the inputs
        std::size_t calls;          ///< to the device
        std::size_t peak_bytes;     ///< of memory between them, results included
    };
    /// What is recorded by now, the latest used first.
    std::vector<Recorded> recordings() const;

  private:
    struct State;
    std::shared_ptr<State> state_;
};

/// The model ready for answers; see the head of this file.
template <IsModule M> Compiled compile(const M& model, const CompileOptions& options = {}) {
    return Compiled(model, forward_of(model), options);
}

/// A line for each recording.
ADJOINT_API std::string to_string(const Compiled& compiled);
inline std::ostream& operator<<(std::ostream& out, const Compiled& compiled) {
    return out << to_string(compiled);
}

/// Whether this thread records a pass that is recorded anew when a weight is written: what follows from the
/// weights alone may be computed beforehand then and taken from where it is kept.
ADJOINT_API bool weights_are_fixed() noexcept;

}  // namespace adjoint::nn
