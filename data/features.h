// Columns of numbers made ready for a network: what is missing filled, standardised by the training data,
// raised to powers. What is fitted has a state, to be saved with the model (joined(), data/state.h).
#pragma once

#include <cstdint>
#include <vector>

#include <adjoint/core/tensor/tensor.h>
#include <adjoint/data/safetensors.h>

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

    /// mean and std; load() makes one of them.
    /// errors of load: ValueError for what is no state of one.
    NamedTensors state() const;
    static Standardizer load(const NamedTensors& state);

  private:
    Standardizer(Tensor mean, Tensor std);

    Tensor mean_, std_;
};

/// What takes the place of a missing number: what those that are there have, or a constant.
struct Fill {
    enum Kind : std::uint8_t { mean, median, most_frequent, constant };
    Kind kind = mean;
    double value = 0;  ///< the constant

    constexpr Fill(Kind of_column = mean) : kind(of_column) {}
    constexpr Fill(double number) : kind(constant), value(number) {}
};

/// Columns whose missing numbers, NaN, are filled by what the training data has. Of two middle numbers the
/// median is the mean, of equally frequent ones the smallest is taken.
class ADJOINT_API Imputer {
  public:
    /// Finds the value of each column of x, all by one rule, or each by its own: fit(x, {Fill::median, 0.0}).
    /// shapes: (N, columns), N at least 1.
    /// dtypes: f32, f64.
    /// errors: ShapeError; DTypeError; ValueError naming the column of a number that is infinite, of nothing
    /// but NaN unless it is filled by a constant, and for a number of rules that is not that of the columns.
    static Imputer fit(const Tensor& x, Fill fill = {});
    static Imputer fit(const Tensor& x, const std::vector<Fill>& fills);

    /// x with values() in the place of NaN.
    /// errors: ShapeError for another number of columns; DTypeError for another type than that of the fit.
    Tensor transform(const Tensor& x) const;

    const Tensor& values() const noexcept { return values_; }  ///< (columns)

    /// values; load() makes one of them.
    /// errors of load: ValueError for what is no state of one.
    NamedTensors state() const;
    static Imputer load(const NamedTensors& state);

  private:
    explicit Imputer(Tensor values);

    Tensor values_;
};

/// x, x^2 .. x^degree as columns, or 1, x, x^2 .. with `bias`.
/// shapes: (N) or (N, 1) -> (N, degree), or (N, degree + 1).
/// dtypes: f32, f64.
/// errors: ShapeError; DTypeError; ValueError for a degree below 0, and below 1 without `bias`.
ADJOINT_API Tensor polynomial_features(const Tensor& x, std::int64_t degree, bool bias = false);

}  // namespace adjoint::data
