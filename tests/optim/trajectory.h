// Runs an optimizer beside plain doubles that move by a formula written out in the test.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <vector>

#include <adjoint/core/tensor/creation.h>
#include <adjoint/optim/optimizer.h>

namespace adjoint::optim {

using Vector = std::vector<double>;

inline constexpr int steps = 20;
inline const Vector start = {1.5, -0.75, 0.25, 3.0, -2.0};

/// A gradient that depends on the parameter and the time, and changes sign.
inline double gradient_at(double p, int t) { return 0.8 * p + std::sin(1.3 * t + p) - 0.2; }

inline Tensor parameter(const Vector& values, DType dtype = f64) {
    const Tensor x = tensor(values, {static_cast<std::int64_t>(values.size())}).to(dtype);
    x.set_requires_grad();
    return x;
}

inline void give_gradient(const Tensor& x, int t) {
    Vector g = x.to_vector<double>();
    for (double& value : g) value = gradient_at(value, t);
    x.set_grad(tensor(g, x.shape()).to(x.dtype()));
}

/// Moves one number: p, gradient, memory, t from 1.
using Reference = std::function<void(double&, double, Vector&, int)>;

inline void expect_trajectory(Optimizer& optimizer, const Tensor& x, const Reference& reference) {
    Vector expected = x.to_vector<double>();
    std::vector<Vector> memory(expected.size(), Vector(3, 0.0));
    for (int t = 1; t <= steps; ++t) {
        give_gradient(x, t);
        optimizer.step();
        for (std::size_t i = 0; i < expected.size(); ++i)
            reference(expected[i], gradient_at(expected[i], t), memory[i], t);
        const Vector got = x.to_vector<double>();
        for (std::size_t i = 0; i < expected.size(); ++i)
            ASSERT_NEAR(got[i], expected[i], 1e-12 * std::max(1.0, std::abs(expected[i]))) << "step " << t;
    }
}

}  // namespace adjoint::optim
