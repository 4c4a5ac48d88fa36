// An ONNX model as a module: it runs, trains, prints, saves and moves as one that was written by hand.
#pragma once

#include <initializer_list>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <adjoint/nn/module.h>
#include <adjoint/onnx/format/model.h>
#include <adjoint/onnx/import/unsupported.h>

namespace adjoint::onnx {

class Program;

/// A model that was loaded. Its floating initializers are parameters, under their own names with the dots
/// as levels ("layer1.0.conv1.weight") and every other character that is no letter, digit or _ replaced
/// by _; the running statistics of BatchNormalization are buffers; scalars, and what decides about
/// shapes, are constants.
///
/// It begins in evaluation mode, in which a file is meant. After train() dropout drops and batch
/// normalisation normalises with the batch, moving its statistics.
class ADJOINT_API Network : public nn::Module {
  public:
    /// errors: UnsupportedError listing all that is not supported; ValueError naming the node for a graph
    /// that makes no sense.
    explicit Network(const Model& model);

    /// The first result for the first input.
    /// errors: ValueError unless the model has one input; ShapeError, DTypeError for an input that is not
    /// as the file declares it; those of the operators, with the node's name in front.
    Tensor operator()(const Tensor& x) const;
    /// All results for all inputs, in the order of the file.
    std::vector<Tensor> operator()(const std::vector<Tensor>& inputs) const;
    std::vector<Tensor> operator()(std::initializer_list<Tensor> inputs) const {
        return (*this)(std::vector<Tensor>(inputs));
    }
    /// The same by name.
    std::map<std::string, Tensor> operator()(const std::map<std::string, Tensor>& inputs) const;

    /// What the file declares.
    const std::vector<ValueInfo>& inputs() const noexcept { return declared_->inputs; }
    const std::vector<ValueInfo>& outputs() const noexcept { return declared_->outputs; }
    const std::map<std::string, std::string>& metadata() const noexcept { return declared_->metadata; }
    /// The initializer behind each parameter and buffer: what the file calls it.
    const std::map<std::string, std::string>& initializer_names() const noexcept { return declared_->names; }

  private:
    struct Declared {
        std::vector<ValueInfo> inputs, outputs;
        std::map<std::string, std::string> metadata, names;
    };

    std::shared_ptr<const Program> program_;
    std::shared_ptr<const Declared> declared_;
    std::vector<nn::Parameter> tensors_;  // in the program's order
};

/// The model in a file.
/// errors: IoError for a file that is none; else as Network.
ADJOINT_API Network load(const std::string& path);

/// "float (N, 3, 224, 224)"
ADJOINT_API std::string to_string(const Type& type);

}  // namespace adjoint::onnx
