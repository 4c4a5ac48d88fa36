// Filling and standardising columns, powers of a column: plain loops over doubles.
#include <adjoint/data/features.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>
#include <vector>

#include <adjoint/core/base/format.h>
#include <adjoint/core/tensor/creation.h>
#include <adjoint/data/state_parts.h>

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

void check_rows(const char* op, const Tensor& x) {
    check<ShapeError>(x.dim() == 2 && x.size(0) > 0,
                      "{}: a table of shape {}, expected (N, columns) with N of at least 1", op, x.shape());
}

void check_table(const char* op, const Tensor& x, const Tensor& fitted) {
    check<DTypeError>(x.dtype() == fitted.dtype(), "{}: {} numbers, fitted on {}", op, name(x.dtype()),
                      name(fitted.dtype()));
    check<ShapeError>(x.dim() == 2 && x.size(1) == fitted.numel(),
                      "{}: a table of shape {}, expected (N, {})", op, x.shape(), fitted.numel());
}

// One finite number for each column, out of a state.
Tensor column_values(const StateReader& reader, const char* part) {
    const Tensor values = reader.tensor(part, 1);
    if (values.dtype() != DType::f32 && values.dtype() != DType::f64)
        reader.refuse(fmt::format("{} is {}, expected f32 or f64", part, name(values.dtype())));
    for (const double value : values.to_vector<double>())
        if (!std::isfinite(value)) reader.refuse(fmt::format("{} has a value of {}", part, shown(value)));
    return values;
}

double median_of(const std::vector<double>& sorted) {
    const std::size_t half = sorted.size() / 2;
    return sorted.size() % 2 == 1 ? sorted[half] : std::midpoint(sorted[half - 1], sorted[half]);
}

double most_frequent_of(const std::vector<double>& sorted) {
    double most = 0;
    std::ptrdiff_t count = 0;
    for (auto at = sorted.begin(); at != sorted.end();) {
        const auto next = std::upper_bound(at, sorted.end(), *at);
        if (next - at > count) {
            count = next - at;
            most = *at;
        }
        at = next;
    }
    return most;
}

double filled_by(Fill fill, std::vector<double> present) {
    if (fill.kind == Fill::constant) return fill.value;
    std::sort(present.begin(), present.end());
    if (fill.kind == Fill::median) return median_of(present);
    if (fill.kind == Fill::most_frequent) return most_frequent_of(present);
    double mean = 0;
    for (const double value : present) mean += value / static_cast<double>(present.size());
    return mean;
}

}  // namespace

Standardizer::Standardizer(Tensor mean, Tensor std) : mean_(std::move(mean)), std_(std::move(std)) {}

Standardizer Standardizer::fit(const Tensor& x) {
    check_floating("Standardizer::fit", x);
    check_rows("Standardizer::fit", x);
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

NamedTensors Standardizer::state() const { return {{"mean", mean_}, {"std", std_}}; }

Standardizer Standardizer::load(const NamedTensors& state) {
    const StateReader reader(state, "Standardizer::load");
    Tensor mean = column_values(reader, "mean"), std = column_values(reader, "std");
    if (mean.numel() != std.numel() || mean.dtype() != std.dtype())
        reader.refuse("mean and std differ in length or type");
    for (const double value : std.to_vector<double>())
        if (value <= 0) reader.refuse(fmt::format("std has a value of {}", value));
    return {std::move(mean), std::move(std)};
}

Imputer::Imputer(Tensor values) : values_(std::move(values)) {}

Imputer Imputer::fit(const Tensor& x, Fill fill) {
    check_floating("Imputer::fit", x);
    check_rows("Imputer::fit", x);
    return fit(x, std::vector<Fill>(static_cast<std::size_t>(x.size(1)), fill));
}

Imputer Imputer::fit(const Tensor& x, const std::vector<Fill>& fills) {
    check_floating("Imputer::fit", x);
    check_rows("Imputer::fit", x);
    check<ValueError>(static_cast<std::int64_t>(fills.size()) == x.size(1),
                      "Imputer::fit: {} rules for {} columns", fills.size(), x.size(1));
    std::vector<std::vector<double>> present(fills.size());
    const std::vector<double> values = x.to_vector<double>();
    for (std::size_t i = 0; i < values.size(); ++i) {
        check<ValueError>(!std::isinf(values[i]), "Imputer::fit: row {}, column {} is {}", i / fills.size(),
                          i % fills.size(), values[i]);
        if (!std::isnan(values[i])) present[i % fills.size()].push_back(values[i]);
    }
    std::vector<double> filled;
    for (std::size_t column = 0; column < fills.size(); ++column) {
        const Fill fill = fills[column];
        check<ValueError>(fill.kind != Fill::constant || std::isfinite(fill.value),
                          "Imputer::fit: column {} is to be filled by {}", column, shown(fill.value));
        check<ValueError>(fill.kind == Fill::constant || !present[column].empty(),
                          "Imputer::fit: column {} has no numbers; leave it out, or fill it by a constant",
                          column);
        filled.push_back(filled_by(fill, std::move(present[column])));
    }
    return Imputer(like(x, filled, {x.size(1)}));
}

Tensor Imputer::transform(const Tensor& x) const {
    check_table("Imputer::transform", x, values_);
    const std::vector<double> values = values_.to_vector<double>();
    return by_column(
        x, [&](double value, std::size_t column) { return std::isnan(value) ? values[column] : value; });
}

NamedTensors Imputer::state() const { return {{"values", values_}}; }

Imputer Imputer::load(const NamedTensors& state) {
    return Imputer(column_values(StateReader(state, "Imputer::load"), "values"));
}

Tensor polynomial_features(const Tensor& x, std::int64_t degree, bool bias) {
    check_floating("polynomial_features", x);
    check<ShapeError>(x.dim() == 1 || (x.dim() == 2 && x.size(1) == 1),
                      "polynomial_features: a tensor of shape {}, expected one column, (N) or (N, 1)",
                      x.shape());
    const std::int64_t lowest = bias ? 0 : 1;
    check<ValueError>(degree >= lowest, "polynomial_features: degree {}, expected at least {}", degree,
                      lowest);
    return named("polynomial_features", [&] {
        const Tensor features = empty({x.size(0), degree - lowest + 1}, f64, Device::cpu());
        auto* feature = features.mutable_data<double>();
        for (const double value : x.to_vector<double>()) {
            double power = bias ? 1 : value;
            for (std::int64_t i = lowest; i <= degree; ++i, power *= value) *feature++ = power;
        }
        return features.to(x.dtype()).to(x.device());
    });
}

}  // namespace adjoint::data
