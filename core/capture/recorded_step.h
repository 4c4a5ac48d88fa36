// What a recorded step is on any device: a list of calls. Private.
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <span>
#include <type_traits>
#include <variant>
#include <vector>

#include <adjoint/core/capture/passes.h>
#include <adjoint/core/contract/math.h>
#include <adjoint/core/memory/recorder.h>

namespace adjoint {

/// What differs from one run of a recorded step to the next.
struct Turn {
    GeneratorState generator;           ///< as it stands when the run begins
    std::span<const UpdateOp> updates;  ///< the functor of each Update of the step, in order
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
    void replay(std::int64_t times) final;
    std::size_t calls() const final { return list_.size(); }
    std::size_t peak_bytes() const final { return peak_bytes_; }
    std::string describe() const final;
    /// For each call the earlier ones that it has to follow, because one of the two writes what the other
    /// touches; those that follow from others are left out.
    std::vector<std::vector<std::size_t>> edges() const;

  protected:
    /// Runs `step` once on `backend`, which is that of `device`, and fills in what follows.
    /// errors: CaptureError.
    void record(Backend& backend, Device device, const std::function<void()>& step, bool optimize);

    /// Memory that nothing outside the step is given while the recording lives.
    virtual Ref<Storage> allocate(std::size_t bytes) = 0;
    virtual void run(const Turn& turn) = 0;

    /// Makes the calls of the list on `device`, with what this turn has of its own.
    template <class Device> void call_all(Device& device, const Turn& turn) const {
        for (const RecordedCall& one : list_) call(device, one, turn);
    }
    /// One of them.
    template <class Device> void call_one(Device& device, std::size_t i, const Turn& turn) const {
        call(device, list_[i], turn);
    }

    /// The layer in which a call was recorded.
    std::string_view layer_of(std::size_t i) const { return list_[i].layer; }
    /// The turn of the recorded run.
    Turn first_turn() const noexcept { return {start_, updates_}; }

  private:
    friend class StepRecorder;

    template <class Device> void call(Device& device, const RecordedCall& one, const Turn& turn) const;

    std::vector<RecordedCall> list_;
    std::vector<Lifetime> lifetimes_;
    // What calls of the list point to.
    std::deque<std::vector<UpdateSlice>> slices_;
    std::deque<std::vector<TensorSlice>> tensors_;
    std::deque<std::vector<char>> constants_;
    std::deque<ElementProgram> programs_;

    GeneratorState start_;
    std::uint64_t streams_ = 0;  // that one run takes
    std::vector<std::function<UpdateOp()>> sources_;
    std::vector<UpdateOp> updates_;
    std::size_t peak_bytes_ = 0;
    bool writes_outside_ = false;  // memory that was there before
    std::vector<Ref<Storage>> kept_;
    std::vector<std::shared_ptr<const void>> held_;
};

template <class Device>
void RecordedStep::call(Device& device, const RecordedCall& one, const Turn& turn) const {
    std::visit(
        [&]<class Call>(const Call& call) {
            if constexpr (std::is_same_v<Call, call::Update>) {
                device.run(call::Update{turn.updates[one.update], call.slices});
            } else if constexpr (requires { call.update.slices; }) {
                Call moved = call;
                moved.update.op = turn.updates[one.update];
                device.run(moved);
            } else if constexpr (requires { call.state; }) {
                Call moved = call;
                moved.state = StreamPlace::from(start_, call.state).at(turn.generator);
                device.run(moved);
            } else {
                device.run(call);
            }
        },
        one.call);
}

}  // namespace adjoint
