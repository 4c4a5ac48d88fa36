// What copies of a module share. Private to the modules.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <typeinfo>
#include <utility>
#include <variant>
#include <vector>

#include <adjoint/nn/module.h>

namespace adjoint::nn {

struct ModuleState {
    struct Hook {
        std::int64_t id;
        std::variant<ForwardPreHook, ForwardHook, BackwardHook> function;
    };
    struct Child {
        std::string name;
        std::shared_ptr<ModuleState> state;
    };

    std::string kind;     // "Linear"; the class's name if the module gives none
    std::string options;  // "in_features=784, out_features=10, bias=true"
    std::string sizes;    // "784 -> 10", for errors
    std::string name;     // in the parent that it was last registered with
    std::weak_ptr<const ModuleState> parent;
    bool training = true;
    NamedTensors parameters, buffers;
    std::vector<Child> children;
    std::shared_ptr<const std::vector<Hook>> hooks;  // null without one
    std::int64_t last_hook = 0;
};

/// Calls f(prefix, state) for a module and all below it, parents first;
/// one that is met twice is visited twice.
template <class F> void visit_modules(const ModuleState& state, F&& f, const std::string& prefix = {}) {
    f(prefix, state);
    for (const ModuleState::Child& child : state.children)
        visit_modules(*child.state, f, prefix + child.name + ".");
}

/// Inside nn::clone the deep copy of `original`, elsewhere the state itself.
std::shared_ptr<ModuleState> copied(const std::shared_ptr<ModuleState>& original);

/// A hint for who predicts with a layer that behaves differently then: training mode with gradients off.
void warn_of_prediction_in_training_mode(const char* layer);

/// "features.0", "" of what is no child.
std::string path_of(const ModuleState& state);
/// "features.0 (Linear 784 -> 10)", "" of what is no child.
std::string place_of(const ModuleState& state);

/// The class's name without its namespaces and template arguments.
std::string class_name(const std::type_info& type);
/// "Net(\n  (fc1): Linear(...)\n)"
std::string print_tree(const ModuleState& state, const std::string& kind);

}  // namespace adjoint::nn
