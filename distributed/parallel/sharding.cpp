// A rank's optimizer sees the gradients of its own parameters alone, and so has states for no others.
#include <adjoint/distributed/parallel/sharding.h>

#include <algorithm>
#include <charconv>
#include <numeric>
#include <string>
#include <string_view>
#include <utility>

#include <adjoint/autograd/ops/arithmetic.h>
#include <adjoint/autograd/ops/elementwise.h>
#include <adjoint/autograd/ops/rearrange.h>
#include <adjoint/autograd/ops/reduce.h>
#include <adjoint/autograd/ops/shape.h>
#include <adjoint/autograd/record/grad_mode.h>
#include <adjoint/core/base/format.h>
#include <adjoint/core/tensor/creation.h>
#include <adjoint/data/file.h>
#include <adjoint/distributed/group/purpose.h>
#include <adjoint/distributed/parallel/absent.h>
#include <adjoint/distributed/parallel/texts.h>
#include <adjoint/optim/clip.h>

namespace adjoint::distributed {
namespace {

std::int64_t bytes_of(const Tensor& x) { return x.numel() * static_cast<std::int64_t>(size_of(x.dtype())); }

// "3.momentum" is of the parameter 3, "groups.0.lr" of none: -1.
std::int64_t number_in(std::string_view name) {
    std::int64_t number = -1;
    std::from_chars(name.data(), name.data() + name.size(), number);
    return number;
}

// Parameters that travel together.
struct Parcel {
    int owner;
    std::vector<Tensor> tensors;
    std::int64_t numel = 0;
    Tensor flat = {};
};
constexpr std::int64_t parcel_bytes = 1 << 20;

// True while it lives.
struct Stepping {
    bool& flag;
    explicit Stepping(bool& f) : flag(f) { flag = true; }
    ~Stepping() { flag = false; }
    Stepping(const Stepping&) = delete;
    Stepping& operator=(const Stepping&) = delete;
};

void pack(std::vector<Parcel>& parcels, const Tensor& x, int owner) {
    const auto takes = [&](const Parcel& parcel) {
        const Tensor& first = parcel.tensors[0];
        return parcel.owner == owner && first.dtype() == x.dtype() && first.device() == x.device() &&
               parcel.numel * static_cast<std::int64_t>(size_of(x.dtype())) < parcel_bytes;
    };
    auto found = std::find_if(parcels.begin(), parcels.end(), takes);
    if (found == parcels.end()) found = parcels.insert(parcels.end(), Parcel{.owner = owner, .tensors = {}});
    found->tensors.push_back(x);
    found->numel += x.numel();
}

std::vector<Tensor> flattened(const std::vector<Tensor>& tensors) {
    std::vector<Tensor> result;
    for (const Tensor& tensor : tensors) result.push_back(reshape(tensor, {-1}));
    return result;
}

}  // namespace

std::vector<int> owners_of(const std::vector<Tensor>& parameters, int ranks) {
    std::vector<std::size_t> order(parameters.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
        return bytes_of(parameters[a]) > bytes_of(parameters[b]);
    });
    std::vector<std::int64_t> held(static_cast<std::size_t>(ranks));
    std::vector<int> owners(parameters.size());
    for (const std::size_t i : order) {
        const auto least = std::min_element(held.begin(), held.end());
        owners[i] = static_cast<int>(least - held.begin());
        *least += bytes_of(parameters[i]);
    }
    return owners;
}

Sharding::Sharding(std::vector<Tensor> parameters, Group group, Shard what)
    : parameters_(std::move(parameters)),
      group_(std::move(group)),
      what_(group_.size() == 1 ? Shard::none : what),
      owners_(owners_of(parameters_, group_.size())),
      is_here_(parameters_.size(), true),
      devices_(parameters_.size()) {
    for (std::size_t i = 0; i < parameters_.size(); ++i) numbers_[&parameters_[i].impl()] = i;
    if (what_ >= Shard::gradients) partition_.emplace(parameters_);
}

std::optional<std::size_t> Sharding::number_of(const Tensor& tensor) const {
    const auto found = numbers_.find(&tensor.impl());
    return found == numbers_.end() ? std::nullopt : std::optional(found->second);
}

void Sharding::set_here(std::size_t parameter, bool here) {
    if (!here) devices_[parameter] = device(parameter);
    is_here_[parameter] = here;
}
Device Sharding::device(std::size_t parameter) const {
    const Tensor& one = parameters_[parameter];
    return is_absent(one) ? devices_[parameter] : one.device();
}
Tensor Sharding::empty_like(std::size_t parameter) const {
    const Tensor& one = parameters_[parameter];
    return empty(one.shape(), {.dtype = one.dtype(), .device = device(parameter)});
}

void Sharding::note_rates(const optim::Optimizer& optimizer) const {
    std::vector<double> rates;
    for (std::size_t g = 0; g < optimizer.group_count(); ++g) {
        rates.push_back(optimizer.lr(g));
        rates.push_back(optimizer.momentum(g).value_or(0));
    }
    if (rates.empty()) return;
    rate_ = rates[0];
    noted_ = data::crc32(std::as_bytes(std::span(rates)), noted_);
}
std::string Sharding::rates() const {
    return rate_ ? fmt::format(", steps with lr {:.6g} ({:08x})", *rate_, noted_) : "";
}

void Sharding::step(const std::function<void()>& step) const {
    if (what_ == Shard::none) return step();
    const NoGrad guard;
    // The gradients of others go, so that the optimizer has no states for them.
    std::optional<optim::Partition> now;
    if (!partition_) now.emplace(parameters_);
    for (std::size_t i = 0; i < parameters_.size(); ++i)
        if (!is_own(i)) parameters_[i].set_grad({});
    {
        const Stepping under_way(stepping_);
        const optim::PartialUse use(optim::WholeUse::step);
        step();
    }
    const Purpose purpose(fmt::format("parameters after a step{}", rates()));
    std::vector<Parcel> parcels;
    for (std::size_t i = 0; i < parameters_.size(); ++i)
        if (parameters_[i].requires_grad() && is_here_[i]) pack(parcels, parameters_[i].detach(), owners_[i]);
    std::vector<Work> works;
    for (Parcel& parcel : parcels) {
        const bool is_own = parcel.owner == group_.rank();
        const Tensor& first = parcel.tensors[0];
        parcel.flat = parcel.tensors.size() == 1 ? first
                      : is_own                   ? cat(flattened(parcel.tensors), 0)
                               : empty({parcel.numel}, {.dtype = first.dtype(), .device = first.device()});
        works.push_back(group_.broadcast_async(parcel.flat, parcel.owner));
    }
    for (std::size_t p = 0; p < parcels.size(); ++p) {
        works[p].wait();
        const Parcel& parcel = parcels[p];
        if (parcel.tensors.size() == 1 || parcel.owner == group_.rank()) continue;
        std::int64_t at = 0;
        for (const Tensor& tensor : parcel.tensors) {
            tensor.copy_(reshape(narrow(parcel.flat, 0, at, tensor.numel()), tensor.shape()));
            at += tensor.numel();
        }
    }
}

// Where gradients lie on all ranks, all find the same.
void Sharding::unscale(optim::GradScaler& scaler, const optim::Optimizer& optimizer) const {
    {
        const optim::PartialUse use(optim::WholeUse::unscale);
        scaler.unscale(optimizer);
    }
    if (what_ < Shard::gradients) return;
    const Purpose purpose("whether a gradient has overflowed");
    const Tensor finite = tensor(std::vector<std::int64_t>{scaler.is_finite(optimizer)}, {1}, Device::cpu());
    group_.all_reduce(finite, ReduceOp::min);
    if (finite.item<std::int64_t>() == 0) scaler.set_overflowed(optimizer);
}

// Where gradients lie on all ranks, all find the same norm; else each adds its own to it.
Tensor Sharding::clip(std::span<const Tensor> parameters, double max_norm) const {
    if (what_ < Shard::gradients) return optim::clip_grad_norm_(parameters, max_norm);
    check<ValueError>(max_norm >= 0, "clip_grad_norm_: the largest norm is {}", max_norm);
    const NoGrad guard;
    const Purpose purpose("clip_grad_norm_");
    std::vector<Tensor> gradients;
    for (const Tensor& parameter : parameters)
        if (parameter.grad().defined()) gradients.push_back(parameter.grad());
    Tensor squares = zeros({1}, {.dtype = f64, .device = Device::cpu()});
    for (const Tensor& gradient : gradients) squares += sum(square(gradient.to(f64))).to(Device::cpu());
    group_.all_reduce(squares);
    const Tensor norm = sqrt(squares);
    const double factor = max_norm / (norm.item<double>() + 1e-6);
    if (!(factor >= 1))  // nor of a NaN
        for (const Tensor& gradient : gradients) gradient.copy_(gradient * factor);
    return reshape(norm, {}).to(parameters.empty() ? f32 : parameters[0].dtype());
}

optim::NamedTensors Sharding::state_of(const optim::Optimizer& optimizer) const {
    const optim::NamedTensors own = optimizer.state();
    if (what_ == Shard::none) return own;
    const NoGrad guard;
    const Purpose purpose("the optimizer's state");
    const std::vector<Tensor> parameters = optimizer.parameters();
    optim::NamedTensors all, states;
    for (const auto& entry : own) (number_in(entry.first) < 0 ? all : states).push_back(entry);
    for (const auto& entry : on_first_rank(group_, states, [&](const std::string& name) {
             if (name.ends_with(".step")) return Tensor(std::int64_t{0});
             const Tensor& parameter = parameters.at(static_cast<std::size_t>(number_in(name)));
             const std::optional<std::size_t> known = number_of(parameter);
             return known ? empty_like(*known) : adjoint::empty_like(parameter.detach());
         }))
        all.push_back(entry);
    std::stable_sort(all.begin(), all.end(),
                     [](const auto& a, const auto& b) { return number_in(a.first) < number_in(b.first); });
    return all;
}

optim::NamedTensors Sharding::own_part(const optim::Optimizer& optimizer,
                                       const optim::NamedTensors& state) const {
    if (what_ == Shard::none) return state;
    const std::vector<Tensor> parameters = optimizer.parameters();
    optim::NamedTensors own;
    // What is of no parameter of the model is everybody's.
    const auto is_elsewhere = [&](std::int64_t number) {
        if (number < 0 || number >= std::ssize(parameters)) return false;
        const auto parameter = number_of(parameters[static_cast<std::size_t>(number)]);
        return parameter && !is_own(*parameter);
    };
    for (const auto& entry : state)
        if (!is_elsewhere(number_in(entry.first))) own.push_back(entry);
    return own;
}

}  // namespace adjoint::distributed
