// Dropout: what it keeps, how often, and that its gradient takes the same mask.
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include <adjoint/autograd/backward/gradcheck_gtest.h>
#include <adjoint/autograd/ops/arithmetic.h>
#include <adjoint/autograd/ops/dropout.h>
#include <adjoint/autograd/ops/elementwise.h>
#include <adjoint/autograd/ops/reduce.h>
#include <adjoint/autograd/ops/shape.h>
#include <adjoint/core/base/error.h>
#include <adjoint/core/contract/generator.h>
#include <adjoint/core/tensor/creation.h>

namespace adjoint {
namespace {

TEST(Dropout, KeepsAndScales) {
    manual_seed(1);
    const Tensor y = dropout(ones({100, 100}, {.dtype = f64}), 0.2);
    int kept = 0;
    for (const double v : y.to_vector<double>()) {
        if (v == 0) continue;
        EXPECT_DOUBLE_EQ(v, 1.25);
        ++kept;
    }
    EXPECT_NEAR(kept, 8000, 4 * 40);  // four standard deviations
}

TEST(Dropout, TheSeedDecides) {
    const Tensor x = ones({64});
    manual_seed(7);
    const std::vector<float> first = dropout(x).to_vector<float>(), second = dropout(x).to_vector<float>();
    EXPECT_NE(first, second);
    manual_seed(7);
    EXPECT_EQ(dropout(x).to_vector<float>(), first);
    manual_seed(7);
    const Tensor transposed = t(reshape(x, {8, 8}));
    EXPECT_EQ(dropout(transposed).to_vector<float>(), first) << "the mask belongs to places, not to memory";
}

TEST(Dropout, TheGradientTakesTheSameMask) {
    manual_seed(3);
    const Tensor x = full({4, 8}, 2.0, {.dtype = f64, .requires_grad = true});
    const Tensor y = dropout(x, 0.5);
    y.backward(t(reshape(full({32}, 3.0, {.dtype = f64}), {8, 4})));
    const std::vector<double> value = y.to_vector<double>(), slope = x.grad().to_vector<double>();
    for (std::size_t i = 0; i < value.size(); ++i) EXPECT_DOUBLE_EQ(slope[i], value[i] / 2 * 3);
}

TEST(Dropout, DerivativesOfBothOrders) {
    const Tensor x = tensor(std::vector<double>{0.5, -1, 2, 1.5, -0.25, 3}, {2, 3}).set_requires_grad();
    const auto f = [](const Tensor& v) {
        manual_seed(11);
        return square(dropout(v, 0.4));
    };
    EXPECT_GRAD_OK(f, x);
    EXPECT_GRADGRAD_OK(f, x);
}

TEST(Dropout, EndsOfTheRange) {
    const Tensor x = ones({5}, {.requires_grad = true});
    EXPECT_EQ(dropout(x, 1).to_vector<float>(), std::vector<float>(5, 0.0f));
    EXPECT_EQ(dropout(x, 0).to_vector<float>(), std::vector<float>(5, 1.0f));
    EXPECT_EQ(dropout(x, 0.5, false).to_vector<float>(), std::vector<float>(5, 1.0f));
    EXPECT_THROW(dropout(x, 1.5), ValueError);
    EXPECT_THROW(dropout(x, NAN), ValueError);
    const Tensor y = dropout(x, 1);
    sum(y).backward();
    EXPECT_EQ(x.grad().to_vector<float>(), std::vector<float>(5, 0.0f));
    EXPECT_EQ(dropout(zeros({0, 3})).numel(), 0);
}

}  // namespace
}  // namespace adjoint
