// Passes over a data set without training.
#include <adjoint/train/evaluate.h>

#include <algorithm>
#include <vector>

#include <adjoint/autograd/ops/rearrange.h>
#include <adjoint/autograd/record/grad_mode.h>
#include <adjoint/core/base/format.h>

namespace adjoint::train {
namespace {

// Batches first, first + 1, ..; -1 for all there are.
struct Range {
    std::int64_t first = 0, count = -1;
};

// visit(outputs, batch) for batches in evaluation mode.
template <class Visit>
void for_all(const Trainee& trainee, const data::Samples& samples, std::int64_t batch_size,
             const Visit& visit, const Range& range = {}) {
    const NoGrad guard;
    const nn::EvaluationMode mode;
    data::Loader loader(
        samples,
        {.batch_size = batch_size, .shuffle = false, .workers = trainee.workers, .device = trainee.device});
    loader.set_state({.next_batch = range.first});
    data::Batch batch;
    for (std::int64_t i = 0; i != range.count && loader.next(batch); ++i)
        visit(trainee.forward(batch), batch);
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

Totals totals_of(const Trainee& trainee, const data::Samples& samples, std::int64_t batch_size,
                 const Range& range = {}) {
    Totals totals;
    const auto add = [&](const Tensors& outputs, const data::Batch& batch) {
        totals.count(batch.size());
        totals.add(trainee.loss(outputs, batch), outputs[0], batch.y);
    };
    for_all(trainee, samples, batch_size, add, range);
    return totals;
}

}  // namespace

Score evaluate(const Trainee& trainee, const data::Samples& samples, std::int64_t batch_size) {
    return totals_of(trainee, samples, batch_size).score();
}

Score evaluate(const Trainee& trainee, const data::Samples& samples, const distributed::Group& group,
               std::int64_t batch_size) {
    if (samples.is_stream()) return totals_of(trainee, samples, batch_size).score(group);
    check<ValueError>(batch_size >= 1, "evaluate: batch size {}, expected at least 1", batch_size);
    // Whole batches: what one of them draws is the same whoever has it.
    const std::int64_t batches = (samples.size() + batch_size - 1) / batch_size, ranks = group.size();
    const auto first = [&](std::int64_t rank) {
        return batches / ranks * rank + std::min(rank, batches % ranks);
    };
    const Range own{first(group.rank()), first(group.rank() + 1) - first(group.rank())};
    return totals_of(trainee, samples, batch_size, own).score(group);
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
