// The data sets. Each function is also part of the programs that the playground writes: it stands by itself.
#include <adjoint/playground/points.h>

#include <numbers>

#include <adjoint/autograd/ops/arithmetic.h>
#include <adjoint/autograd/ops/elementwise.h>
#include <adjoint/autograd/ops/linalg.h>
#include <adjoint/autograd/ops/rearrange.h>
#include <adjoint/autograd/ops/reduce.h>
#include <adjoint/autograd/ops/shape.h>
#include <adjoint/core/tensor/creation.h>

namespace adjoint::playground {

// A disc of one class, and a ring of the other around it.
Points circle(std::int64_t count, double noise) {
    const Tensor y = cat({ones({count / 2, 1}), full({count - count / 2, 1}, -1)});
    const Tensor place = rand({count, 1}), angle = rand({count, 1}) * (2 * std::numbers::pi);
    const Tensor radius = where(y > 0, 2.5 * place, 3.5 + 1.5 * place);
    const Tensor x = cat({radius * sin(angle), radius * cos(angle)}, 1);
    return {x + 2 * noise * randn({count, 2}), y};
}

// Four squares, of one class where the signs of x1 and x2 agree.
Points exclusive_or(std::int64_t count, double noise) {
    const Tensor place = 10 * rand({count, 2}) - 5;
    const Tensor x = place + 0.3 * sign(place);
    const Tensor y = sign(prod(x, {1}, true));
    return {x + 2 * noise * randn({count, 2}), y};
}

// Two clouds, wider with more noise.
Points gauss(std::int64_t count, double noise) {
    const Tensor y = cat({ones({count / 2, 1}), full({count - count / 2, 1}, -1)});
    return {2 * y + (0.7 + 2 * noise) * randn({count, 2}), y};
}

// Two arms around each other.
Points spiral(std::int64_t count, double noise) {
    const Tensor y = cat({ones({count / 2, 1}), full({count - count / 2, 1}, -1)});
    const Tensor radius = 0.6 + 4.4 * rand({count, 1});
    const Tensor angle = 0.7 * std::numbers::pi * radius;
    const Tensor x = y * cat({radius * sin(angle), radius * cos(angle)}, 1);
    return {x + 2 * noise * randn({count, 2}), y};
}

// A plane that rises from one corner to the other.
Points plane(std::int64_t count, double noise) {
    const Tensor x = 12 * rand({count, 2}) - 6;
    return {x, sum(x, {1}, true) / 12 + noise * randn({count, 1})};
}

// Three hills and three hollows, bells of width 1.5.
Points hills(std::int64_t count, double noise) {
    const Tensor x = 12 * rand({count, 2}) - 6;
    const Tensor centers = tensor({{-4, 2.5}, {0, 2.5}, {4, 2.5}, {-4, -2.5}, {0, -2.5}, {4, -2.5}});
    const Tensor heights = unsqueeze(tensor({1, -1, 1, -1, 1, -1}), 1);
    const Tensor distance = norm(unsqueeze(x, 1) - centers, 2, {2});
    return {x, matmul(exp(-0.5 * square(distance / 1.5)), heights) + noise * randn({count, 1})};
}

}  // namespace adjoint::playground
