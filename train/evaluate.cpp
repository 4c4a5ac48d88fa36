// Passes over a data set without training.
#include <adjoint/train/evaluate.h>

#include <algorithm>
#include <vector>

#include <adjoint/autograd/ops/rearrange.h>
#include <adjoint/autograd/record/grad_mode.h>
#include <adjoint/core/base/format.h>

namespace adjoint::train {
namespace {

// visit(outputs, batch) for all batches, in evaluation mode.
template <class Visit>
void for_all(const Trainee& trainee, const data::Samples& samples, std::int64_t batch_size,
             const Visit& visit) {
    const NoGrad guard;
    const nn::EvaluationMode mode;
    data::Loader loader(
        samples,
        {.batch_size = batch_size, .shuffle = false, .workers = trainee.workers, .device = trainee.device});
    for (const data::Batch& batch : loader) visit(trainee.forward(batch), batch);
}

void check_rows_of(const Tensors& outputs, const data::Batch& batch) {
    for (const Tensor& output : outputs)
        check<ShapeError>(output.dim() > 0 && output.shape()[0] == batch.size(),
                          "predict: an output of shape {} for a batch of {} samples", output.shape(),
                          batch.size());
}

// Lists of pieces, one for each tensor of a batch.
class Pieces {
  public:
    void add(const Tensors& batch) {
        pieces_.resize(batch.size());
        for (std::size_t i = 0; i < batch.size(); ++i)
            if (batch[i].defined()) pieces_[i].push_back(batch[i]);
    }
    Tensors joined() const {
        Tensors all;
        for (const Tensors& pieces : pieces_) all.push_back(pieces.empty() ? Tensor() : cat(pieces, 0));
        return all;
    }

  private:
    std::vector<Tensors> pieces_;
};

Totals totals_of(const Trainee& trainee, const data::Samples& samples, std::int64_t batch_size) {
    Totals totals;
    for_all(trainee, samples, batch_size, [&](const Tensors& outputs, const data::Batch& batch) {
        totals.count(batch.size());
        totals.add(trainee.loss(outputs, batch), outputs[0], batch.y);
    });
    return totals;
}

}  // namespace

Score evaluate(const Trainee& trainee, const data::Samples& samples, std::int64_t batch_size) {
    return totals_of(trainee, samples, batch_size).score();
}

Score evaluate(const Trainee& trainee, const data::Samples& samples, const distributed::Group& group,
               std::int64_t batch_size) {
    if (samples.is_stream()) return totals_of(trainee, samples, batch_size).score(group);
    const std::int64_t n = samples.size(), ranks = group.size();
    const auto first = [&](std::int64_t rank) { return n / ranks * rank + std::min(rank, n % ranks); };
    const std::int64_t begin = first(group.rank()), count = first(group.rank() + 1) - begin;
    const Totals own = count > 0 ? totals_of(trainee, samples.part(begin, count), batch_size) : Totals();
    return own.score(group);
}

Tensor predict(const Trainee& trainee, const data::Samples& samples, std::int64_t batch_size) {
    Pieces outputs;
    for_all(trainee, samples, batch_size, [&](const Tensors& given, const data::Batch& batch) {
        check_rows_of(given, batch);
        outputs.add({given[0]});
    });
    const Tensors all = outputs.joined();
    check<ShapeError>(!all.empty(), "predict: no samples");
    return all[0];
}

Predictions predictions(const Trainee& trainee, const data::Samples& samples, std::int64_t batch_size) {
    Pieces outputs, targets;
    for_all(trainee, samples, batch_size, [&](const Tensors& given, const data::Batch& batch) {
        check_rows_of(given, batch);
        outputs.add(given);
        targets.add(batch.targets());
    });
    return {outputs.joined(), targets.joined()};
}

std::map<std::string, double> measure(const Trainee& trainee, const data::Samples& samples,
                                      const Metrics& metrics, std::int64_t batch_size) {
    const bool joins =
        std::any_of(metrics.begin(), metrics.end(), [](const auto& each) { return !each.second.is_ratio(); });
    Pieces outputs, targets;
    std::map<std::string, Ratio> ratios;
    for_all(trainee, samples, batch_size, [&](const Tensors& given, const data::Batch& batch) {
        const Tensors wanted = batch.targets();
        for (const auto& [name, metric] : metrics)
            if (metric.is_ratio()) {
                const Ratio part = metric.ratio(given, wanted);
                ratios[name].sum += part.sum;
                ratios[name].count += part.count;
            }
        if (!joins) return;
        check_rows_of(given, batch);
        outputs.add(given);
        targets.add(wanted);
    });
    const Tensors all_outputs = outputs.joined(), all_targets = targets.joined();
    std::map<std::string, double> figures;
    for (const auto& [name, metric] : metrics)
        figures[name] =
            metric.is_ratio() ? ratios[name].sum / ratios[name].count : metric(all_outputs, all_targets);
    return figures;
}

}  // namespace adjoint::train
