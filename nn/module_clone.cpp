// Deep copies of modules: inside a CloneScope each state and each tensor is copied once, whoever asks for it.
#include <map>
#include <optional>
#include <set>

#include <adjoint/autograd/record/grad_mode.h>
#include <adjoint/core/base/format.h>
#include <adjoint/nn/module_state.h>

namespace adjoint::nn {
namespace {

struct Copies {
    // Copies stand here as their own copies, so that a move within the scope that has to copy (of a const
    // member) keeps them.
    std::map<const TensorImpl*, Tensor> tensors;
    std::map<const ModuleState*, std::shared_ptr<ModuleState>> states;
    std::set<const TensorImpl*> held;  // the originals that were met as a ModuleTensor
};

constinit thread_local Copies* current = nullptr;

Tensor deep_copy(const Tensor& original) {
    const auto found = current->tensors.find(&original.impl());
    if (found != current->tensors.end()) return found->second;
    const NoGrad guard;
    Tensor copy = original.detach().clone();
    if (original.requires_grad() && original.is_leaf()) copy.set_requires_grad();
    current->tensors.emplace(&original.impl(), copy);
    current->tensors.emplace(&copy.impl(), copy);
    return copy;
}

}  // namespace

Tensor detail::copied(const Tensor& original) {
    if (current == nullptr || !original.defined()) return original;
    current->held.insert(&original.impl());
    return deep_copy(original);
}

std::shared_ptr<ModuleState> copied(const std::shared_ptr<ModuleState>& original) {
    if (current == nullptr || !original) return original;
    const auto found = current->states.find(original.get());
    if (found != current->states.end()) return found->second;
    auto copy = std::make_shared<ModuleState>(*original);
    for (auto& [name, tensor] : copy->parameters) tensor = deep_copy(tensor);
    for (auto& [name, tensor] : copy->buffers) tensor = deep_copy(tensor);
    copy->name.clear();
    copy->parent.reset();
    copy->hooks.reset();
    for (ModuleState::Child& child : copy->children) {
        child.state = copied(child.state);
        child.state->name = child.name;
        child.state->parent = copy;
    }
    current->states.emplace(original.get(), copy);
    current->states.emplace(copy.get(), copy);
    return copy;
}

detail::CloneScope::CloneScope() {
    check<ValueError>(current == nullptr, "clone: called while another module is being cloned");
    current = new Copies;
}

detail::CloneScope::~CloneScope() {
    delete current;
    current = nullptr;
}

bool detail::CloneScope::active() noexcept { return current != nullptr; }

void detail::CloneScope::check_complete(const NamedTensors& state) const {
    for (const auto& [name, tensor] : state)
        check<ValueError>(
            current->held.contains(&tensor.impl()),
            "clone: {} is not kept in an nn::Parameter or nn::Buffer, so the copy would share it; "
            "declare the member as what parameter() and buffer() return",
            name);
}

}  // namespace adjoint::nn
