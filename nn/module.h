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
// shares the array; nn::clone(module) shares nothing. Several threads may compute with one module at once,
// under EvaluationMode also where layers behave differently in training; what changes it is for one thread
// alone. A layer of one's own registers its tensors the same way:
//
//     const nn::Parameter weight = parameter("weight", nn::init::kaiming_uniform_(empty({10, 784})));
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <type_traits>
#include <typeinfo>
#include <utility>
#include <vector>

#include <adjoint/core/base/error.h>
#include <adjoint/core/contract/span.h>
#include <adjoint/data/rename.h>
#include <adjoint/nn/hooks.h>
#include <adjoint/nn/parameter.h>

namespace adjoint::nn {

/// Tensors by name, in order.
using NamedTensors = std::vector<std::pair<std::string, Tensor>>;

template <class M>
concept IsModule = std::derived_from<M, Module>;

struct LoadOptions {
    bool strict = true;         ///< missing and unexpected names are errors
    bool skip_misfits = false;  ///< a tensor of another shape or type is left out, else it is an error
    bool convert = false;       ///< another type is converted, else it is a misfit
    std::vector<data::Rename> rename = {};  ///< what the tensors of the file are called here
};
/// What Module::load met that does not match and left alone; with the usual options empty.
struct LoadReport {
    std::vector<std::string> missing, unexpected, misfits;
};

namespace detail {

template <class Y> auto& first_output(Y& y) {
    if constexpr (std::is_same_v<std::remove_const_t<Y>, Tensor>)
        return y;
    else if constexpr (requires { y.output; })
        return y.output;
    else
        return y.h;
}

}  // namespace detail

/// The base of layers and models: parameters, buffers and children by name.
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

    /// Its place in the model that it was last made a child of, "features.0"; "" of what is no child.
    std::string path() const;
    /// "Linear", "" of a class of one's own that is no child yet and names no kind.
    const std::string& kind() const noexcept;
    /// Whether the two are one module: copies of each other.
    bool is_same(const Module& other) const noexcept { return state_ == other.state_; }
    /// What it was made of, in the order of registration; a function in a Sequential
    /// is one without parameters.
    std::vector<std::pair<std::string, Module>> children() const;

    /// f(module) for every module of the model, children in front of what they are children of, itself last:
    /// first weights, say, of each layer whose kind() is "Linear".
    void apply(const std::function<void(const Module&)>& f) const;

    // Saving and loading
    // -----------------------------------------------------------------------------

    /// Parameters and buffers by name, sharing memory with the module.
    NamedTensors state() const;
    /// Copies values into parameters and buffers; nothing is written unless all fits.
    /// errors: one that lists all that does not match, and what to do where that is plain: ShapeError,
    /// DTypeError if all are misfits in shape or in type, else ValueError.
    LoadReport load(const NamedTensors& state, const LoadOptions& options = {}) const;
    /// state() as a safetensors file; an old file stays on any error.
    /// errors: IoError.
    void save(const std::string& path) const;
    /// A file of safetensors, an index of several, or a state dictionary of PyTorch's torch.save.
    /// errors: IoError; as load() with the file's name in front.
    LoadReport load(const std::string& path, const LoadOptions& options = {}) const;

    // Mode and place
    // -----------------------------------------------------------------------------

    /// Training mode (the initial one) or evaluation, here and in all children.
    void train(bool training = true) const;
    void eval() const { train(false); }
    /// Whether in training mode, and no EvaluationMode lives on this thread.
    bool is_training() const noexcept;
    /// Moves parameters, buffers and gradients in place: optimizers and copies of the module see it.
    void to(Device device) const;
    /// Converts those of floating type in place.
    /// errors: DTypeError unless `dtype` is floating.
    void to(DType dtype) const;
    /// Removes the gradients of all parameters.
    void zero_grad() const;

    // Hooks
    // -----------------------------------------------------------------------------

    /// A function that runs with each call of this layer (<adjoint/nn/hooks.h>), in the order in which they
    /// were registered: of the layers of the library, and of those that compute by Module::computed. A
    /// Sequential does not join a layer that has hooks with an activation. Replays of a captured step run no
    /// hooks, what they computed is repeated; checkpoint() runs them again. A clone has none.
    /// errors: ValueError for an empty function.
    HookHandle register_forward_pre_hook(ForwardPreHook hook) const;
    HookHandle register_forward_hook(ForwardHook hook) const;
    HookHandle register_backward_hook(BackwardHook hook) const;
    bool has_hooks() const noexcept;

  protected:
    /// Names the kind of module, its options for printing and its sizes for errors ("784 -> 10"); without it
    /// the class's name is used.
    explicit Module(std::string kind, std::string options = {}, std::string sizes = {});

    /// f(), which computes the layer's result from x: errors lead with the layer's place in the
    /// model, "fc2 (Linear 100 -> 10): ...", hooks run, and a CallTrace notes the call. The result is a
    /// tensor, or has a member `output` or `h`.
    template <class F> auto computed(const Tensor& x, F&& f) const {
        try {
            if (!is_watched()) [[likely]]
                return f();
            const adjoint::detail::Span span = this->span();
            const std::size_t call = begin_call(x);
            auto y = f();
            end_call(call, x, detail::first_output(y));
            return y;
        } catch (Error& error) {
            place(*this, error);
            throw;
        }
    }
    /// Puts the place of a layer in front of an error's message, where it is a child of another.
    static void place(const Module& layer, Error& error);

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

    explicit Module(std::shared_ptr<ModuleState> state) noexcept : state_(std::move(state)) {}
    std::string print(const std::type_info& type) const;
    // By hooks, the CallTrace on this thread, or a profile.
    bool is_watched() const noexcept;
    // Of this layer's forward pass, for profiles.
    adjoint::detail::Span span() const;
    std::size_t begin_call(const Tensor& x) const;
    void end_call(std::size_t call, const Tensor& x, Tensor& output) const;

    std::shared_ptr<ModuleState> state_;
};

/// While it lives, every module computes in evaluation mode on this thread, whatever its own mode is and
/// without changing it, so that several threads may predict with one model:
///
///     { const EvaluationMode mode; y = model(x); }
///
/// With `enabled` false one that lives around it is lifted.
class ADJOINT_API EvaluationMode {
  public:
    explicit EvaluationMode(bool enabled = true) noexcept;
    ~EvaluationMode();
    EvaluationMode(const EvaluationMode&) = delete;
    EvaluationMode& operator=(const EvaluationMode&) = delete;

  private:
    bool before_;
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
template <IsModule M> std::ostream& operator<<(std::ostream& out, const M& module) {
    return out << to_string(module);
}

}  // namespace adjoint::nn
