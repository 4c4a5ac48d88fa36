// Counts and sums over the outputs of a model.
#include <adjoint/train/watch/metrics.h>

#include <algorithm>
#include <cmath>

#include <adjoint/autograd/ops/arithmetic.h>
#include <adjoint/autograd/ops/elementwise.h>
#include <adjoint/autograd/ops/reduce.h>
#include <adjoint/autograd/record/grad_mode.h>
#include <adjoint/core/base/format.h>
#include <adjoint/core/tensor/creation.h>

namespace adjoint::train {
namespace {

using Numbers = std::vector<std::int64_t>;

Numbers class_numbers(const char* op, const char* what, const Tensor& x) {
    check<DTypeError>(!is_floating(x.dtype()), "{}: {} are {}, expected class numbers (integers)", op, what,
                      name(x.dtype()));
    return x.to(i64).to_vector<std::int64_t>();
}

// Targets and predictions, with all numbers in [0, classes).
struct Labels {
    Numbers predicted, target;
    std::int64_t classes = 0;

    Labels(const char* op, const Tensor& outputs, const Tensor& targets) {
        check<ShapeError>(targets.dim() == 1 && targets.numel() > 0 &&
                              (outputs.dim() == 1 || outputs.dim() == 2) &&
                              outputs.shape()[0] == targets.shape()[0],
                          "{}: outputs {} and targets {}, expected (n, classes) or (n), and (n)", op,
                          outputs.shape(), targets.shape());
        const bool scores = outputs.dim() == 2;
        check<ShapeError>(!scores || outputs.shape()[1] > 0, "{}: outputs of shape {} have no classes", op,
                          outputs.shape());
        target = class_numbers(op, "targets", targets);
        predicted = class_numbers(op, "outputs", scores ? argmax(outputs, 1) : outputs);
        classes = scores ? outputs.shape()[1]
                         : 1 + std::max(*std::max_element(predicted.begin(), predicted.end()),
                                        *std::max_element(target.begin(), target.end()));
        for (const Numbers* numbers : {&target, &predicted})
            for (const std::int64_t number : *numbers)
                check<IndexError>(number >= 0 && number < classes, "{}: class {} is outside [0, {})", op,
                                  number, classes);
    }
};

double ratio(double part, double whole) { return whole > 0 ? part / whole : 0; }

struct Pair {
    Tensor outputs, targets;
};
// Both as f64, where shapes agree.
Pair numbers(const char* op, const Tensor& outputs, const Tensor& targets) {
    check<ShapeError>(outputs.shape() == targets.shape() && outputs.numel() > 0,
                      "{}: outputs {} and targets {} differ in shape, or are empty", op, outputs.shape(),
                      targets.shape());
    return {outputs.detach().to(f64), targets.detach().to(f64)};
}

}  // namespace

double accuracy(const Tensor& outputs, const Tensor& targets) {
    const NoGrad guard;
    const Labels labels("accuracy", outputs, targets);
    std::int64_t right = 0;
    for (std::size_t i = 0; i < labels.target.size(); ++i) right += labels.predicted[i] == labels.target[i];
    return static_cast<double>(right) / static_cast<double>(labels.target.size());
}

double top_k_accuracy(const Tensor& outputs, const Tensor& targets, std::int64_t k) {
    const NoGrad guard;
    check<ShapeError>(outputs.dim() == 2, "top_k_accuracy: outputs {}, expected (n, classes)",
                      outputs.shape());
    const Labels labels("top_k_accuracy", outputs, targets);
    check<ValueError>(k >= 1 && k <= labels.classes, "top_k_accuracy: k = {} of {} classes", k,
                      labels.classes);
    const std::vector<double> values = outputs.detach().to(f64).to_vector<double>();
    std::int64_t right = 0;
    for (std::size_t i = 0; i < labels.target.size(); ++i) {
        const double* row = values.data() + i * static_cast<std::size_t>(labels.classes);
        const std::int64_t target = labels.target[i];
        std::int64_t ahead = 0;
        for (std::int64_t j = 0; j < labels.classes; ++j)
            ahead += row[j] > row[target] || (j < target && row[j] == row[target]);
        // Nothing compares with NaN: it is not among the largest of anything.
        right += ahead < k && !std::isnan(row[target]);
    }
    return static_cast<double>(right) / static_cast<double>(labels.target.size());
}

Tensor confusion_matrix(const Tensor& outputs, const Tensor& targets) {
    const NoGrad guard;
    const Labels labels("confusion_matrix", outputs, targets);
    Numbers counts(static_cast<std::size_t>(labels.classes * labels.classes));
    for (std::size_t i = 0; i < labels.target.size(); ++i)
        ++counts[static_cast<std::size_t>(labels.target[i] * labels.classes + labels.predicted[i])];
    return tensor(counts, {labels.classes, labels.classes}, Device::cpu());
}

Classification classification(const Tensor& outputs, const Tensor& targets) {
    const Numbers counts = confusion_matrix(outputs, targets).to_vector<std::int64_t>();
    const auto classes =
        static_cast<std::size_t>(std::llround(std::sqrt(static_cast<double>(counts.size()))));
    Classification result;
    double right = 0;
    for (std::size_t i = 0; i < classes; ++i) {
        std::int64_t predicted = 0;
        ClassScore score;
        for (std::size_t j = 0; j < classes; ++j) {
            score.support += counts[i * classes + j];
            predicted += counts[j * classes + i];
        }
        const auto found = static_cast<double>(counts[i * classes + i]);
        score.precision = ratio(found, static_cast<double>(predicted));
        score.recall = ratio(found, static_cast<double>(score.support));
        score.f1 = ratio(2 * score.precision * score.recall, score.precision + score.recall);
        right += found;
        result.macro.precision += score.precision / static_cast<double>(classes);
        result.macro.recall += score.recall / static_cast<double>(classes);
        result.macro.f1 += score.f1 / static_cast<double>(classes);
        result.macro.support += score.support;
        result.classes.push_back(score);
    }
    result.accuracy = right / static_cast<double>(result.macro.support);
    return result;
}

double rmse(const Tensor& outputs, const Tensor& targets) {
    const NoGrad guard;
    const Pair of = numbers("rmse", outputs, targets);
    return std::sqrt(mean(square(of.outputs - of.targets)).item());
}

double mae(const Tensor& outputs, const Tensor& targets) {
    const NoGrad guard;
    const Pair of = numbers("mae", outputs, targets);
    return mean(abs(of.outputs - of.targets)).item();
}

double r2(const Tensor& outputs, const Tensor& targets) {
    const NoGrad guard;
    const Pair of = numbers("r2", outputs, targets);
    const double left = sum(square(of.outputs - of.targets)).item();
    const double spread = sum(square(of.targets - mean(of.targets))).item();
    if (spread == 0) return left == 0 ? 1 : 0;
    return 1 - left / spread;
}

}  // namespace adjoint::train
