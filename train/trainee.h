// A model and a loss of whatever types, as the loop calls them.
#pragma once

#include <array>
#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <adjoint/autograd/ops/loss.h>
#include <adjoint/data/dataset.h>
#include <adjoint/nn/forward.h>

namespace adjoint::train {

/// Inputs, outputs or targets, in their order.
using Tensors = std::vector<Tensor>;

/// A loss as fit takes it: a module, a lambda, or a function like cross_entropy with its options left out.
template <class Loss> auto as_loss(Loss loss) { return loss; }
inline auto as_loss(Tensor (*loss)(const Tensor&, const Tensor&, Reduction)) {
    return
        [loss](const Tensor& output, const Tensor& target) { return loss(output, target, Reduction::mean); };
}
template <class Options> auto as_loss(Tensor (*loss)(const Tensor&, const Tensor&, const Options&)) {
    return [loss](const Tensor& output, const Tensor& target) { return loss(output, target, Options{}); };
}

namespace detail {

[[noreturn]] ADJOINT_API void throw_not_callable(const char* what, std::size_t inputs);
[[noreturn]] ADJOINT_API void throw_not_callable(const char* what, std::size_t outputs, std::size_t targets);

/// What a model gives for up to six inputs, or for the list of them.
template <class M> Tensors outputs_of(const M& model, const Tensors& inputs) {
    if (std::optional<Tensors> outputs = nn::detail::called_one_by_one(model, inputs))
        return *std::move(outputs);
    if constexpr (std::is_invocable_v<const M&, const Tensors&>)
        return nn::detail::as_tensors(model(inputs));
    else
        throw_not_callable("model", inputs.size());
}

/// use(argument) with each form in which a list can be given: a tensor, a pair, a tuple of two to four, and
/// the list itself.
template <class Use> void as_argument(const Tensors& t, const Use& use) {
    const auto tuple = [&]<std::size_t... I>(std::index_sequence<I...>) {
        if (t.size() == sizeof...(I)) use(std::make_tuple(t[I]...));
    };
    if (t.size() == 1) use(t[0]);
    if (t.size() == 2) use(std::make_pair(t[0], t[1]));
    tuple(std::make_index_sequence<2>());
    tuple(std::make_index_sequence<3>());
    tuple(std::make_index_sequence<4>());
    use(t);
}

/// f(outputs, targets), each as f wants it.
template <class R, class F>
R of_outputs(const char* what, F& f, const Tensors& outputs, const Tensors& targets) {
    if constexpr (std::is_invocable_v<F&, const Tensor&, const Tensor&>) {
        if (outputs.size() == 1 && targets.size() == 1) return f(outputs[0], targets[0]);
    } else {
        std::optional<R> result;
        as_argument(outputs, [&](const auto& output) {
            as_argument(targets, [&](const auto& target) {
                if constexpr (std::is_invocable_v<F&, decltype(output), decltype(target)>)
                    if (!result) result = f(output, target);
            });
        });
        if (result) return *std::move(result);
    }
    throw_not_callable(what, outputs.size(), targets.size());
}

}  // namespace detail

/// What the loop needs of a model, whatever its type.
struct Trainee {
    nn::Module module;
    std::function<Tensors(const data::Batch& batch)> forward;
    std::function<Tensor(const Tensors& outputs, const data::Batch& batch)> loss = {};
    std::optional<Device> device = {};  ///< where batches go, if elsewhere
    int workers = 0;                    ///< threads that make the batches of evaluations
};

/// A model is called with as many tensors as a batch has inputs, or with a std::vector of them, and gives a
/// tensor, a tuple or a vector. The loss gets outputs and targets, each a tensor if there is one, else as a
/// tuple (two to four, a pair if it says so) or a std::vector, whichever it takes.
/// errors, when it is called: ShapeError where it takes no such number.
template <nn::IsModule M> Trainee trainee(const M& model) {
    return {.module = model, .forward = [model](const data::Batch& batch) {
                return detail::outputs_of(model, batch.inputs());
            }};
}
template <nn::IsModule M, class Loss> Trainee trainee(const M& model, Loss loss) {
    Trainee both = trainee(model);
    both.loss = [loss = as_loss(std::move(loss))](const Tensors& outputs, const data::Batch& batch) mutable {
        return detail::of_outputs<Tensor>("loss", loss, outputs, batch.targets());
    };
    return both;
}

/// A trainee that computes under Autocast of this type, wherever it is asked.
ADJOINT_API Trainee with_autocast(Trainee trainee, DType type);

}  // namespace adjoint::train
