// How good outputs are, over all samples at once: what predict() gives against the targets.
//
//     const Tensor outputs = train::predict(model, set);
//     train::accuracy(outputs, set.targets);
//     train::classification(outputs, set.targets).macro.f1;
//
// outputs: (n, classes), of which the largest is the predicted class (ties: the first), or (n) class numbers.
// targets: (n) class numbers.
// errors of all for classes: ShapeError for other shapes or no samples; DTypeError unless class numbers are
// integers; IndexError for a class outside the outputs' columns.
#pragma once

#include <cstdint>
#include <vector>

#include <adjoint/core/tensor/tensor.h>

namespace adjoint::train {

/// Fraction of samples whose predicted class is the target.
ADJOINT_API double accuracy(const Tensor& outputs, const Tensor& targets);

/// Fraction of samples whose target is among the k largest outputs (fewer than k outputs exceed the target's,
/// equal ones in front of it counted).
/// errors: ValueError unless 1 <= k <= classes.
ADJOINT_API double top_k_accuracy(const Tensor& outputs, const Tensor& targets, std::int64_t k);

/// C[i, j] = number of samples of class i that are predicted as class j.
/// shapes: (classes, classes), i64. With (n) class numbers as outputs there are as many classes as the
/// largest number met says.
ADJOINT_API Tensor confusion_matrix(const Tensor& outputs, const Tensor& targets);

/// Of one class, or the mean over classes. Where a denominator is 0 the value is 0.
struct ClassScore {
    double precision = 0;      ///< C[i, i] / sum_j C[j, i]: how many of those predicted as i are i
    double recall = 0;         ///< C[i, i] / sum_j C[i, j]: how many of class i were found
    double f1 = 0;             ///< 2 precision recall / (precision + recall)
    std::int64_t support = 0;  ///< sum_j C[i, j]: samples of the class
};
/// Figures of a classification, of all classes and of each.
struct Classification {
    std::vector<ClassScore> classes;
    ClassScore macro;  ///< the plain mean over all classes; support is n
    double accuracy = 0;
};
/// Figures of class scores against class numbers.
ADJOINT_API Classification classification(const Tensor& outputs, const Tensor& targets);

/// sqrt(mean (outputs - targets)^2), computed in f64, as the two below.
/// errors of all three: ShapeError unless shapes agree and are not empty.
ADJOINT_API double rmse(const Tensor& outputs, const Tensor& targets);
/// mean |outputs - targets|
ADJOINT_API double mae(const Tensor& outputs, const Tensor& targets);
/// 1 - sum (outputs - targets)^2 / sum (targets - mean targets)^2, over all elements; for constant targets 1
/// if the outputs are right, else 0.
ADJOINT_API double r2(const Tensor& outputs, const Tensor& targets);

}  // namespace adjoint::train
