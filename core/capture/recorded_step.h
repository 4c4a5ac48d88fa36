// What a recorded step is on any device. Private.
#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <utility>
#include <vector>

#include <adjoint/core/contract/math.h>
#include <adjoint/core/memory/recorder.h>

namespace adjoint {

/// What differs from one run of a recorded step to the next.
struct Turn {
    GeneratorState generator;           ///< as it stands when the run begins
    std::span<const UpdateOp> updates;  ///< the functor of each update() of the step, in order
};

/// A stream of random numbers, fixed or counted from where the generator stands when a run begins.
struct StreamPlace {
    GeneratorState state;
    bool follows = false;

    /// The place of a recorded state when the run began at `start`. A generator of the user's own is fixed.
    static StreamPlace from(GeneratorState start, GeneratorState recorded) {
        if (recorded.seed != start.seed || recorded.stream < start.stream) return {recorded};
        return {{recorded.seed, recorded.stream - start.stream}, true};
    }
    ADJOINT_HD GeneratorState at(GeneratorState now) const {
        return follows ? GeneratorState{now.seed, now.stream + state.stream} : state;
    }
};

/// A recorded step: its calls in order, and what it takes to run them again. Each device says where its
/// memory lies and how it is run.
class RecordedStep : public Recording {
  public:
    using Call = std::function<void(Backend& backend, const Turn& turn)>;

    void replay(std::int64_t times) final;
    std::size_t calls() const final { return calls_; }

  protected:
    /// Runs `step` once on `backend`, which is that of `device`, and fills in what follows. Errors:
    /// CaptureError.
    void record(Backend& backend, Device device, const std::function<void()>& step);

    /// Memory that nothing outside the step is given while the recording lives.
    virtual Ref<Storage> allocate(std::size_t bytes) = 0;
    virtual void run(const Turn& turn) = 0;

    /// The turn of the recorded run.
    Turn first_turn() const noexcept { return {start_, updates_}; }

    std::vector<Call> list_;

  private:
    friend class StepRecorder;

    std::size_t calls_ = 0;
    GeneratorState start_;
    std::uint64_t streams_ = 0;  // that one run takes
    std::vector<std::function<UpdateOp()>> sources_;
    std::vector<UpdateOp> updates_;
    std::vector<Ref<Storage>> kept_;
};

}  // namespace adjoint
