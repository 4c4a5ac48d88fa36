// One model on every rank, each rank with samples of its own: gradients are summed over the ranks while the
// backward pass goes on, so that every rank makes the same step.
//
//     const distributed::DataParallel parallel(model, group);
//     for (const data::Batch& batch : loader) {     // this rank's part: LoaderOptions::parts
//         optimizer.zero_grad();
//         parallel.backward(cross_entropy(model(batch.x), batch.y), double(batch.size()) / batch.step_size);
//         optimizer.step();
//     }
//
// Sums are made in the order of the ranks (Summation::by_rank): n ranks have the bits of one process that
// adds the gradients of the same n parts one by one, each part's loss multiplied by its share.
// train::fit does all this with its option `group`.
#pragma once

#include <cstdint>
#include <memory>

#include <adjoint/distributed/group/group.h>
#include <adjoint/nn/module.h>

namespace adjoint::distributed {

struct DataParallelOptions {
    /// Gradients travel together, this many bytes at a time, in the order in which the pass makes them. The
    /// first time a bucket is a twenty-fifth of it, so that the first messages leave early.
    std::int64_t bucket_bytes = 25 << 20;
    /// Gradients of f32 travel as bf16, in half of the bytes; what rounding takes away is added to the next
    /// ones (error feedback). The bits are then those of no single process.
    bool compress = false;
};

class ADJOINT_API DataParallel {
  public:
    /// Parameters and buffers become those of rank 0.
    /// errors: DistributedError if the models are not the same, which names the first parameter or buffer
    /// that differs and the rank; ValueError for buckets of no bytes.
    DataParallel(const nn::Module& model, const Group& group, const DataParallelOptions& options = {});

    const Group& group() const noexcept;

    /// loss.backward() on every rank, then grad() of every parameter is the sum over the ranks of
    /// share * gradient, the same everywhere. A loss that is the mean over this rank's samples has the share
    /// that these are of all ranks' samples; by default that is 1 / size. A parameter that no rank has
    /// reached has no gradient. What was in grad() before takes part: the gradients of earlier
    /// micro-batches, whose losses (multiplied by their shares) went through loss.backward().
    /// errors: those of backward and of the group; ValueError for a share outside (0, 1].
    void backward(const Tensor& loss) const;
    void backward(const Tensor& loss, double share) const;

    /// Buffers of floating type (the statistics of BatchNorm, which each rank has from its own samples)
    /// become their mean over the ranks, others those of rank 0.
    void synchronize_buffers() const;

  private:
    struct State;
    std::shared_ptr<State> state_;
};

}  // namespace adjoint::distributed
