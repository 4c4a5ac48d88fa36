// Which rank keeps what of a model that is shared out, and an optimizer that sees its part. Private.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include <adjoint/distributed/parallel/data_parallel.h>
#include <adjoint/optim/optimizer.h>
#include <adjoint/optim/partition.h>

namespace adjoint::distributed {

/// Every parameter has one owner and is not divided; the ranks own as even a number of bytes as that allows.
class Sharding {
  public:
    Sharding(std::vector<Tensor> parameters, Group group, Shard what);

    Shard what() const noexcept { return what_; }
    /// Those of the model, by which all that is shared out is numbered.
    const std::vector<Tensor>& parameters() const noexcept { return parameters_; }
    /// None of what is no parameter of the model.
    std::optional<std::size_t> number_of(const Tensor& tensor) const;
    int owner(std::size_t parameter) const { return owners_[parameter]; }
    bool is_own(std::size_t parameter) const { return owners_[parameter] == group_.rank(); }

    /// Whether a parameter is on all ranks now, not on its owner's alone; the same on all ranks.
    bool is_here(std::size_t parameter) const { return is_here_[parameter]; }
    void set_here(std::size_t parameter, bool here);
    /// Where its values belong on this rank, also while they are absent; memory for them.
    Device device(std::size_t parameter) const;
    Tensor empty_like(std::size_t parameter) const;

    /// The rates of an optimizer that is about to step; what all ranks have to say of those so far.
    void note_rates(const optim::Optimizer& optimizer) const;
    std::string rates() const;
    /// Whether a step is under way.
    bool is_stepping() const noexcept { return stepping_; }
    void step(const std::function<void()>& step) const;
    void unscale(optim::GradScaler& scaler, const optim::Optimizer& optimizer) const;
    Tensor clip(std::span<const Tensor> parameters, double max_norm) const;
    optim::NamedTensors state_of(const optim::Optimizer& optimizer) const;
    optim::NamedTensors own_part(const optim::Optimizer& optimizer, const optim::NamedTensors& state) const;

  private:
    const std::vector<Tensor> parameters_;
    const Group group_;
    const Shard what_;
    std::vector<int> owners_;
    std::vector<bool> is_here_;
    std::vector<Device> devices_;  // of what is not here
    mutable bool stepping_ = false;
    mutable std::uint32_t noted_ = 0;            // a checksum of the rates of all steps
    mutable std::optional<double> rate_;         // the last one
    std::optional<optim::Partition> partition_;  // from Shard::gradients on
    std::unordered_map<const TensorImpl*, std::size_t> numbers_;
};

/// The owner of each parameter: the largest are given out first, each to who has least.
std::vector<int> owners_of(const std::vector<Tensor>& parameters, int ranks);

}  // namespace adjoint::distributed
