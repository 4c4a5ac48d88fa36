// Standardising and powers against numbers worked out by hand.
#include <adjoint/data/features.h>

#include <cmath>

#include "test_files.h"

namespace adjoint::data {
namespace {

Tensor four_rows() { return tensor({{1, 10, 7}, {3, 10, 7}, {5, 10, 1}, {7, 10, 1}}, {.dtype = DType::f64}); }

TEST(Standardizer, KeepsMeanAndSpreadOfItsFit) {
    const Standardizer fitted = Standardizer::fit(four_rows());
    EXPECT_EQ(fitted.mean().to_vector<double>(), (std::vector<double>{4, 10, 4}));
    EXPECT_EQ(fitted.std().to_vector<double>(), (std::vector<double>{std::sqrt(5.0), 1, 3}));
    // Other data is measured with the training data's figures, not with its own.
    const Tensor other = fitted.transform(tensor({{9, 11, 10}}, {.dtype = DType::f64}));
    EXPECT_EQ(other.to_vector<double>(), (std::vector<double>{std::sqrt(5.0), 1, 2}));
}

TEST(Standardizer, AConstantColumnBecomesZeroEvenAfterRounding) {
    const Tensor tenths = full({7, 1}, 0.1, {.dtype = DType::f64});
    const Standardizer fitted = Standardizer::fit(tenths);
    EXPECT_EQ(fitted.std().item(), 1);
    EXPECT_NEAR(fitted.transform(tenths).to_vector<double>()[0], 0, 1e-15);
}

TEST(Standardizer, InverseGivesBackWhatWasTransformed) {
    const Standardizer fitted = Standardizer::fit(four_rows());
    const std::vector<double> back = fitted.inverse(fitted.transform(four_rows())).to_vector<double>(),
                              wanted = four_rows().to_vector<double>();
    for (std::size_t i = 0; i < back.size(); ++i) EXPECT_NEAR(back[i], wanted[i], 1e-14);
}

TEST(Standardizer, RefusesWhatItCannotMeasure) {
    EXPECT_THROW(Standardizer::fit(tensor({1, 2, 3})), ShapeError);
    EXPECT_THROW(Standardizer::fit(empty({0, 3})), ShapeError);
    EXPECT_THROW(Standardizer::fit(tensor<std::int64_t>({1, 2}, {2, 1})), DTypeError);
    EXPECT_THROW(Standardizer::fit(tensor({{1, NAN}})), ValueError);
    const Standardizer fitted = Standardizer::fit(four_rows());
    EXPECT_THROW(fitted.transform(empty({2, 2}, {.dtype = DType::f64})), ShapeError);
    EXPECT_THROW(fitted.transform(empty({2, 3})), DTypeError);
    EXPECT_THROW(fitted.inverse(empty({3}, {.dtype = DType::f64})), ShapeError);
}

TEST(Standardizer, IsSavedAndLoaded) {
    const Standardizer fitted = Standardizer::fit(four_rows());
    const Standardizer loaded = Standardizer::load(fitted.state());
    EXPECT_TRUE(same(loaded.transform(four_rows()), fitted.transform(four_rows())));
    expect_error<ValueError>([] { Standardizer::load({}); }, {"Standardizer::load", "mean is missing"});
    EXPECT_THROW(Standardizer::load({{"mean", tensor({1})}, {"std", tensor({0})}}), ValueError);
    EXPECT_THROW(Standardizer::load({{"mean", ones({2})}, {"std", ones({1})}}), ValueError);
    EXPECT_THROW(Standardizer::load({{"mean", tensor({NAN})}, {"std", tensor({1})}}), ValueError);
    EXPECT_THROW(Standardizer::load({{"mean", tensor({1})}, {"std", ones({1}, {.dtype = DType::f64})}}),
                 ValueError);
    EXPECT_THROW(Standardizer::load({{"mean", arange(1)}, {"std", arange(1)}}), ValueError);
}

Tensor with_gaps() { return tensor({{1, NAN, 3}, {NAN, 5, 3}, {2, 5, 1}, {9, 8, 1}}, {.dtype = DType::f64}); }

TEST(Imputer, FillsByTheRuleOfEachColumn) {
    const auto values = [](const std::vector<Fill>& fills) {
        return Imputer::fit(with_gaps(), fills).values().to_vector<double>();
    };
    using Three = std::vector<double>;
    EXPECT_EQ(values({Fill::mean, Fill::mean, Fill::mean}), (Three{4, 6, 2}));
    EXPECT_EQ(values({Fill::median, Fill::median, Fill::median}), (Three{2, 5, 2}));
    EXPECT_EQ(values({Fill::most_frequent, Fill::most_frequent, Fill::most_frequent}), (Three{1, 5, 1}));
    EXPECT_EQ(values({-7.5, Fill::mean, 0.0}), (Three{-7.5, 6, 0}));
    EXPECT_EQ(Imputer::fit(with_gaps(), -1).values().to_vector<double>(), (Three{-1, -1, -1}));
    // What the fit has seen fills other data, not what that has itself.
    const Imputer fitted = Imputer::fit(with_gaps(), Fill::median);
    EXPECT_TRUE(same(fitted.transform(tensor({{NAN, 100, NAN}, {7, NAN, INFINITY}}, {.dtype = DType::f64})),
                     tensor({{2, 100, 2}, {7, 5, INFINITY}}, {.dtype = DType::f64})));
    // An even number of large ones does not overflow.
    EXPECT_EQ(Imputer::fit(tensor(std::vector<double>{1e308, 1.6e308}, {2, 1}), Fill::median).values().item(),
              1.3e308);
}

TEST(Imputer, IsSavedAndLoaded) {
    const Imputer fitted = Imputer::fit(with_gaps());
    EXPECT_TRUE(same(Imputer::load(fitted.state()).transform(with_gaps()), fitted.transform(with_gaps())));
    EXPECT_THROW(Imputer::load(Standardizer::fit(four_rows()).state()), ValueError);
    EXPECT_THROW(Imputer::load({{"values", tensor({NAN})}}), ValueError);
    EXPECT_THROW(Imputer::load({{"values", ones({1, 1})}}), ValueError);
}

TEST(Imputer, RefusesWhatHasNoValue) {
    expect_error<ValueError>([] { Imputer::fit(tensor({{1, NAN}, {2, NAN}})); }, {"column 1 has no numbers"});
    EXPECT_EQ(
        Imputer::fit(tensor({{1, NAN}}), std::vector<Fill>{Fill::mean, 3.0}).values().to_vector<float>(),
        (std::vector<float>{1, 3}));
    expect_error<ValueError>([] { Imputer::fit(tensor({{1, INFINITY}})); }, {"row 0, column 1 is inf"});
    expect_error<ValueError>(
        [] {
            Imputer::fit(tensor({{1, 2}}), std::vector<Fill>{Fill::mean});
        },
        {"1 rules for 2 columns"});
    EXPECT_THROW(Imputer::fit(tensor({{1, 2}}), double{NAN}), ValueError);
    EXPECT_THROW(Imputer::fit(tensor({1, 2})), ShapeError);
    EXPECT_THROW(Imputer::fit(empty({0, 2})), ShapeError);
    EXPECT_THROW(Imputer::fit(zeros({1, 2}, {.dtype = DType::i64})), DTypeError);
    EXPECT_THROW(Imputer::fit(with_gaps()).transform(ones({1, 3})), DTypeError);
    EXPECT_THROW(Imputer::fit(with_gaps()).transform(ones({1, 2}, {.dtype = DType::f64})), ShapeError);
}

TEST(PolynomialFeatures, ArePowers) {
    const Tensor x = tensor({2, -3});
    EXPECT_TRUE(same(polynomial_features(x, 3), tensor({{2, 4, 8}, {-3, 9, -27}})));
    EXPECT_TRUE(same(polynomial_features(x, 2, true), tensor({{1, 2, 4}, {1, -3, 9}})));
    EXPECT_TRUE(same(polynomial_features(full({1, 1}, 2), 0, true), ones({1, 1})));
    EXPECT_THROW(polynomial_features(x, 0), ValueError);
    EXPECT_THROW(polynomial_features(x, -1, true), ValueError);
    EXPECT_THROW(polynomial_features(x, std::int64_t{1} << 55), OutOfMemoryError);
    EXPECT_THROW(polynomial_features(empty({2, 2}), 2), ShapeError);
    EXPECT_THROW(polynomial_features(tensor<std::int64_t>({1}, {1}), 2), DTypeError);
}

}  // namespace
}  // namespace adjoint::data
