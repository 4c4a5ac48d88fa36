// What a trained model says: its loss and accuracy on a data set, and its outputs.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include <adjoint/train/metric.h>
#include <adjoint/train/run.h>

namespace adjoint::train {

/// All outputs of a model, and the targets that go with them, one batch below the other.
struct Predictions {
    Tensors outputs, targets;
};

/// Loss and accuracy over all samples, as of a model and a loss below.
ADJOINT_API Score evaluate(const Trainee& trainee, const data::Samples& samples,
                           std::int64_t batch_size = 1000);
/// The same by all ranks of a group together: each looks at a share of the batches (at all of a stream), and
/// has the score of all of them, that of one process.
ADJOINT_API Score evaluate(const Trainee& trainee, const data::Samples& samples,
                           const distributed::Group& group, std::int64_t batch_size = 1000);
/// The first output, all outputs with their targets, and metrics by name, as of a model below.
ADJOINT_API Tensor predict(const Trainee& trainee, const data::Samples& samples,
                           std::int64_t batch_size = 1000);
ADJOINT_API Predictions predictions(const Trainee& trainee, const data::Samples& samples,
                                    std::int64_t batch_size = 1000);
ADJOINT_API std::map<std::string, double> measure(const Trainee& trainee, const data::Samples& samples,
                                                  const Metrics& metrics, std::int64_t batch_size = 1000);

/// Loss and accuracy of `model` on `samples`, in evaluation mode and without graph. The mode is that of this
/// call (nn::EvaluationMode), the model's own is left alone: several threads may ask one model.
/// errors: as data::Loader; those of trainee().
template <nn::IsModule M, class Loss>
Score evaluate(const M& model, Loss loss, const data::Samples& samples, std::int64_t batch_size = 1000) {
    return evaluate(trainee(model, std::move(loss)), samples, batch_size);
}
/// The same for tensors in memory.
template <nn::IsModule M, class Loss>
Score evaluate(const M& model, Loss loss, const data::Dataset& set, std::int64_t batch_size = 1000) {
    return evaluate(model, std::move(loss), data::Samples(set), batch_size);
}

/// The outputs of `model` for all samples in their order, one below the other, in evaluation mode and without
/// graph, as evaluate(). Of several outputs it is the first; `predictions` gives all, with the targets.
/// shapes: (n, shape of one output).
/// errors: as data::Loader; ShapeError if an output has not one row for each sample.
template <nn::IsModule M>
Tensor predict(const M& model, const data::Samples& samples, std::int64_t batch_size = 1000) {
    return predict(trainee(model), samples, batch_size);
}
template <nn::IsModule M>
Tensor predict(const M& model, const data::Dataset& set, std::int64_t batch_size = 1000) {
    return predict(model, data::Samples(set), batch_size);
}
template <nn::IsModule M>
Predictions predictions(const M& model, const data::Samples& samples, std::int64_t batch_size = 1000) {
    return predictions(trainee(model), samples, batch_size);
}

/// The figures of `metrics` on `samples`, after one pass as that of evaluate().
///
///     train::measure(model, set, {{"accuracy", train::accuracy}, {"r2", train::r2}});
///
/// errors: as predictions(), which metrics of all samples need; those of trainee().
template <nn::IsModule M>
std::map<std::string, double> measure(const M& model, const data::Samples& samples, const Metrics& metrics,
                                      std::int64_t batch_size = 1000) {
    return measure(trainee(model), samples, metrics, batch_size);
}

/// The outputs for inputs alone, which have one sample per row.
template <nn::IsModule M>
Tensor predict(const M& model, const Tensor& inputs, std::int64_t batch_size = 1000) {
    return predict(model, data::Dataset{.inputs = inputs.contiguous(), .targets = inputs.contiguous()},
                   batch_size);
}

}  // namespace adjoint::train
