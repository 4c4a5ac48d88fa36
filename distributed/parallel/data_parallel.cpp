// The models are compared and made one; a pass tells the buckets which gradients are complete.
#include <adjoint/distributed/parallel/data_parallel.h>

#include <set>
#include <string>
#include <utility>
#include <vector>

#include <adjoint/autograd/backward/engine.h>
#include <adjoint/autograd/record/grad_mode.h>
#include <adjoint/core/base/format.h>
#include <adjoint/core/tensor/creation.h>
#include <adjoint/distributed/group/purpose.h>
#include <adjoint/distributed/parallel/absent.h>
#include <adjoint/distributed/parallel/buckets.h>
#include <adjoint/distributed/parallel/gathering.h>
#include <adjoint/distributed/parallel/left_over.h>
#include <adjoint/distributed/parallel/recorded.h>
#include <adjoint/distributed/parallel/sharding.h>
#include <adjoint/distributed/parallel/texts.h>

namespace adjoint::distributed {
namespace {

// Of what the ranks have to have alike, to compute alike.
Facts facts_of(const nn::Module& model, const DataParallelOptions& options) {
    Facts facts = facts_of(options);
    std::set<std::string> frozen;
    for (const auto& [name, parameter] : model.named_parameters())
        if (!parameter.requires_grad()) frozen.insert(name);
    for (const auto& [name, tensor] : model.state())
        facts.emplace_back(name, fmt::format("{} {} {}{}", name, adjoint::name(tensor.dtype()),
                                             tensor.shape(), frozen.contains(name) ? ", frozen" : ""));
    return facts;
}

}  // namespace

struct DataParallel::State {
    State(const nn::Module& of, const Group& over, const DataParallelOptions& o)
        : model(of),
          group(over),
          options(o),
          sharding(of.parameters(), over, o.shard),
          buckets(sharding, over, o),
          gathering(of, over, sharding) {}

    const nn::Module model;
    const Group group;
    const DataParallelOptions options;
    Sharding sharding;
    Buckets buckets;
    Gathering gathering;
};

DataParallel::DataParallel(const nn::Module& model, const Group& group, const DataParallelOptions& options) {
    check<ValueError>(options.bucket_bytes > 0, "data parallel: buckets of {} bytes", options.bucket_bytes);
    const nn::NamedTensors state = model.state();
    for (const auto& [name, tensor] : state)
        check<ValueError>(!is_absent(tensor),
                          "data parallel: {} is on another rank, or lost with the DataParallel that had it; "
                          "before its last copy ends all ranks call gather_parameters()",
                          name);
    const Purpose purpose("a new DataParallel");
    check_same(group, "data parallel", facts_of(model, options),
               "every rank makes the same model, with the same options");
    std::vector<Work> works;
    for (const auto& [name, tensor] : state) works.push_back(group.broadcast_async(tensor));
    for (const Work& work : works) work.wait();
    state_ = std::make_shared<State>(model, group, options);
}

const Group& DataParallel::group() const noexcept { return state_->group; }
const DataParallelOptions& DataParallel::options() const noexcept { return state_->options; }

nn::SharedStatistics DataParallel::statistics() const {
    if (!state_->options.synchronize_batch_norm || group().size() == 1) return nn::SharedStatistics({});
    return nn::SharedStatistics([group = group()](const Tensor& row) { return all_gather(group, row); });
}

void DataParallel::backward(const Tensor& loss) const { backward(loss, 1.0 / group().size()); }

void DataParallel::backward(const Tensor& loss, double share) const {
    check<ValueError>(share >= 0 && share <= 1, "data parallel: a share of {}, expected one in [0, 1]",
                      share);
    check<ValueError>(
        !state_->sharding.is_stepping() || state_->sharding.what() == Shard::none,
        "data parallel: a backward pass within a step, as LBFGS makes them, needs all gradients "
        "and parameters on all ranks (Shard::none)");
    check<AutogradError>(loss.numel() == 1,
                         "data parallel: a loss of shape {}, expected one element; reduce it with sum() or "
                         "mean()",
                         loss.shape());
    GradOptions options;
    if (share != 1) options.grad_outputs = {full_like(loss.detach(), share)};
    const nn::SharedStatistics again = statistics();  // of layers under checkpoint(), which compute once more
    Buckets& buckets = state_->buckets;
    options.on_leaf = [&](const Tensor& leaf) {
        buckets.add(leaf);
        state_->gathering.leaf_done(leaf);
    };
    try {
        buckets.begin();
        // A rank without samples may have a loss of nothing.
        if (share > 0 || loss.requires_grad()) adjoint::backward(std::span(&loss, 1), options);
    } catch (...) {
        buckets.give_up();
        throw;
    }
    buckets.finish();
    state_->gathering.pass_done();
}

void DataParallel::step(optim::Optimizer& optimizer) const {
    step(optimizer, [&] { optimizer.step(); });
}
void DataParallel::step(const optim::Optimizer& optimizer, const std::function<void()>& step) const {
    state_->sharding.note_rates(optimizer);
    this->step(step);
}
void DataParallel::step(const std::function<void()>& step) const { state_->sharding.step(step); }

void DataParallel::unscale(optim::GradScaler& scaler, const optim::Optimizer& optimizer) const {
    state_->sharding.unscale(scaler, optimizer);
}

Tensor DataParallel::clip_grad_norm_(std::span<const Tensor> parameters, double max_norm) const {
    return state_->sharding.clip(parameters, max_norm);
}

optim::NamedTensors DataParallel::state_of(const optim::Optimizer& optimizer) const {
    return state_->sharding.state_of(optimizer);
}
optim::NamedTensors DataParallel::own_part(const optim::Optimizer& optimizer,
                                           const optim::NamedTensors& state) const {
    return state_->sharding.own_part(optimizer, state);
}

optim::NamedTensors DataParallel::left_over() const {
    if (!state_->options.compress) return {};
    return distributed::left_over(group(), state_->sharding, state_->buckets);
}
void DataParallel::load_left_over(const optim::NamedTensors& state) const {
    if (!state_->options.compress || state.empty()) return;
    distributed::load_left_over(group(), state_->sharding, state_->buckets, state);
}

void DataParallel::gather_parameters() const { state_->gathering.gather_all(); }
void DataParallel::release_parameters() const { state_->gathering.release(); }

void DataParallel::synchronize_buffers() const {
    std::vector<Work> works;
    for (const auto& [name, buffer] : state_->model.named_buffers())
        works.push_back(is_floating(buffer.dtype()) ? group().all_reduce_async(buffer, ReduceOp::mean)
                                                    : group().broadcast_async(buffer));
    for (const Work& work : works) work.wait();
}

}  // namespace adjoint::distributed
