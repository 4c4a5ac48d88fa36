// What a trained model says: its loss and accuracy on a data set, and its outputs.
#pragma once

#include <utility>

#include <adjoint/train/run.h>

namespace adjoint::train {

ADJOINT_API Score evaluate(const Trainee& trainee, const data::Dataset& set, std::int64_t batch_size = 1000);
ADJOINT_API Tensor predict(const Trainee& trainee, const data::Dataset& set, std::int64_t batch_size = 1000);

/// Loss and accuracy of `model` on `set`, in evaluation mode and without graph. The mode is that of this call
/// (nn::EvaluationMode), the model's own is left alone: several threads may ask one model.
/// errors: as data::Loader.
template <nn::IsModule M, class Loss>
Score evaluate(const M& model, Loss loss, const data::Dataset& set, std::int64_t batch_size = 1000) {
    return evaluate(
        Trainee{model, [model](const Tensor& x) { return Tensor(model(x)); }, as_loss(std::move(loss))}, set,
        batch_size);
}

/// The outputs of `model` for all samples of `set` in their order, one below the other, in evaluation mode
/// and without graph, as evaluate().
/// shapes: (n, shape of one output).
/// errors: as data::Loader; ShapeError if an output has not one row for each sample.
template <nn::IsModule M>
Tensor predict(const M& model, const data::Dataset& set, std::int64_t batch_size = 1000) {
    return predict(Trainee{model, [model](const Tensor& x) { return Tensor(model(x)); }, {}}, set,
                   batch_size);
}

/// The same for inputs alone, which have one sample per row.
template <nn::IsModule M>
Tensor predict(const M& model, const Tensor& inputs, std::int64_t batch_size = 1000) {
    return predict(model, data::Dataset{.inputs = inputs.contiguous(), .targets = inputs.contiguous()},
                   batch_size);
}

}  // namespace adjoint::train
