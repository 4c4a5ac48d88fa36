// Metric: a figure of merit as fit and its kin take it.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>

#include <adjoint/core/base/error.h>
#include <adjoint/train/trainee.h>

namespace adjoint::train {

/// A part of a mean: those of all batches are added up, then the sum is divided by the count.
struct Ratio {
    double sum = 0;
    double count = 0;
};

namespace detail {

template <class... T> struct ArgumentForms {};
/// As as_argument() gives them.
using AllForms =
    ArgumentForms<Tensor, std::pair<Tensor, Tensor>, std::tuple<Tensor, Tensor>,
                  std::tuple<Tensor, Tensor, Tensor>, std::tuple<Tensor, Tensor, Tensor, Tensor>, Tensors>;

template <class F, class Outputs, class Targets> constexpr bool gives_ratio() {
    if constexpr (std::is_invocable_v<F&, const Outputs&, const Targets&>)
        return std::is_same_v<std::invoke_result_t<F&, const Outputs&, const Targets&>, Ratio>;
    else
        return false;
}
template <class F, class Outputs, class... T> constexpr bool gives_ratio_for(ArgumentForms<T...>) {
    return (gives_ratio<F, Outputs, T>() || ...);
}
template <class F, class... T> constexpr bool gives_ratio_for_any(ArgumentForms<T...>) {
    return (gives_ratio_for<F, T>(AllForms()) || ...);
}

}  // namespace detail

/// A function from outputs and targets, called as trainee() says of a loss, so accuracy(outputs, targets) and
/// the others of <adjoint/train/watch/metrics.h> are metrics. It gives a number and is called once, with the
/// outputs and targets of all samples; or it gives a Ratio and is called for each batch, which takes no
/// memory and asks for no common length of sequences. Either way batches of unequal sizes count right.
/// errors: ValueError for an empty function.
class Metric {
  public:
    template <class F>
    requires(!std::is_same_v<F, Metric>) Metric(F of) {
        if constexpr (std::is_pointer_v<F> || requires { typename F::result_type; })
            if (!static_cast<bool>(of)) throw ValueError("metric: an empty function");
        if constexpr (detail::gives_ratio_for_any<F>(detail::AllForms()))
            of_batch_ = [of](const Tensors& outputs, const Tensors& targets) mutable {
                return detail::of_outputs<Ratio>("metric", of, outputs, targets);
            };
        else
            of_all_ = [of](const Tensors& outputs, const Tensors& targets) mutable {
                return detail::of_outputs<double>("metric", of, outputs, targets);
            };
    }

    /// Whether it is summed batch by batch.
    bool is_ratio() const noexcept { return static_cast<bool>(of_batch_); }
    /// Of a metric that is one.
    Ratio ratio(const Tensors& outputs, const Tensors& targets) const { return of_batch_(outputs, targets); }
    double operator()(const Tensors& outputs, const Tensors& targets) const {
        if (!is_ratio()) return of_all_(outputs, targets);
        const Ratio all = ratio(outputs, targets);
        return all.sum / all.count;
    }

  private:
    std::function<double(const Tensors& outputs, const Tensors& targets)> of_all_;
    std::function<Ratio(const Tensors& outputs, const Tensors& targets)> of_batch_;
};

/// Metrics by the names that records have them under.
using Metrics = std::map<std::string, Metric>;

}  // namespace adjoint::train
