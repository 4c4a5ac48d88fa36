// The contract of an engine: how bytes go from one rank to another. All that a group does is made of this
// (<adjoint/distributed/group/group.h>).
//
// An engine is used by one thread at a time. Messages from one rank to another on one lane arrive in the
// order in which they were sent, and are received with the size that they were sent with.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include <adjoint/core/base/device.h>
#include <adjoint/core/base/dtype.h>

namespace adjoint::distributed {

/// What becomes of the elements that the ranks give: their sum in the order of the ranks, that divided by
/// the number of ranks, the largest or the smallest. The sum of bool is "any of them".
enum class ReduceOp : std::uint8_t { sum, mean, max, min };

/// Messages on different lanes do not wait for each other. Those of `device` lie in the memory of the
/// engine's device, all others in the host's.
enum class Lane : std::uint8_t { agreement, host, device, message };

/// What a rank does whose last handle of the group has ended.
enum class Parting : std::uint8_t {
    silent,   ///< nothing: a message that nobody takes would stand in the way of others
    told,     ///< says so, and ends
    together  ///< says so, and waits until all ranks have
};

/// A message under way. Its memory is the engine's until it is done, or until this is destroyed.
class Transfer {
  public:
    virtual ~Transfer() = default;
};

/// How bytes go from one rank to another.
class ADJOINT_API Engine {
  public:
    Engine() = default;
    Engine(const Engine&) = delete;
    Engine& operator=(const Engine&) = delete;
    virtual ~Engine() = default;

    /// "mpi" and the like; the number of this rank, and how many there are.
    virtual const char* name() const noexcept = 0;
    virtual int rank() const noexcept = 0;
    virtual int size() const noexcept = 0;
    /// Whose tensors travel from where they lie, beside those of the host.
    virtual Device device() const noexcept { return Device::cpu(); }

    /// How a rank leaves: whether others can be told, and whether it has to wait for them.
    virtual Parting parting() const noexcept { return Parting::told; }

    /// What the device has been given by now comes before the transfers that begin next. Any thread calls it.
    virtual void mark() {}
    /// Begin; `data` stays as it is until the transfer is done.
    virtual std::unique_ptr<Transfer> send(const void* data, std::size_t bytes, int to, Lane lane) = 0;
    virtual std::unique_ptr<Transfer> receive(void* data, std::size_t bytes, int from, Lane lane) = 0;
    /// Whether it is done, without waiting.
    virtual bool done(Transfer& transfer) = 0;
    /// Waits a little, at most some milliseconds, for anything to happen. `round` counts the calls in a row.
    virtual void idle(int round) = 0;

    /// Tells all ranks that this one has failed and why. Never waits.
    virtual void announce(const std::string& fault) noexcept = 0;
    /// What another rank has announced.
    virtual std::optional<std::string> heard() = 0;

    /// all_reduce by the engine's own means, in an order of its own; null for a type that it does not sum.
    virtual std::unique_ptr<Transfer> all_reduce(void* /*data*/, std::int64_t /*count*/, DType /*type*/,
                                                 ReduceOp /*op: sum, max or min*/) {
        return nullptr;
    }

  private:
    friend class EngineUse;
    std::atomic<bool> in_use_ = false;
};

/// While it lives the engine is its owner's alone: the messages of two would mix.
/// errors: DistributedError if another has it.
class ADJOINT_API EngineUse {
  public:
    explicit EngineUse(std::shared_ptr<Engine> engine);
    ~EngineUse() { engine_->in_use_ = false; }
    EngineUse(const EngineUse&) = delete;
    EngineUse& operator=(const EngineUse&) = delete;

    Engine& operator*() const noexcept { return *engine_; }
    Engine* operator->() const noexcept { return engine_.get(); }

  private:
    const std::shared_ptr<Engine> engine_;
};

}  // namespace adjoint::distributed
