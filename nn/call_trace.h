// CallTrace: which layers run, in which order, on what: for summaries and pictures.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include <adjoint/nn/module.h>

namespace adjoint::nn {

/// One call of a layer.
struct LayerCall {
    std::string path;             ///< "features.0", "" of what is no child
    std::string kind;             ///< "Linear"
    std::size_t depth = 0;        ///< calls around it
    std::optional<Module> layer;  ///< none for a function in a Sequential
    Shape input_shape, output_shape;
    Tensor input, output;  ///< the first, if there are several; undefined unless values are kept
};

/// While it lives, the calls of layers on this thread are noted, in the order in which they began, also
/// those that a model with a forward pass of its own makes: of all layers of the library, and of those
/// that compute by Module::computed.
///
///     const nn::CallTrace trace;
///     model(x);
///     for (const nn::LayerCall& call : trace.calls()) ...
class ADJOINT_API CallTrace {
  public:
    explicit CallTrace(bool keeps_values = false);
    ~CallTrace();
    CallTrace(const CallTrace&) = delete;
    CallTrace& operator=(const CallTrace&) = delete;

    /// In the order in which they began.
    const std::vector<LayerCall>& calls() const noexcept { return calls_; }
    /// The innermost on this thread, null if there is none.
    static CallTrace* current() noexcept;

    /// Notes that a call begins; end() takes the number that this gives.
    std::size_t begin(std::string path, std::string kind, std::optional<Module> layer, const Tensor& input);
    void end(std::size_t call, const Tensor& output);

  private:
    bool keeps_values_;
    std::vector<LayerCall> calls_;
    std::size_t depth_ = 0;
    CallTrace* outer_;
};

}  // namespace adjoint::nn
