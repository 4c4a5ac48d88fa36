// Standardising columns and powers of a column: plain loops over doubles.
#include <adjoint/data/features.h>

#include <cmath>
#include <utility>
#include <vector>

#include <adjoint/core/base/format.h>
#include <adjoint/core/tensor/creation.h>

namespace adjoint::data {

namespace {

void check_floating(const char* op, const Tensor& x) {
    check<DTypeError>(x.dtype() == DType::f32 || x.dtype() == DType::f64,
                      "{}: {} numbers, expected f32 or f64; convert with to(f32)", op, name(x.dtype()));
}

Tensor like(const Tensor& x, const std::vector<double>& values, const Shape& shape) {
    return tensor(values, shape, {.dtype = x.dtype(), .device = x.device()});
}

// f(value, number of the column) for every element of the table x.
template <class F> Tensor by_column(const Tensor& x, F f) {
    std::vector<double> values = x.to_vector<double>();
    const auto columns = static_cast<std::size_t>(x.size(1));
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = f(values[i], i % columns);
    return like(x, values, x.shape());
}

void check_table(const char* op, const Tensor& x, const Tensor& mean) {
    check<DTypeError>(x.dtype() == mean.dtype(), "{}: {} numbers, fitted on {}", op, name(x.dtype()),
                      name(mean.dtype()));
    check<ShapeError>(x.dim() == 2 && x.size(1) == mean.numel(), "{}: a table of shape {}, expected (N, {})",
                      op, x.shape(), mean.numel());
}

}  // namespace

Standardizer::Standardizer(Tensor mean, Tensor std) : mean_(std::move(mean)), std_(std::move(std)) {}

Standardizer Standardizer::fit(const Tensor& x) {
    check_floating("Standardizer::fit", x);
    check<ShapeError>(x.dim() == 2 && x.size(0) > 0,
                      "Standardizer::fit: a table of shape {}, expected (N, columns) with N of at least 1",
                      x.shape());
    const auto columns = static_cast<std::size_t>(x.size(1));
    const auto n = static_cast<double>(x.size(0));
    const std::vector<double> values = x.to_vector<double>();
    std::vector<double> mean(columns), std(columns);
    for (std::size_t i = 0; i < values.size(); ++i) {
        check<ValueError>(std::isfinite(values[i]),
                          "Standardizer::fit: row {}, column {} is {}; fill or drop what is missing first",
                          i / columns, i % columns, values[i]);
        mean[i % columns] += values[i] / n;
    }
    for (std::size_t i = 0; i < values.size(); ++i) {
        const double distance = values[i] - mean[i % columns];
        std[i % columns] += distance * distance / n;
    }
    for (std::size_t column = 0; column < columns; ++column) {
        std[column] = std::sqrt(std[column]);
        // The mean of equal numbers is off by rounding, and what is left of it is no spread.
        if (std[column] <= 1e-12 * std::abs(mean[column])) std[column] = 1;
    }
    const Shape shape{x.size(1)};
    return {like(x, mean, shape), like(x, std, shape)};
}

Tensor Standardizer::transform(const Tensor& x) const {
    check_table("Standardizer::transform", x, mean_);
    const std::vector<double> mean = mean_.to_vector<double>(), std = std_.to_vector<double>();
    return by_column(x,
                     [&](double value, std::size_t column) { return (value - mean[column]) / std[column]; });
}

Tensor Standardizer::inverse(const Tensor& x) const {
    check_table("Standardizer::inverse", x, mean_);
    const std::vector<double> mean = mean_.to_vector<double>(), std = std_.to_vector<double>();
    return by_column(x, [&](double value, std::size_t column) { return value * std[column] + mean[column]; });
}

Tensor polynomial_features(const Tensor& x, std::int64_t degree, bool bias) {
    check_floating("polynomial_features", x);
    check<ShapeError>(x.dim() == 1 || (x.dim() == 2 && x.size(1) == 1),
                      "polynomial_features: a tensor of shape {}, expected one column, (N) or (N, 1)",
                      x.shape());
    const std::int64_t lowest = bias ? 0 : 1;
    check<ValueError>(degree >= lowest, "polynomial_features: degree {}, expected at least {}", degree,
                      lowest);
    std::vector<double> features;
    for (const double value : x.to_vector<double>()) {
        double power = bias ? 1 : value;
        for (std::int64_t i = lowest; i <= degree; ++i, power *= value) features.push_back(power);
    }
    return like(x, features, {x.size(0), degree - lowest + 1});
}

}  // namespace adjoint::data
