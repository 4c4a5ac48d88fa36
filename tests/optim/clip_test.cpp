// Gradient clipping: one norm over all, never a larger gradient, NaN in sight.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include <adjoint/core/base/error.h>
#include <adjoint/core/tensor/creation.h>
#include <adjoint/optim/clip.h>

namespace adjoint::optim {
namespace {

using Vector = std::vector<double>;

std::vector<Tensor> with_gradients(const std::vector<Vector>& gradients) {
    std::vector<Tensor> result;
    for (const Vector& g : gradients) {
        const auto n = static_cast<std::int64_t>(g.size());
        result.push_back(zeros({n}, {.dtype = f64, .requires_grad = true}));
        result.back().set_grad(tensor(g, {n}));
    }
    return result;
}

TEST(ClipGradNorm, UsesTheNormOfAllGradients) {
    std::vector<Tensor> x = with_gradients({{3, 0}, {0, 0, 4}});
    x.push_back(zeros({2}, {.dtype = f64, .requires_grad = true}));  // no gradient
    EXPECT_DOUBLE_EQ(clip_grad_norm_(x, 1).item(), 5);
    const double factor = 1 / (5 + 1e-6);
    EXPECT_DOUBLE_EQ(x[0].grad().to_vector<double>()[0], 3 * factor);
    EXPECT_DOUBLE_EQ(x[1].grad().to_vector<double>()[2], 4 * factor);
    EXPECT_FALSE(x[2].grad().defined());
}

TEST(ClipGradNorm, NeverScalesUp) {
    const std::vector<Tensor> x = with_gradients({{0.3}, {0.4}});
    EXPECT_DOUBLE_EQ(clip_grad_norm_(x, 100).item(), 0.5);
    EXPECT_EQ(x[0].grad().item(), 0.3);
    EXPECT_EQ(x[1].grad().item(), 0.4);
    EXPECT_EQ(clip_grad_norm_(std::vector<Tensor>{}, 1).item(), 0);
}

TEST(ClipGradNorm, OtherNorms) {
    const std::vector<Tensor> x = with_gradients({{1, -2}, {-8}});
    EXPECT_DOUBLE_EQ(clip_grad_norm_(x, 100, {.norm_type = 1}).item(), 11);
    EXPECT_DOUBLE_EQ(clip_grad_norm_(x, 4, {.norm_type = std::numeric_limits<double>::infinity()}).item(), 8);
    EXPECT_NEAR(x[1].grad().item(), -4, 1e-5);
}

TEST(ClipGradNorm, NaNIsAnErrorOrVisible) {
    const double nan = std::numeric_limits<double>::quiet_NaN();
    const std::vector<Tensor> x = with_gradients({{1, 2}, {nan}});
    EXPECT_THROW(clip_grad_norm_(x, 1, {.error_if_nonfinite = true}), ValueError);
    EXPECT_EQ(x[0].grad().to_vector<double>(), (Vector{1, 2}));
    EXPECT_TRUE(std::isnan(clip_grad_norm_(x, 1).item()));
    EXPECT_TRUE(std::isnan(x[0].grad().to_vector<double>()[0]));
    EXPECT_THROW(clip_grad_norm_(x, -1), ValueError);
}

TEST(ClipGradValue, LimitsEachElement) {
    const std::vector<Tensor> x = with_gradients({{3, -0.5}, {-7}});
    clip_grad_value_(x, 1);
    EXPECT_EQ(x[0].grad().to_vector<double>(), (Vector{1, -0.5}));
    EXPECT_EQ(x[1].grad().item(), -1);
    EXPECT_THROW(clip_grad_value_(x, -1), ValueError);
}

}  // namespace
}  // namespace adjoint::optim
