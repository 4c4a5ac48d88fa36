// Optimizer: the base of what moves parameters against their gradients, with groups and state.
//
// An optimizer of one's own derives from OptimizerWith<its options>, names its state tensors and gives the
// functor of a step; a functor is an elementwise function of parameter, gradient and up to three states
// (<adjoint/core/contract/functors/update.h>). It is used by one thread at a time, and not while a backward
// pass of another reaches its parameters.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <adjoint/core/contract/functors/update_list.h>
#include <adjoint/core/tensor/tensor.h>

namespace adjoint::optim {

/// Tensors by name, in order.
using NamedTensors = std::vector<std::pair<std::string, Tensor>>;

/// The base of what moves parameters against their gradients.
class ADJOINT_API Optimizer {
  public:
    Optimizer(const Optimizer&) = delete;
    Optimizer& operator=(const Optimizer&) = delete;
    virtual ~Optimizer() = default;

    /// "Adam", as messages begin.
    const char* name() const noexcept { return name_; }

    /// Moves every parameter that has a gradient; one without neither moves nor ages.
    /// Nothing moves on an error.
    /// errors: ShapeError, DTypeError, DeviceError for a gradient that does not fit its parameter; ValueError
    /// where gradients are shared out over ranks, of which distributed::DataParallel makes the step.
    void step();
    /// Removes the gradients.
    void zero_grad() const;

    /// How many groups of parameters there are.
    std::size_t group_count() const noexcept { return groups_.size(); }
    /// The parameters of all groups, in order.
    std::vector<Tensor> parameters() const;
    /// errors (all three): IndexError for a group that is not there;
    /// ValueError unless lr is finite and not negative.
    double lr(std::size_t group = 0) const;
    void set_lr(double lr);
    void set_lr(double lr, std::size_t group);
    /// The momentum of a group, of Adam and its like the first beta, which schedules may change; it is no
    /// part of state(). None where there is none, or where a step depends on that of the steps before.
    /// errors (both): IndexError for a group that is not there; ValueError unless it is in (0, 1), and where
    /// there is none.
    std::optional<double> momentum(std::size_t group = 0) const;
    void set_momentum(double momentum, std::size_t group);

    /// How far a group's options bring a number, 1 at first, in eight steps by gradients that are always the
    /// same. Of optimizers that step alike it is the same: ranks that train together compare it.
    /// errors: IndexError for a group that is not there.
    double trial(std::size_t group = 0) const;

    /// What a resumed run needs: "groups.0.lr", and for the parameters that have moved "0.step", "0.momentum"
    /// and so on, numbered through all groups. The tensors are the optimizer's own.
    NamedTensors state() const;
    /// Copies such a state; nothing is changed unless all fits.
    /// errors: ValueError for names that do not match; ShapeError, DTypeError for a misfit.
    void load_state(const NamedTensors& state);

  protected:
    /// `name` leads the messages.
    explicit Optimizer(const char* name) : name_(name) {}
    /// errors: ValueError for an empty list, a parameter given twice or not dense; DTypeError unless f32 or
    /// f64; AutogradError for the result of a recorded operation.
    void add_group(const std::vector<Tensor>& parameters, double lr, std::vector<const char*> state_names);
    /// The step number `step` (from 1) of a parameter of the group.
    virtual UpdateOp update(std::size_t group, double lr, std::int64_t step) const = 0;
    /// What update() gets in the place of a parameter's gradient: the gradient itself, unless a step needs
    /// more than one element at a time. Dense; may write into the states. Unrecorded.
    virtual Tensor direction(std::size_t /*group*/, Tensor gradient,
                             const std::vector<Tensor>& /*states*/) const {
        return gradient;
    }
    /// Where the momentum of a group stands, null if there is none that may be changed.
    virtual double* momentum_of(std::size_t /*group*/) { return nullptr; }
    /// Parameters of a group for which this is equal share one call of update().
    virtual std::int64_t update_key(std::size_t /*group*/, std::int64_t step) const { return step; }

  private:
    struct Slot {
        Tensor parameter;
        std::vector<Tensor> states;  // none before the first step
        std::int64_t step = 0;
    };
    struct Group {
        double lr = 0;
        std::vector<const char*> state_names;
        std::vector<Slot> slots;
    };
    struct Pending {
        Slot* slot;
        Tensor gradient;
    };

    // The first gradient of the step before, and how often in a row exactly one more was added to it.
    struct Watched {
        const void* gradient = nullptr;
        std::uint32_t version = 0;
        int additions = 0;
    };

    void watch_gradient();
    void collect(Group& group, std::vector<Pending>& pending);
    void prepare(const Group& group, Slot& slot) const;
    void run(std::size_t group);
    UpdateOp age(std::size_t group, const std::vector<std::size_t>& slots);

    const char* name_;
    std::vector<Group> groups_;
    // Kept from step to step, so that a step does not allocate.
    std::vector<std::vector<Pending>> pending_;
    std::vector<UpdateSlice> slices_;
    mutable Watched watched_;
};

/// The base of an optimizer whose groups each have options of one kind, with the rate as their `lr`.
template <class O> class ADJOINT_API OptimizerWith : public Optimizer {
  public:
    struct Group {
        std::vector<Tensor> parameters;
        O options;
    };

  protected:
    explicit OptimizerWith(const char* name) : Optimizer(name) {}
    void add(const Group& group, std::vector<const char*> state_names) {
        add_group(group.parameters, group.options.lr, std::move(state_names));
        options_.push_back(group.options);
    }
    const O& options(std::size_t group) const { return options_[group]; }
    double* momentum_of([[maybe_unused]] std::size_t group) override {
        if constexpr (requires(O o) { o.momentum; })  // without it there is no state for it
            return options_[group].momentum != 0 ? &options_[group].momentum : nullptr;
        else if constexpr (requires(O o) { o.betas; })
            return &options_[group].betas.first;
        else
            return nullptr;
    }

  private:
    std::vector<O> options_;
};

}  // namespace adjoint::optim
