// A line search for the strong Wolfe conditions. Private.
#pragma once

#include <functional>

#include <adjoint/core/tensor/tensor.h>

namespace adjoint::optim {

/// The function at x + t d.
struct LinePoint {
    double t = 0, value = 0;
    Tensor gradient;
    double slope = 0;  ///< gradient . d
};

struct LineSearchResult {
    LinePoint point;
    int evaluations = 0;
};

/// A point with value <= f(0) + 1e-4 t slope(0) and |slope| <= 0.9 |slope(0)|, or the best one met: doubling
/// by cubic extrapolation from t until a minimum is enclosed, then cubic interpolation within.
/// `reach` is the largest |d_i|; an interval that moves x by less than `tolerance` is not divided further.
/// source: Nocedal and Wright, Numerical optimization, 2006, algorithms 3.5 and 3.6, equation 3.59.
LineSearchResult strong_wolfe(const std::function<LinePoint(double t)>& evaluate, const LinePoint& start,
                              double t, double reach, double tolerance);

}  // namespace adjoint::optim
