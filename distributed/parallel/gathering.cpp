// All ranks gather the same parameters at the same places, since they run the same layers.
#include <adjoint/distributed/parallel/gathering.h>

#include <string>
#include <utility>

#include <adjoint/autograd/record/grad_mode.h>
#include <adjoint/core/base/error.h>
#include <adjoint/core/tensor/creation.h>
#include <adjoint/distributed/group/purpose.h>
#include <adjoint/distributed/parallel/absent.h>

namespace adjoint::distributed {
namespace {

// The memory of `from` in the place of that of `into`, for every handle of it.
void put(const Tensor& into, const Tensor& from) {
    into.impl().share(from.impl());
    into.impl().is_view = from.impl().is_view;
}

}  // namespace

Gathering::Gathering(const nn::Module& model, Group group, Sharding& sharding)
    : sharding_(sharding),
      parameters_(sharding.parameters()),
      group_(std::move(group)),
      may_go_(parameters_.size()),
      users_(parameters_.size()) {
    if (sharding_.what() != Shard::parameters) return;
    add(model);
    for (std::size_t l = 0; l < layers_.size(); ++l) {
        const nn::Module& module = layers_[l].module;
        hooks_.push_back(module.register_forward_pre_hook([this, l](const nn::Module&, const Tensor&) {
            for (const std::size_t i : layers_[l].parameters) ++users_[i];
            gather(layers_[l].parameters);
        }));
        hooks_.push_back(
            module.register_forward_hook([this, l](const nn::Module&, const Tensor&, const Tensor&) {
                for (const std::size_t i : layers_[l].parameters)
                    if (--users_[i] == 0) release(i);
                return Tensor();
            }));
        hooks_.push_back(module.register_backward_hook([this, l](const nn::Module&, const Tensor&) {
            layers_[l].reached = true;
            gather(layers_[l].parameters);
            return Tensor();
        }));
    }
}

Gathering::~Gathering() {
    for (nn::HookHandle& hook : hooks_) hook.remove();
}

void Gathering::add(const nn::Module& module) {
    Layer layer{module};
    for (const auto& [name, parameter] : module.named_parameters())
        if (name.find('.') == std::string::npos)
            layer.parameters.push_back(sharding_.number_of(parameter).value());
    if (!layer.parameters.empty()) layers_.push_back(std::move(layer));
    for (const auto& [name, child] : module.children()) add(child);
}

void Gathering::leaf_done(const Tensor& leaf) {
    const std::optional<std::size_t> parameter = sharding_.number_of(leaf);
    if (!parameter) return;
    if (!learning_) return release(*parameter);
    for (Layer& layer : layers_)
        for (const std::size_t i : layer.parameters)
            if (i == *parameter && !layer.reached) layer.late = true;
}

void Gathering::pass_done() {
    if (sharding_.what() != Shard::parameters) return;
    if (std::exchange(learning_, false)) learn();
    users_.assign(parameters_.size(), 0);
    for (std::size_t i = 0; i < parameters_.size(); ++i) release(i);
}

// What a layer has goes from rank to rank if that has worked on all ranks for all layers that have it.
void Gathering::learn() {
    std::vector<std::int64_t> may_go;  // one number is no burden
    for (const Tensor& parameter : parameters_) may_go.push_back(parameter.numel() > 1 ? 1 : 0);
    for (const Layer& layer : layers_)
        for (const std::size_t i : layer.parameters)
            if (!layer.reached || layer.late) may_go[i] = 0;
    const Tensor agreed = tensor(may_go, {std::ssize(may_go)}, Device::cpu());
    const Purpose purpose("which parameters go from rank to rank");
    group_.all_reduce(agreed, ReduceOp::min);
    const std::vector<std::int64_t> goes = agreed.to_vector<std::int64_t>();
    for (std::size_t i = 0; i < goes.size(); ++i) may_go_[i] = goes[i] != 0;
}

void Gathering::gather(const std::vector<std::size_t>& parameters) {
    const NoGrad guard;
    const Purpose purpose("parameters of a layer");
    std::vector<std::pair<std::size_t, Tensor>> coming;
    std::vector<Work> works;
    for (const std::size_t i : parameters) {
        if (sharding_.is_here(i)) continue;
        sharding_.set_here(i, true);
        const Tensor whole = sharding_.is_own(i) ? parameters_[i].detach() : sharding_.empty_like(i);
        works.push_back(group_.broadcast_async(whole, sharding_.owner(i)));
        if (!sharding_.is_own(i)) coming.emplace_back(i, whole);
    }
    for (const Work& work : works) work.wait();
    for (const auto& [i, whole] : coming) put(parameters_[i], whole);
}

void Gathering::release(std::size_t i) {
    if (!may_go_[i] || !sharding_.is_here(i) || keepers_ > 0) return;
    sharding_.set_here(i, false);
    if (!sharding_.is_own(i)) make_absent(parameters_[i]);
}

void Gathering::gather_all() {
    std::vector<std::size_t> all;
    for (std::size_t i = 0; i < parameters_.size(); ++i) all.push_back(i);
    gather(all);
    ++keepers_;
}

void Gathering::release() {
    check<ValueError>(keepers_ > 0, "data parallel: release_parameters without gather_parameters");
    --keepers_;
    for (std::size_t i = 0; i < parameters_.size(); ++i) release(i);
}

}  // namespace adjoint::distributed
