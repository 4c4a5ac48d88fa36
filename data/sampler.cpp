// Samplers made of the counter-based generator and the keyed shuffle.
#include <adjoint/data/sampler.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include <adjoint/core/base/format.h>
#include <adjoint/core/contract/random.h>
#include <adjoint/core/tensor/creation.h>
#include <adjoint/core/tensor/weighted_draw.h>

namespace adjoint::data {
namespace {

using SampleNumbers = std::vector<std::int64_t>;

SampleNumbers shuffled(SampleNumbers list, std::uint64_t seed, std::uint64_t epoch) {
    if (list.empty()) return list;
    const IndexShuffle shuffle(list.size(), seed, epoch);
    SampleNumbers out(list.size());
    for (std::size_t i = 0; i < list.size(); ++i) out[i] = list[static_cast<std::size_t>(shuffle(i))];
    return out;
}

void check_samples(std::size_t known, std::int64_t samples) {
    check<ShapeError>(static_cast<std::int64_t>(known) == samples,
                      "loader: the sampler is for {} samples, the set has {}", known, samples);
}

std::vector<std::int64_t> class_numbers(const char* op, const Tensor& classes) {
    check<ShapeError>(classes.dim() == 1 && classes.numel() > 0,
                      "{}: classes of shape {}, expected (n), one for each sample", op, classes.shape());
    check<DTypeError>(!is_floating(classes.dtype()), "{}: classes are {}, expected integers", op,
                      name(classes.dtype()));
    return classes.to_vector<std::int64_t>();
}

}  // namespace

Sampler weighted_sampler(std::span<const double> weights, const WeightedSamplerOptions& options) {
    std::int64_t positive = 0;
    for (const double weight : weights) {
        check<ValueError>(std::isfinite(weight) && weight >= 0, "weighted_sampler: a weight of {}", weight);
        positive += weight > 0;
    }
    const std::int64_t count = options.count ? options.count : static_cast<std::int64_t>(weights.size());
    check<ValueError>(positive > 0 && count > 0 && (options.replacement || count <= positive),
                      "weighted_sampler: {} samples of {} with a positive weight{}", count, positive,
                      options.replacement ? "" : ", each once");
    return {.order =
                [weights = std::vector<double>(weights.begin(), weights.end()), count,
                 draw = options.replacement ? drawn_with_replacement : drawn_without_replacement](
                    std::int64_t samples, std::uint64_t seed, std::uint64_t epoch) {
                    check_samples(weights.size(), samples);
                    return draw(weights, count, {seed, epoch}, 0);
                },
            .count = count};
}

Sampler subset_sampler(std::vector<std::int64_t> samples, const SubsetSamplerOptions& options) {
    check<ValueError>(!samples.empty(), "subset_sampler: no samples");
    const auto count = static_cast<std::int64_t>(samples.size());
    return {.order = [samples = std::move(samples), shuffle = options.shuffle](
                         std::int64_t, std::uint64_t seed,
                         std::uint64_t epoch) { return shuffle ? shuffled(samples, seed, epoch) : samples; },
            .count = count};
}

Sampler balanced_sampler(const Tensor& classes, std::int64_t count) {
    check<ValueError>(count >= 0, "balanced_sampler: {} samples", count);
    const std::vector<std::int64_t> of = class_numbers("balanced_sampler", classes);
    std::map<std::int64_t, SampleNumbers> members;
    for (std::size_t i = 0; i < of.size(); ++i) members[of[i]].push_back(static_cast<std::int64_t>(i));
    if (count == 0) count = classes.numel();
    const auto order = [members = std::move(members), count, known = of.size()](
                           std::int64_t samples, std::uint64_t seed, std::uint64_t epoch) {
        check_samples(known, samples);
        SampleNumbers out;
        // One of each class in turn; the members of a class go round in an order of their own.
        std::vector<SampleNumbers> rounds;
        for (const auto& [label, list] : members)
            rounds.push_back(shuffled(list, seed + static_cast<std::uint64_t>(rounds.size()) + 1, epoch));
        for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i) {
            const SampleNumbers& list = rounds[i % rounds.size()];
            out.push_back(list[i / rounds.size() % list.size()]);
        }
        return shuffled(std::move(out), seed, epoch);
    };
    return {.order = order, .count = count};
}

Tensor class_weights(const Tensor& labels, std::int64_t classes) {
    check<ValueError>(classes > 0, "class_weights: {} classes", classes);
    std::vector<double> counts(static_cast<std::size_t>(classes));
    for (const std::int64_t label : class_numbers("class_weights", labels)) {
        check<IndexError>(label >= 0 && label < classes, "class_weights: class {} of {}", label, classes);
        ++counts[static_cast<std::size_t>(label)];
    }
    std::vector<float> weights;
    for (const double count : counts)
        weights.push_back(count > 0 ? static_cast<float>(static_cast<double>(labels.numel()) /
                                                         (static_cast<double>(classes) * count))
                                    : 0.0f);
    return tensor(weights, {classes}, Device::cpu());
}

}  // namespace adjoint::data
