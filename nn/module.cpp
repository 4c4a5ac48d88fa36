// Registration, traversal, mode and place of modules.
#include <adjoint/nn/module.h>

#include <algorithm>
#include <functional>
#include <new>
#include <unordered_set>
#include <utility>

#include <adjoint/autograd/record/grad_mode.h>
#include <adjoint/core/base/format.h>
#include <adjoint/core/base/warning.h>
#include <adjoint/nn/module_state.h>

namespace adjoint::nn {
namespace {

constinit thread_local bool evaluating = false;

void check_name(const ModuleState& state, const char* what, const std::string& name) {
    check<ValueError>(!name.empty() && name.find('.') == std::string::npos,
                      "module: \"{}\" cannot name a {}: a name is not empty and has no dot", name, what);
    const auto taken = [&](const auto& entries) {
        return std::any_of(entries.begin(), entries.end(),
                           [&](const auto& entry) { return entry.first == name; });
    };
    const bool child = std::any_of(state.children.begin(), state.children.end(),
                                   [&](const ModuleState::Child& entry) { return entry.name == name; });
    check<ValueError>(!child && !taken(state.parameters) && !taken(state.buffers),
                      "module: the name {} is taken, it cannot name another {}", name, what);
}

enum Part { parameters_only = 1, buffers_only = 2, everything = 3 };

NamedTensors collect(const ModuleState& root, Part part) {
    NamedTensors result;
    std::unordered_set<const TensorImpl*> seen;
    visit_modules(root, [&](const std::string& prefix, const ModuleState& state) {
        const auto add = [&](const NamedTensors& entries) {
            for (const auto& [name, tensor] : entries)
                if (seen.insert(&tensor.impl()).second) result.emplace_back(prefix + name, tensor);
        };
        if (part & parameters_only) add(state.parameters);
        if (part & buffers_only) add(state.buffers);
    });
    return result;
}

/// Puts the array of `from` in the place of `into`'s, so that every handle of `into` sees it.
void reseat(TensorImpl& into, const TensorImpl& from) noexcept {
    // A value saved for backward compares versions; the new memory must not pass for the old.
    while (from.storage->version() <= into.storage->version()) from.storage->bump();
    into.share(from);
    into.is_view = from.is_view;
}

/// Replaces every tensor of a module, and the gradients, by what `convert` makes of it; all or none.
void convert_all(const ModuleState& root, const std::function<Tensor(const Tensor&)>& convert) {
    const NoGrad guard;
    std::vector<std::pair<TensorImpl*, Tensor>> replaced;
    const auto prepare = [&](const Tensor& tensor) {
        const Tensor before = tensor.detach(), after = convert(before);
        if (!after.is_same(before)) replaced.emplace_back(&tensor.impl(), after);
    };
    for (const auto& [name, tensor] : collect(root, everything)) {
        prepare(tensor);
        if (tensor.grad().defined()) prepare(tensor.grad());
    }
    for (const auto& [impl, tensor] : replaced) reseat(*impl, tensor.impl());
}

bool contains(const ModuleState& tree, const ModuleState& wanted) {
    bool found = false;
    visit_modules(tree,
                  [&](const std::string&, const ModuleState& state) { found = found || &state == &wanted; });
    return found;
}

void set_training(ModuleState& state, bool training) {
    state.training = training;
    for (const ModuleState::Child& child : state.children) set_training(*child.state, training);
}

}  // namespace

Module::Module() : state_(std::make_shared<ModuleState>()) {}
Module::Module(std::string kind, std::string options, std::string sizes) : Module() {
    state_->kind = std::move(kind);
    state_->options = std::move(options);
    state_->sizes = std::move(sizes);
}
Module::Module(const Module& other) : state_(copied(other.state_)) {}
// A module that was moved from stays usable; the pointer is cheap to share.
Module::Module(Module&& other) noexcept
    : state_(other.state_) {}  // NOLINT(performance-move-constructor-init)
Module& Module::operator=(const Module& other) {
    if (this != &other) state_ = copied(other.state_);
    return *this;
}
Module& Module::operator=(Module&& other) noexcept {
    state_ = other.state_;
    return *this;
}
Module::~Module() = default;

NamedTensors Module::named_parameters() const { return collect(*state_, parameters_only); }
NamedTensors Module::named_buffers() const { return collect(*state_, buffers_only); }
NamedTensors Module::state() const { return collect(*state_, everything); }

std::vector<Tensor> Module::parameters() const {
    std::vector<Tensor> result;
    for (auto& [name, tensor] : named_parameters()) result.push_back(tensor);
    return result;
}

std::int64_t Module::parameter_count() const {
    std::int64_t count = 0;
    for (const auto& [name, tensor] : named_parameters()) count += tensor.numel();
    return count;
}

void Module::train(bool training) const { set_training(*state_, training); }
bool Module::is_training() const noexcept { return state_->training && !evaluating; }

EvaluationMode::EvaluationMode(bool enabled) noexcept : before_(std::exchange(evaluating, enabled)) {}
EvaluationMode::~EvaluationMode() { evaluating = before_; }

void Module::to(Device device) const {
    convert_all(*state_, [&](const Tensor& x) { return x.to(device); });
}

void Module::to(DType dtype) const {
    check<DTypeError>(is_floating(dtype), "to: a module's parameters are floating-point, not {}",
                      name(dtype));
    convert_all(*state_, [&](const Tensor& x) { return is_floating(x.dtype()) ? x.to(dtype) : x; });
}

void Module::apply(const std::function<void(const Module&)>& f) const {
    for (const auto& [name, module] : children()) module.apply(f);
    f(*this);
}

void Module::zero_grad() const {
    for (const auto& [name, tensor] : named_parameters()) tensor.set_grad({});
}

Parameter Module::parameter(const std::string& name, const Tensor& tensor) const {
    check_name(*state_, "parameter", name);
    if (!tensor.defined()) return {};
    tensor.set_requires_grad();
    state_->parameters.emplace_back(name, tensor);
    return Parameter(tensor);
}

Buffer Module::buffer(const std::string& name, const Tensor& tensor) const {
    check_name(*state_, "buffer", name);
    if (!tensor.defined()) return {};
    state_->buffers.emplace_back(name, tensor);
    return Buffer(tensor);
}

void Module::child(const std::string& name, const char* kind) const {
    check_name(*state_, "child", name);
    state_->children.push_back({name, std::make_shared<ModuleState>()});
    state_->children.back().state->kind = kind;
}

void Module::adopt(const std::string& name, const Module& module, const std::type_info& type) const {
    check_name(*state_, "child", name);
    check<ValueError>(!contains(*module.state_, *state_),
                      "module: {} cannot be a child: it contains its parent", name);
    state_->children.push_back({name, module.state_});
    module.state_->name = name;
    module.state_->parent = state_;
    if (module.state_->kind.empty()) module.state_->kind = class_name(type);
}

std::string Module::path() const { return path_of(*state_); }
const std::string& Module::kind() const noexcept { return state_->kind; }

std::vector<std::pair<std::string, Module>> Module::children() const {
    std::vector<std::pair<std::string, Module>> result;
    for (const ModuleState::Child& child : state_->children)
        result.emplace_back(child.name, Module(child.state));
    return result;
}

void Module::place(const Module& layer, Error& error) {
    if (const std::string where = place_of(*layer.state_); !where.empty()) error.place(where);
}

std::string path_of(const ModuleState& state) {
    std::string path = state.name;
    for (std::shared_ptr<const ModuleState> at = state.parent.lock(); at && !at->name.empty();
         at = at->parent.lock())
        path = at->name + "." + path;
    return path;
}

std::string place_of(const ModuleState& state) {
    if (state.parent.expired()) return "";
    return fmt::format("{} ({}{}{})", path_of(state), state.kind, state.sizes.empty() ? "" : " ",
                       state.sizes);
}

void warn_of_prediction_in_training_mode(const char* layer) {
    warn_once(
        "prediction in training mode",
        fmt::format("{}: in training mode while gradients are off; to predict, call eval() on the model "
                    "first",
                    layer));
}

std::string Module::print(const std::type_info& type) const try {
    return print_tree(*state_, state_->kind.empty() ? class_name(type) : state_->kind);
} catch (const std::bad_alloc&) {
    throw_no_memory("to_string");
}

}  // namespace adjoint::nn
