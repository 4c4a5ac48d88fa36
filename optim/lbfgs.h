// LBFGS: a quasi-Newton method for small, deterministic problems.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include <adjoint/optim/optimizer.h>

namespace adjoint::optim {

/// How far a step goes.
enum class LineSearch { none, strong_wolfe };

struct LBFGSOptions {
    double lr = 1;
    int max_iter = 20;                 ///< iterations of one step()
    std::optional<int> max_eval = {};  ///< evaluations of one step(); 5 / 4 max_iter unless given
    double tolerance_grad = 1e-7;
    double tolerance_change = 1e-9;
    int history_size = 100;
    LineSearch line_search_fn = LineSearch::none;
};

/// d = -H g with H, the inverse Hessian, made of the last history_size differences s of parameters and y of
/// gradients; x += t d with t = lr, or from a line search. A parameter without gradient stays.
/// errors: ValueError for an option or parameters of several types or devices; DTypeError unless f32 or f64.
/// source: Nocedal and Wright, Numerical optimization, 2006, algorithms 7.4 and 7.5.
class ADJOINT_API LBFGS {
  public:
    explicit LBFGS(const std::vector<Tensor>& parameters, const LBFGSOptions& options = {});

    /// Up to max_iter iterations. `closure` removes the gradients, computes the loss, calls its backward()
    /// and returns it; the loss of the first call is the result.
    Tensor step(const std::function<Tensor()>& closure);
    /// Removes the gradients.
    void zero_grad() const;
    const std::vector<Tensor>& parameters() const noexcept { return parameters_; }
    double lr() const noexcept { return options_.lr; }
    /// errors: ValueError unless finite and not negative.
    void set_lr(double lr);

    /// "lr", "n_iter", "func_evals" and, after the first iteration, "d", "t", "H_diag", "ro", "prev_loss",
    /// "prev_flat_grad", "old_dirs.0", "old_stps.0" and so on. The tensors are the optimizer's own.
    NamedTensors state() const;
    /// Copies such a state; nothing is changed unless all fits.
    /// errors: ValueError, ShapeError, DTypeError.
    void load_state(const NamedTensors& state);

  private:
    struct Memory {
        std::int64_t iterations = 0, evaluations = 0;
        Tensor direction, gradient;  // of the last iteration
        double t = 0, loss = 0, scale = 1;
        std::vector<Tensor> y, s;
        std::vector<double> ro;  // 1 / y . s
    };

    double evaluate(const std::function<Tensor()>& closure, Tensor* loss = nullptr);
    Tensor flat_gradient() const;
    void move(double t, const Tensor& direction) const;
    void update_direction(const Tensor& gradient);

    std::vector<Tensor> parameters_;
    LBFGSOptions options_;
    Memory memory_;
};

}  // namespace adjoint::optim
