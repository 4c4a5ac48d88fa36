// The hooks of a module, and the calls that they and a CallTrace see.
#include <adjoint/nn/hooks.h>

#include <algorithm>
#include <utility>

#include <adjoint/autograd/ops/shape.h>
#include <adjoint/autograd/record/grad_mode.h>
#include <adjoint/core/base/format.h>
#include <adjoint/core/contract/span.h>
#include <adjoint/nn/call_trace.h>
#include <adjoint/nn/module_state.h>

namespace adjoint::nn {
namespace {

template <class H> HookHandle registered(const std::shared_ptr<ModuleState>& state, H hook) {
    check<ValueError>(static_cast<bool>(hook), "module: an empty function cannot be a hook");
    if (!state->hooks) state->hooks = std::make_shared<const std::vector<ModuleState::Hook>>();
    // Who is calling the hooks has the list before.
    auto hooks = std::make_shared<std::vector<ModuleState::Hook>>(*state->hooks);
    hooks->push_back({++state->last_hook, std::move(hook)});
    state->hooks = std::move(hooks);
    return {state, state->last_hook};
}

// visit(hook) for all of one kind.
template <class H, class Visit>
void for_all_of(const std::shared_ptr<const std::vector<ModuleState::Hook>>& hooks, const Visit& visit) {
    for (const ModuleState::Hook& hook : *hooks)
        if (const H* const function = std::get_if<H>(&hook.function)) visit(*function);
}

}  // namespace

void HookHandle::remove() {
    const std::shared_ptr<ModuleState> state = std::exchange(of_, {}).lock();
    if (!state || !state->hooks) return;
    auto hooks = std::make_shared<std::vector<ModuleState::Hook>>(*state->hooks);
    std::erase_if(*hooks, [&](const ModuleState::Hook& hook) { return hook.id == id_; });
    if (hooks->empty())
        state->hooks = nullptr;
    else
        state->hooks = std::move(hooks);
}

HookHandle Module::register_forward_pre_hook(ForwardPreHook hook) const {
    return registered(state_, std::move(hook));
}
HookHandle Module::register_forward_hook(ForwardHook hook) const {
    return registered(state_, std::move(hook));
}
HookHandle Module::register_backward_hook(BackwardHook hook) const {
    return registered(state_, std::move(hook));
}
bool Module::has_hooks() const noexcept { return state_->hooks != nullptr; }

bool Module::is_watched() const noexcept {
    return has_hooks() || CallTrace::current() != nullptr || adjoint::detail::spans_wanted();
}

adjoint::detail::Span Module::span() const {
    using namespace adjoint::detail;
    if (!spans_wanted()) return {SpanKind::layer, ""};
    const std::string place = path();
    return {SpanKind::layer, lasting(place.empty() ? kind() : place + " (" + kind() + ")")};
}

std::size_t Module::begin_call(const Tensor& x) const {
    if (const auto hooks = state_->hooks)
        for_all_of<ForwardPreHook>(hooks, [&](const ForwardPreHook& hook) { hook(*this, x); });
    CallTrace* const trace = CallTrace::current();
    return trace ? trace->begin(path(), kind(), *this, x) : 0;
}

void Module::end_call(std::size_t call, const Tensor& x, Tensor& output) const {
    if (const auto hooks = state_->hooks) {
        for_all_of<ForwardHook>(hooks, [&](const ForwardHook& hook) {
            if (Tensor other = hook(*this, x, output); other.defined()) output = std::move(other);
        });
        for_all_of<BackwardHook>(hooks, [&](const BackwardHook& hook) {
            if (!grad_enabled() || !output.requires_grad()) return;
            // A result that is the input itself has the gradient of all who use that.
            if (output.is_same(x)) output = squeeze(unsqueeze(x, 0), 0);
            output.register_hook([hook, layer = *this](const Tensor& g) { return hook(layer, g); });
        });
    }
    if (CallTrace* const trace = CallTrace::current()) trace->end(call, output);
}

}  // namespace adjoint::nn
