// An ONNX model as a module: it runs, trains, prints, saves and moves as one that was written by hand.
#pragma once

#include <functional>
#include <initializer_list>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <vector>

#include <adjoint/nn/module.h>
#include <adjoint/onnx/format/model.h>
#include <adjoint/onnx/import/unsupported.h>

namespace adjoint::onnx {

class Program;
struct Step;
struct Value;

/// Limits, since a file of a few bytes can ask for any amount of memory and time.
struct Limits {
    /// A run may hold values of so many bytes at once, and 2^14 times those of its inputs.
    std::int64_t run_bytes = std::int64_t{1} << 32;
    /// The loops of a run may take so many steps together.
    std::int64_t iterations = 1'000'000;
};

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
    explicit Network(const Model& model, const Limits& limits = {});

    /// The first result for the first input.
    /// errors: ValueError unless the model has one input; ShapeError, DTypeError for an input that is not
    /// as the file declares it; those of the operators, with the node's name in front.
    Tensor operator()(const Tensor& x) const;
    /// All results for all inputs, in the order of the file.
    std::vector<Tensor> operator()(const std::vector<Tensor>& inputs) const;
    std::vector<Tensor> operator()(std::initializer_list<Tensor> inputs) const {
        return (*this)(std::vector<Tensor>(inputs));
    }
    /// The same by name, and with optional inputs.
    std::map<std::string, Tensor> operator()(const std::map<std::string, Tensor>& inputs) const;

    /// What the file declares.
    const std::vector<ValueInfo>& inputs() const noexcept { return plan_->inputs; }
    /// Initializers that the file lists as inputs, too: they may be given by name in the place of what the
    /// file has. Files of IR version 3 list all of theirs.
    const std::vector<ValueInfo>& optional_inputs() const noexcept { return declared_->optional; }
    const std::vector<ValueInfo>& outputs() const noexcept { return declared_->outputs; }
    const std::map<std::string, std::string>& metadata() const noexcept { return declared_->metadata; }
    /// The initializer behind each parameter and buffer: what the file calls it.
    const std::map<std::string, std::string>& initializer_names() const noexcept { return declared_->names; }

  private:
    /// A level of names: what it registers lives in the module that has adopted it.
    class Group : public nn::Module {
      public:
        Group() : Module("Group") {}
        using Module::adopt;
        using Module::buffer;
        using Module::computed;
        using Module::parameter;
    };
    class Names;

    /// A program, what it needs from outside, and the places of its tensors among those of the module.
    struct Plan {
        std::shared_ptr<const Program> program;
        std::vector<ValueInfo> inputs;
        std::vector<std::size_t> tensors;
    };
    struct Variants;
    std::vector<Tensor> run(const Plan& plan, const std::vector<Tensor>& inputs) const;
    std::vector<const Group*> layers_of(const Plan& plan, const Step& step) const;
    static std::vector<Value> as_calls(std::span<const Group* const> layers, const Tensor& x,
                                       const std::function<std::vector<Value>()>& compute);
    std::shared_ptr<const Plan> plan_with(const std::set<std::string>& given) const;

    struct Declared {
        std::vector<ValueInfo> optional, outputs;
        std::map<std::string, std::string> metadata, names;
    };

    Limits limits_;
    std::shared_ptr<const Plan> plan_;
    std::shared_ptr<const Declared> declared_;
    std::shared_ptr<Variants> variants_;  // null if there are no optional inputs
    std::vector<nn::Parameter> tensors_;  // in the program's order
    std::vector<Group> groups_;           // those that have tensors
    std::vector<int> group_of_;           // beside the tensors; -1 for the network itself
};

/// The model in a file.
/// errors: IoError for a file that is none; else as Network.
ADJOINT_API Network load(const std::string& path, const Limits& limits = {});

/// "float (N, 3, 224, 224)"
ADJOINT_API std::string to_string(const Type& type);

}  // namespace adjoint::onnx
