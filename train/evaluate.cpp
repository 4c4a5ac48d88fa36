// Passes over a data set without training.
#include <adjoint/train/evaluate.h>

#include <vector>

#include <adjoint/autograd/ops/rearrange.h>
#include <adjoint/autograd/record/grad_mode.h>
#include <adjoint/core/base/format.h>

namespace adjoint::train {

Score evaluate(const Trainee& trainee, const data::Dataset& set, std::int64_t batch_size) {
    const NoGrad guard;
    const nn::EvaluationMode mode;
    data::Loader loader(set, {.batch_size = batch_size, .shuffle = false});
    Totals totals;
    for (const data::Batch& batch : loader) {
        const Tensor output = trainee.forward(batch.x);
        totals.count(batch.y.shape()[0]);
        totals.add(trainee.loss(output, batch.y), output, batch.y);
    }
    return totals.score();
}

Tensor predict(const Trainee& trainee, const data::Dataset& set, std::int64_t batch_size) {
    const NoGrad guard;
    const nn::EvaluationMode mode;
    data::Loader loader(set, {.batch_size = batch_size, .shuffle = false});
    std::vector<Tensor> outputs;
    for (const data::Batch& batch : loader) {
        const Tensor& output = outputs.emplace_back(trainee.forward(batch.x));
        check<ShapeError>(output.dim() > 0 && output.shape()[0] == batch.x.shape()[0],
                          "predict: an output of shape {} for a batch of {} samples", output.shape(),
                          batch.x.shape()[0]);
    }
    return cat(outputs, 0);
}

}  // namespace adjoint::train
