// Columns of numbers made ready for a network: standardised by the training data, raised to powers.
#pragma once

#include <cstdint>

#include <adjoint/core/tensor/tensor.h>

namespace adjoint::data {

/// Columns brought to mean 0 and standard deviation 1. What is fitted on the training data is applied to all
/// other data as it is, so that nothing of the test data is known in training.
class ADJOINT_API Standardizer {
  public:
    /// Takes mean and standard deviation (of the population, dividing by N) of each column of x.
    /// shapes: (N, columns), N at least 1.
    /// dtypes: f32, f64.
    /// errors: ShapeError; DTypeError; ValueError naming the column of a number that is not finite.
    static Standardizer fit(const Tensor& x);

    /// (x - mean) / std for each column; a column that was constant in the fit becomes x - mean.
    /// errors: ShapeError for another number of columns; DTypeError for another type than that of the fit.
    Tensor transform(const Tensor& x) const;
    /// x std + mean: what transform() was given.
    /// errors: as transform().
    Tensor inverse(const Tensor& x) const;

    const Tensor& mean() const noexcept { return mean_; }  ///< (columns)
    const Tensor& std() const noexcept { return std_; }    ///< (columns); 1 for a constant column

  private:
    Standardizer(Tensor mean, Tensor std);

    Tensor mean_, std_;
};

/// x, x^2 .. x^degree as columns, or 1, x, x^2 .. with `bias`.
/// shapes: (N) or (N, 1) -> (N, degree), or (N, degree + 1).
/// dtypes: f32, f64.
/// errors: ShapeError; DTypeError; ValueError for a degree below 0, and below 1 without `bias`.
ADJOINT_API Tensor polynomial_features(const Tensor& x, std::int64_t degree, bool bias = false);

}  // namespace adjoint::data
