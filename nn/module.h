// Module: the base of layers and models. It keeps what a model is made of by name:
// parameters, buffers, children.
//
//     struct Net : nn::Module {
//         const nn::Linear fc1 = child("fc1", nn::Linear(784, 128));
//         const nn::Linear fc2 = child("fc2", nn::Linear(128, 10));
//         Tensor operator()(const Tensor& x) const { return fc2(relu(fc1(x))); }
//     };
//
// A module is a value: a copy shares parameters, mode and children with its original, as a copy of a Tensor
// shares the array; nn::clone(module) shares nothing. A layer of one's own registers
// its tensors the same way:
//
//     const nn::Parameter weight = parameter("weight", nn::init::kaiming_uniform_(empty({10, 784})));
#pragma once

#include <concepts>
#include <cstdint>
#include <memory>
#include <string>
#include <typeinfo>
#include <utility>
#include <vector>

#include <adjoint/data/rename.h>
#include <adjoint/nn/parameter.h>

namespace adjoint::nn {

class Module;
struct ModuleState;

using NamedTensors = std::vector<std::pair<std::string, Tensor>>;

template <class M>
concept IsModule = std::derived_from<M, Module>;

struct LoadOptions {
    bool strict = true;  ///< missing and unexpected names are errors
    /// Tensors of another shape or type are left out instead of being errors.
    bool skip_misfits = false;
    /// What the tensors of the file are called here.
    std::vector<data::Rename> rename = {};
};
/// What Module::load met that does not match. The first two lists are empty if strict, the last is so unless
/// misfits are skipped.
struct LoadReport {
    std::vector<std::string> missing, unexpected, misfits;
};

class ADJOINT_API Module {
  public:
    Module();
    Module(const Module& other);
    Module(Module&& other) noexcept;
    Module& operator=(const Module& other);
    Module& operator=(Module&& other) noexcept;
    ~Module();

    // What it is made of
    // -----------------------------------------------------------------------------

    /// Each parameter once, own ones first, then those of the children in order.
    std::vector<Tensor> parameters() const;
    /// The same with names like "fc1.weight"; a tied parameter under its first name.
    NamedTensors named_parameters() const;
    NamedTensors named_buffers() const;
    /// Number of elements of all parameters.
    std::int64_t parameter_count() const;

    // Saving and loading
    // -----------------------------------------------------------------------------

    /// Parameters and buffers by name, sharing memory with the module.
    NamedTensors state() const;
    /// Copies values into parameters and buffers; nothing is written unless all fits.
    /// errors: ValueError listing missing and unexpected names (strict); ShapeError, DTypeError for a misfit,
    /// unless those are skipped.
    LoadReport load(const NamedTensors& state, const LoadOptions& options = {}) const;
    /// state() as a safetensors file; an old file stays on any error.
    /// errors: IoError.
    void save(const std::string& path) const;
    /// A file of safetensors, an index of several, or a state dictionary of PyTorch's torch.save.
    /// errors: as above; IoError.
    LoadReport load(const std::string& path, const LoadOptions& options = {}) const;

    // Mode and place
    // -----------------------------------------------------------------------------

    /// Training mode (the initial one) or evaluation, here and in all children.
    void train(bool training = true) const;
    void eval() const { train(false); }
    bool is_training() const noexcept;
    /// Moves parameters, buffers and gradients in place: optimizers and copies of the module see it.
    void to(Device device) const;
    /// Converts those of floating type in place.
    /// errors: DTypeError unless `dtype` is floating.
    void to(DType dtype) const;
    /// Removes the gradients of all parameters.
    void zero_grad() const;

  protected:
    /// Names the kind of module and its options for printing; without it the class's name is used.
    explicit Module(std::string kind, std::string options = {});

    /// Registers a tensor to be trained and returns it; an undefined one is not registered. A tensor that is
    /// another module's parameter already is tied.
    /// errors: ValueError for a name that is empty, taken or contains a dot; DTypeError if not floating;
    /// AutogradError for the result of a recorded operation.
    Parameter parameter(const std::string& name, const Tensor& tensor) const;
    /// Registers a tensor that is saved and moved but not trained.
    Buffer buffer(const std::string& name, const Tensor& tensor) const;
    /// Registers a module and returns it.
    /// errors: as parameter(); ValueError if it contains this one.
    template <IsModule M> M child(const std::string& name, M module) const {
        adopt(name, module, typeid(M));
        return module;
    }
    /// A child that is no module, for printing.
    void child(const std::string& name, const char* kind) const;
    /// child() for a module of class `type` that is kept elsewhere.
    void adopt(const std::string& name, const Module& module, const std::type_info& type) const;

  private:
    template <IsModule M> friend std::string to_string(const M& module);

    std::string print(const std::type_info& type) const;

    std::shared_ptr<ModuleState> state_;
};

namespace detail {

/// While it lives, copies of modules and of their tensors on this thread are deep, each original copied once.
class ADJOINT_API CloneScope {
  public:
    CloneScope();
    ~CloneScope();
    CloneScope(const CloneScope&) = delete;
    CloneScope& operator=(const CloneScope&) = delete;
    /// Throws ValueError if a tensor of the module was not met as a parameter or buffer.
    void check_complete(const NamedTensors& state) const;
    static bool active() noexcept;
};

}  // namespace detail

/// A module with parameters, buffers, mode and children of its own. What was tied is tied in the copy.
/// errors: ValueError if a parameter is not kept as nn::Parameter,
/// a buffer not as nn::Buffer: it would stay shared.
template <IsModule M> M clone(const M& module) {
    const detail::CloneScope scope;
    M copy(module);
    scope.check_complete(module.state());
    return copy;
}

/// The module as an indented tree of its children.
template <IsModule M> std::string to_string(const M& module) { return module.print(typeid(M)); }

}  // namespace adjoint::nn
