// One model on every rank, each rank with samples of its own: gradients are summed over the ranks while the
// backward pass goes on, so that every rank makes the same step.
//
//     const distributed::DataParallel parallel(model, group);
//     for (const data::Batch& batch : loader) {     // this rank's part: LoaderOptions::parts
//         optimizer.zero_grad();
//         parallel.backward(cross_entropy(model(batch.x), batch.y), double(batch.size()) / batch.step_size);
//         parallel.step(optimizer);
//     }
//
// Sums are made in the order of the ranks (Summation::by_rank): n ranks have the bits of one process that
// adds the gradients of the same n parts one by one, each part's loss multiplied by its share.
// train::fit does all this with its option `group`.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>

#include <adjoint/distributed/group/group.h>
#include <adjoint/nn/batch_norm.h>
#include <adjoint/nn/module.h>
#include <adjoint/optim/grad_scaler.h>
#include <adjoint/optim/optimizer.h>

namespace adjoint::distributed {

/// What the ranks share out instead of keeping it each; what a step computes stays the same. Each parameter
/// belongs to one rank as a whole.
/// source: Rajbhandari et al., ZeRO: memory optimizations toward training trillion parameter models, 2020.
enum class Shard : std::uint8_t {
    none,
    optimizer,  ///< each rank has the optimizer's states of its parameters alone, and sends these after a step
    gradients,  ///< besides, a gradient is summed on the rank whose parameter it belongs to, and is nowhere else
    /// Besides, from the second step on a parameter is on the other ranks only while a layer computes with
    /// it; to read or write its values else is a DeviceError. That goes for layers whose hooks run
    /// (<adjoint/nn/module.h>), as the library's do; parameters of others stay everywhere. All ranks run the
    /// same layers in the same order. What computes with a weight of another layer has it as a parameter of
    /// its own (a tied one).
    parameters,
};

struct DataParallelOptions {
    /// Gradients travel together, this many bytes at a time, in the order in which the pass makes them. The
    /// first time a bucket is a twenty-fifth of it, so that the first messages leave early.
    std::int64_t bucket_bytes = 25 << 20;
    /// Gradients of f32 travel as bf16, in half of the bytes, and are summed in f32. What rounding takes from
    /// a gradient and from a sum is added to the next (error feedback). No single process has these bits.
    bool compress = false;
    Shard shard = Shard::none;
    /// BatchNorm normalises by the statistics of all ranks' samples, not by those of this rank's part: the
    /// result is that of one process with the whole batch, but for the last bits.
    bool synchronize_batch_norm = false;
};

/// One model on every rank; see the head of this file.
class ADJOINT_API DataParallel {
  public:
    /// Parameters and buffers become those of rank 0.
    /// errors: DistributedError if the models are not the same, which names the first parameter or buffer
    /// that differs and the rank; ValueError for buckets of no bytes, and for a model with parameters whose
    /// gradients another DataParallel has shared out.
    DataParallel(const nn::Module& model, const Group& group, const DataParallelOptions& options = {});

    /// The ranks that train together, and how.
    const Group& group() const noexcept;
    const DataParallelOptions& options() const noexcept;

    /// In a loop of one's own, while the forward pass runs; it does something if the option
    /// synchronize_batch_norm is on.
    [[nodiscard]] nn::SharedStatistics statistics() const;

    /// loss.backward() on every rank, then grad() of every parameter is the sum over the ranks of
    /// share * gradient, the same everywhere. A loss that is the mean over this rank's samples has the share
    /// that these are of all ranks' samples; by default that is 1 / size. A parameter that no rank has
    /// reached has no gradient. To what an earlier backward() of this has left in grad() the sum is
    /// added; all else that was there takes part in it: the gradients of earlier micro-batches, whose losses
    /// (multiplied by their shares) went through loss.backward(). A rank without samples has the share 0, and
    /// any loss, as zeros({}); with Shard::parameters that of an empty batch, so that its layers run, too.
    /// errors: those of backward and of the group; ValueError for a share outside [0, 1], and where both
    /// kinds of gradients are in one grad(); DistributedError where ranks train other parameters.
    void backward(const Tensor& loss) const;
    void backward(const Tensor& loss, double share) const;

    /// optimizer.step(); with shards that of this rank's parameters, which all ranks have then. An optimizer
    /// that was made for all parameters has states for these alone. From Shard::gradients on its own step(),
    /// and what else takes the gradients here for all of them, is a ValueError. Learning rates and momenta
    /// that are not those of the other ranks' steps are an error of the next operation, a backward pass.
    void step(optim::Optimizer& optimizer) const;
    /// The same for a step that is more: `parallel.step(optimizer, [&] { scaler.step(optimizer); })`. Without
    /// the optimizer rates are not compared.
    /// errors: ValueError for a backward() within it, but with Shard::none.
    void step(const optim::Optimizer& optimizer, const std::function<void()>& step) const;
    void step(const std::function<void()>& step) const;
    /// scaler.unscale(optimizer), behind which all ranks know whether one has a gradient with Inf or NaN.
    /// Every rank calls it, before a step by the scaler, which else is a ValueError with shards.
    void unscale(optim::GradScaler& scaler, const optim::Optimizer& optimizer) const;
    /// optim::clip_grad_norm_, also where the gradients are shared out; every rank calls it.
    Tensor clip_grad_norm_(std::span<const Tensor> parameters, double max_norm) const;
    /// optimizer.state() of all ranks on rank 0, which is that of a run without shards; every rank calls it.
    optim::NamedTensors state_of(const optim::Optimizer& optimizer) const;
    /// What optimizer.load_state() takes of such a state here.
    optim::NamedTensors own_part(const optim::Optimizer& optimizer, const optim::NamedTensors& state) const;

    /// What compression has left over on all ranks, on rank 0 alone: "rank.0.3" is of rank 0 and parameter 3,
    /// "order" how gradients travel. Empty without compression. Every rank calls it.
    optim::NamedTensors left_over() const;
    /// Goes on from it; every rank is given the same. Where the ranks are as many as then that is to the last
    /// bit, else rank 0 has the sums.
    /// errors: ValueError for another state, nothing is changed then.
    void load_left_over(const optim::NamedTensors& state) const;

    /// All parameters on all ranks, to be looked at, saved, or used without the group, also after a step;
    /// with release_parameters those of Shard::parameters go again. Every rank calls both. Before the last
    /// copy of this ends they have to be gathered, or else they are lost where they are not, and to read them
    /// stays an error.
    void gather_parameters() const;
    void release_parameters() const;

    /// Buffers of floating type (the statistics of BatchNorm, which each rank has from its own samples)
    /// become their mean over the ranks, others those of rank 0.
    void synchronize_buffers() const;

  private:
    struct State;
    std::shared_ptr<State> state_;
};

}  // namespace adjoint::distributed
