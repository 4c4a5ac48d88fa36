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

TEST(PolynomialFeatures, ArePowers) {
    const Tensor x = tensor({2, -3});
    EXPECT_TRUE(same(polynomial_features(x, 3), tensor({{2, 4, 8}, {-3, 9, -27}})));
    EXPECT_TRUE(same(polynomial_features(x, 2, true), tensor({{1, 2, 4}, {1, -3, 9}})));
    EXPECT_TRUE(same(polynomial_features(full({1, 1}, 2), 0, true), ones({1, 1})));
    EXPECT_THROW(polynomial_features(x, 0), ValueError);
    EXPECT_THROW(polynomial_features(x, -1, true), ValueError);
    EXPECT_THROW(polynomial_features(empty({2, 2}), 2), ShapeError);
    EXPECT_THROW(polynomial_features(tensor<std::int64_t>({1}, {1}), 2), DTypeError);
}

}  // namespace
}  // namespace adjoint::data
