// Exercise 12, lecture L5.3: a polynomial through noisy samples with a ridge penalty, without descent.
//
// The w that makes |X w - y|^2 + lambda |w|^2 least solves (X^T X + lambda I) w = X^T y. Useful: matmul, t,
// eye(n, f64), the identity, and solve(), which is given.
#include "../exercise.h"

using namespace adjoint;

// The w of a w = b, for a symmetric a that is positive: Gauss' elimination, then from the last row up.
Tensor solve(const Tensor& a, const Tensor& b) {
    const Tensor rows = a.clone(), w = b.clone();
    const std::int64_t n = a.size(0);
    for (std::int64_t i = 0; i < n; ++i)
        for (std::int64_t k = i + 1; k < n; ++k) {
            const Tensor factor = rows(k, i) / rows(i, i);
            rows(k) = rows(k) - factor * rows(i);
            w(k) = w(k) - factor * w(i);
        }
    for (std::int64_t i = n - 1; i >= 0; --i) {
        for (std::int64_t k = i + 1; k < n; ++k) w(i) = w(i) - rows(i, k) * w(k);
        w(i) = w(i) / rows(i, i);
    }
    return w;
}

// Of x (N): the columns 1, x, x^2, .., x^order, so (N, order + 1).
Tensor powers_of(const Tensor& x, int order) {
    std::vector<Tensor> columns;
    for (int power = 0; power <= order; ++power) {
        columns.push_back(pow(x, power));
    }
    return stack(columns, 1);
}

Tensor ridge(const Tensor& x, const Tensor& y, double lambda) {
    const Tensor a = matmul(t(x), x) + lambda * eye(x.size(1), f64);
    return solve(a, matmul(t(x), y));
}
