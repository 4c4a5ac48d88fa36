// The step of any optimizer: which parameters move, and in how few calls of the backend.
#include <adjoint/optim/optimizer.h>

#include <algorithm>
#include <cmath>
#include <new>
#include <unordered_set>

#include <adjoint/autograd/record/grad_mode.h>
#include <adjoint/core/base/build.h>
#include <adjoint/core/base/format.h>
#include <adjoint/core/base/warning.h>
#include <adjoint/core/contract/backend.h>
#include <adjoint/core/contract/span.h>
#include <adjoint/core/memory/recorder.h>
#include <adjoint/core/tensor/creation.h>
#include <adjoint/optim/partition.h>
#include <adjoint/optim/state_reader.h>

namespace adjoint::optim {
namespace {

void check_lr(const char* op, double lr) {
    check<ValueError>(std::isfinite(lr) && lr >= 0,
                      "{}: learning rate {}, expected a finite number, 0 or more", op, lr);
}

void check_gradient(const char* op, const Tensor& parameter, const Tensor& gradient) {
    check<ShapeError>(gradient.shape() == parameter.shape(),
                      "{}: a gradient of shape {} for a parameter of shape {}", op, gradient.shape(),
                      parameter.shape());
    check<DTypeError>(gradient.dtype() == parameter.dtype(), "{}: a gradient of {} for a parameter of {}", op,
                      name(gradient.dtype()), name(parameter.dtype()));
    check<DeviceError>(gradient.device() == parameter.device(), "{}: a gradient on {} for a parameter on {}",
                       op, gradient.device(), parameter.device());
}

void check_parameter(const char* op, const Tensor& parameter) {
    check<ValueError>(parameter.defined(), "{}: a parameter is undefined", op);
    check<AutogradError>(parameter.is_leaf(), "{}: a parameter is the result of {}; give the leaf itself", op,
                         parameter.producer_name());
    check<DTypeError>(parameter.dtype() == f32 || parameter.dtype() == f64,
                      "{}: parameters are f32 or f64, not {}", op, name(parameter.dtype()));
    check<ValueError>(parameter.is_contiguous(),
                      "{}: a parameter of shape {} is not dense; use contiguous() first", op,
                      parameter.shape());
}

}  // namespace

void Optimizer::add_group(const std::vector<Tensor>& parameters, double lr,
                          std::vector<const char*> state_names) {
    check<ValueError>(
        !parameters.empty(),
        "{}: a group without parameters; a model has those that are registered with child() and "
        "parameter()",
        name_);
    check<ValueError>(state_names.size() <= std::size(UpdateSlice{}.states), "{}: {} states per parameter",
                      name_, state_names.size());
    check_lr(name_, lr);
    Group group{lr, std::move(state_names), {}};
    std::unordered_set<const TensorImpl*> held;
    for (const Group& other : groups_)
        for (const Slot& slot : other.slots) held.insert(&slot.parameter.impl());
    for (const Tensor& parameter : parameters) {
        check_parameter(name_, parameter);
        check<ValueError>(held.insert(&parameter.impl()).second, "{}: a parameter of shape {} is given twice",
                          name_, parameter.shape());
        group.slots.push_back({parameter, {}, 0});
    }
    groups_.push_back(std::move(group));
    pending_.resize(groups_.size());
}

void Optimizer::prepare(const Group& group, Slot& slot) const {
    const Tensor& parameter = slot.parameter;
    check_parameter(name_, parameter);
    const Unrecorded once;  // or each replay would begin with zeros again
    if (slot.states.size() != group.state_names.size())
        for (std::size_t i = slot.states.size(); i < group.state_names.size(); ++i)
            slot.states.push_back(zeros_like(parameter));
    // The parameter's module may have been moved or converted since.
    for (Tensor& state : slot.states)
        if (state.dtype() != parameter.dtype() || state.device() != parameter.device())
            state = state.to(parameter.dtype()).to(parameter.device());
}

void Optimizer::collect(Group& group, std::vector<Pending>& pending) {
    pending.clear();
    for (Slot& slot : group.slots) {
        const Tensor gradient = slot.parameter.grad();
        if (!gradient.defined()) continue;
        check_gradient(name_, slot.parameter, gradient);
        prepare(group, slot);
        pending.push_back({&slot, gradient.is_contiguous() ? gradient : gradient.contiguous()});
    }
}

void Optimizer::run(std::size_t g) {
    auto first = pending_[g].begin();
    const auto end = pending_[g].end();
    for (const Pending& pending : pending_[g]) ++pending.slot->step;
    while (first != end) {
        const std::int64_t step = first->slot->step, key = update_key(g, step);
        const Device device = first->slot->parameter.device();
        const auto next = std::partition(first, end, [&](const Pending& pending) {
            return update_key(g, pending.slot->step) == key && pending.slot->parameter.device() == device;
        });
        slices_.clear();
        for (auto pending = first; pending != next; ++pending)
            pending->gradient = direction(g, std::move(pending->gradient), pending->slot->states);
        if (Recorder* capture = recorder()) [[unlikely]] {
            std::vector<std::size_t> moved;
            for (auto pending = first; pending != next; ++pending)
                moved.push_back(static_cast<std::size_t>(pending->slot - groups_[g].slots.data()));
            capture->update_from([this, g, moved] { return age(g, moved); });
        }
        for (; first != next; ++first) {
            TensorImpl& parameter = first->slot->parameter.impl();
            UpdateSlice& slice = slices_.emplace_back();
            slice.parameter = parameter.data;
            slice.gradient = first->gradient.impl().data;
            slice.numel = parameter.numel;
            slice.dtype = parameter.dtype;
            for (std::size_t i = 0; i < first->slot->states.size(); ++i) {
                TensorImpl& state = first->slot->states[i].impl();
                slice.states[i] = state.data;
                state.storage->bump();
            }
            parameter.storage->bump();
        }
        backend(device).run(call::Update{update(g, groups_[g].lr, step), slices_});
    }
    pending_[g].clear();  // gives the gradients back
}

// A replayed step: the parameters are one step older, the learning rate is today's.
UpdateOp Optimizer::age(std::size_t g, const std::vector<std::size_t>& slots) {
    for (const std::size_t i : slots) ++groups_[g].slots[i].step;
    return update(g, groups_[g].lr, groups_[g].slots[slots.front()].step);
}

// Who forgets zero_grad() adds one gradient to the last one's memory before each step. A loop that adds
// several on purpose, or fills the gradient with 0 itself, counts otherwise.
void Optimizer::watch_gradient() {
    const TensorImpl* const gradient =
        groups_.empty() ? nullptr : groups_[0].slots[0].parameter.impl().grad.get();
    if (!gradient) {
        watched_ = {};
        return;
    }
    const std::uint32_t version = gradient->storage->version();
    const bool added = gradient == watched_.gradient && version == watched_.version + 1;
    watched_ = {gradient, version, added ? watched_.additions + 1 : 0};
    if (watched_.additions == 3) [[unlikely]]
        warn_once(
            "no zero_grad",
            fmt::format("{}: in three steps running the gradient was added to that of the step before; call "
                        "zero_grad() before backward()",
                        name_));
}

void Optimizer::step() try {
    if (!is_optimised()) [[unlikely]]
        warn_once("unoptimised build",
                  "this build of the library is not optimised and many times slower than it could be; "
                  "configure with -DCMAKE_BUILD_TYPE=Release");
    const adjoint::detail::Span span(adjoint::detail::SpanKind::part, "(optimizer)");
    if (any_partition()) [[unlikely]]
        check_whole(WholeUse::step, name_, parameters());
    watch_gradient();
    const NoGrad guard;
    for (std::size_t g = 0; g < groups_.size(); ++g) collect(groups_[g], pending_[g]);
    for (std::size_t g = 0; g < groups_.size(); ++g) run(g);
} catch (const std::bad_alloc&) {
    throw_no_memory(name_);
}

void Optimizer::zero_grad() const {
    watched_ = {};
    for (const Group& group : groups_)
        for (const Slot& slot : group.slots) slot.parameter.set_grad({});
}

std::vector<Tensor> Optimizer::parameters() const {
    std::vector<Tensor> result;
    for (const Group& group : groups_)
        for (const Slot& slot : group.slots) result.push_back(slot.parameter);
    return result;
}

double Optimizer::lr(std::size_t group) const {
    check<IndexError>(group < groups_.size(), "{}: group {} of {}", name_, group, groups_.size());
    return groups_[group].lr;
}

void Optimizer::set_lr(double lr) {
    for (std::size_t g = 0; g < groups_.size(); ++g) set_lr(lr, g);
}

void Optimizer::set_lr(double lr, std::size_t group) {
    check<IndexError>(group < groups_.size(), "{}: group {} of {}", name_, group, groups_.size());
    check_lr(name_, lr);
    groups_[group].lr = lr;
}

std::optional<double> Optimizer::momentum(std::size_t group) const {
    check<IndexError>(group < groups_.size(), "{}: group {} of {}", name_, group, groups_.size());
    const double* const at = const_cast<Optimizer*>(this)->momentum_of(group);
    return at ? std::optional(*at) : std::nullopt;
}

void Optimizer::set_momentum(double momentum, std::size_t group) {
    check<IndexError>(group < groups_.size(), "{}: group {} of {}", name_, group, groups_.size());
    check<ValueError>(momentum > 0 && momentum < 1, "{}: momentum {}, expected in (0, 1)", name_, momentum);
    double* const at = momentum_of(group);
    check<ValueError>(at != nullptr, "{}: group {} has no momentum that can be changed", name_, group);
    *at = momentum;
}

double Optimizer::trial(std::size_t g) const {
    check<IndexError>(g < groups_.size(), "{}: group {} of {}", name_, g, groups_.size());
    const NoGrad guard;
    const auto number = [](double value) { return full({1, 1}, value, f64, Device::cpu()); };
    const Tensor parameter = number(1);
    std::vector<Tensor> states;
    for (std::size_t i = 0; i < groups_[g].state_names.size(); ++i) states.push_back(number(0));
    std::int64_t step = 0;
    for (const double value : {1.0, 0.5, 0.0, -0.05, -1.0, 0.25, 0.75, -0.2}) {
        const Tensor gradient = direction(g, number(value), states);
        UpdateSlice slice{
            .parameter = parameter.impl().data, .gradient = gradient.impl().data, .numel = 1, .dtype = f64};
        for (std::size_t i = 0; i < states.size(); ++i) slice.states[i] = states[i].impl().data;
        backend(Device::cpu()).run(call::Update{update(g, groups_[g].lr, ++step), {&slice, 1}});
    }
    return parameter.item<double>() - 1;
}

NamedTensors Optimizer::state() const {
    NamedTensors result;
    for (std::size_t g = 0; g < groups_.size(); ++g)
        result.emplace_back(fmt::format("groups.{}.lr", g), Tensor(groups_[g].lr));
    std::size_t number = 0;
    for (const Group& group : groups_)
        for (const Slot& slot : group.slots) {
            if (slot.step > 0) {
                result.emplace_back(fmt::format("{}.step", number), Tensor(slot.step));
                for (std::size_t i = 0; i < slot.states.size(); ++i)
                    result.emplace_back(fmt::format("{}.{}", number, group.state_names[i]), slot.states[i]);
            }
            ++number;
        }
    return result;
}

void Optimizer::load_state(const NamedTensors& state) try {
    const NoGrad guard;
    detail::StateReader reader(name_, state);
    std::vector<Group> loaded = groups_;
    std::size_t number = 0;
    for (std::size_t g = 0; g < loaded.size(); ++g) {
        loaded[g].lr = reader.number(fmt::format("groups.{}.lr", g));
        check_lr(name_, loaded[g].lr);
        for (Slot& slot : loaded[g].slots) {
            const std::string step = fmt::format("{}.step", number), prefix = fmt::format("{}.", number);
            ++number;
            slot.states.clear();
            slot.step = 0;
            if (!reader.has(step)) continue;
            slot.step = reader.count(step);
            check<ValueError>(slot.step > 0, "{}: load_state: {} is {}", name_, step, slot.step);
            for (const char* state_name : loaded[g].state_names) {
                const Tensor value =
                    reader.take(prefix + state_name, slot.parameter.shape(), slot.parameter.dtype());
                slot.states.push_back(value.detach().to(slot.parameter.device()).clone());
            }
        }
    }
    reader.finish();
    groups_ = std::move(loaded);
} catch (const std::bad_alloc&) {
    throw_no_memory(name_);
}

}  // namespace adjoint::optim
