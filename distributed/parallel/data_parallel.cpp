// The models are compared and made one; a pass tells the buckets which gradients are complete.
#include <adjoint/distributed/parallel/data_parallel.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include <adjoint/autograd/backward/engine.h>
#include <adjoint/autograd/record/grad_mode.h>
#include <adjoint/core/base/format.h>
#include <adjoint/core/tensor/creation.h>
#include <adjoint/distributed/parallel/buckets.h>
#include <adjoint/distributed/parallel/gathering.h>
#include <adjoint/distributed/parallel/recorded.h>
#include <adjoint/distributed/parallel/sharding.h>
#include <adjoint/distributed/parallel/texts.h>

namespace adjoint::distributed {
namespace {

std::string described(const nn::Module& model) {
    std::string text;
    for (const auto& [name, tensor] : model.state())
        text += fmt::format("{} {} {}\n", name, adjoint::name(tensor.dtype()), tensor.shape());
    for (const auto& [name, parameter] : model.named_parameters())
        if (!parameter.requires_grad()) text += fmt::format("{} frozen\n", name);
    return text;
}

// The first lines in which they differ.
std::pair<std::string, std::string> difference(const std::string& a, const std::string& b) {
    const auto at = std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first - a.begin();
    const std::size_t newline = at == 0 ? std::string::npos : a.rfind('\n', static_cast<std::size_t>(at) - 1);
    const std::size_t line = newline == std::string::npos ? 0 : newline + 1;
    const auto line_of = [line](const std::string& text) {
        const std::string found = text.substr(std::min(line, text.size()));
        return found.empty() ? "nothing" : found.substr(0, found.find('\n'));
    };
    return {line_of(a), line_of(b)};
}

void check_same(const Group& group, const nn::Module& model) {
    const std::vector<std::string> texts = gathered(group, described(model));
    for (std::size_t r = 1; r < texts.size(); ++r) {
        if (texts[r] == texts[0]) continue;
        const auto [first, other] = difference(texts[0], texts[r]);
        fail<DistributedError>(
            "data parallel: rank 0 has {}, rank {} has {}; every rank makes the same model", first, r, other);
    }
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
    check_same(group, model);
    std::vector<Work> works;
    for (const auto& [name, tensor] : state) works.push_back(group.broadcast_async(tensor));
    for (const Work& work : works) work.wait();
    state_ = std::make_shared<State>(model, group, options);
}

const Group& DataParallel::group() const noexcept { return state_->group; }

nn::SharedStatistics DataParallel::statistics() const {
    if (!state_->options.synchronize_batch_norm || group().size() == 1) return nn::SharedStatistics({});
    return nn::SharedStatistics([group = group()](const Tensor& row) { return all_gather(group, row); });
}

void DataParallel::backward(const Tensor& loss) const { backward(loss, 1.0 / group().size()); }

void DataParallel::backward(const Tensor& loss, double share) const {
    check<ValueError>(share > 0 && share <= 1, "data parallel: a share of {}, expected one in (0, 1]", share);
    GradOptions options;
    if (share != 1) options.grad_outputs = {full_like(loss.detach(), share)};
    const nn::SharedStatistics again = statistics();  // of layers under checkpoint(), which compute once more
    Buckets& buckets = state_->buckets;
    state_->gathering.look_at(loss);
    buckets.begin();
    options.on_leaf = [&](const Tensor& leaf) {
        buckets.add(leaf);
        state_->gathering.leaf_done(leaf);
    };
    adjoint::backward(std::span(&loss, 1), options);
    buckets.finish();
    state_->gathering.pass_done();
}

void DataParallel::step(optim::Optimizer& optimizer) const {
    step([&] { optimizer.step(); });
}
void DataParallel::step(const std::function<void()>& step) const { state_->sharding.step(step); }

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
