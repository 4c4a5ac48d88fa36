// k trainings on k divisions.
#include <adjoint/train/search/cross_validation.h>

#include <cmath>

#include <adjoint/core/base/format.h>
#include <adjoint/core/contract/generator.h>

namespace adjoint::train {

CrossValidation cross_validate(
    const data::Dataset& set, std::int64_t k,
    const std::function<double(const data::Dataset& training, const data::Dataset& validation)>& run,
    const data::SplitOptions& options) {
    const GeneratorState start = generator_state();
    CrossValidation result;
    for (const data::Split& fold : data::k_fold(set.size(), k, options)) {
        set_generator_state(start);
        result.scores.push_back(run(set.select(fold.train), set.select(fold.test)));
    }
    for (const double score : result.scores) result.mean += score / static_cast<double>(k);
    double squares = 0;
    for (const double score : result.scores) squares += (score - result.mean) * (score - result.mean);
    result.std = std::sqrt(squares / static_cast<double>(k - 1));
    return result;
}

std::string to_string(const CrossValidation& result) {
    return fmt::format("{:.4f} +- {:.4f} over {} folds: {:.4f}", result.mean, result.std,
                       result.scores.size(), fmt::join(result.scores, " "));
}

}  // namespace adjoint::train
