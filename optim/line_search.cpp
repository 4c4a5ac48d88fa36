// The line search of LBFGS; constants and safeguards are PyTorch's, so that its trajectories are met.
#include <adjoint/optim/line_search.h>

#include <algorithm>
#include <cmath>
#include <utility>

namespace adjoint::optim {
namespace {

constexpr double enough_decrease = 1e-4, enough_flatness = 0.9;
constexpr int most_tries = 25;

/// The minimum in [low, high] of the cubic through two points with their slopes, the middle if there is none.
double cubic_minimum(const LinePoint& a, const LinePoint& b, double low, double high) {
    const LinePoint& left = a.t <= b.t ? a : b;
    const LinePoint& right = a.t <= b.t ? b : a;
    const double d1 = left.slope + right.slope - 3 * (left.value - right.value) / (left.t - right.t);
    const double square = d1 * d1 - left.slope * right.slope;
    if (square >= 0) {
        const double d2 = std::sqrt(square);
        const double at =
            right.t - (right.t - left.t) * ((right.slope + d2 - d1) / (right.slope - left.slope + 2 * d2));
        if (std::isfinite(at)) return std::clamp(at, low, high);
    }
    return (low + high) / 2;
}

/// The next trial within [low, high]: `t`, or a tenth of the width from the end that it came close to twice.
double kept_inside(double t, double low, double high, bool& was_close) {
    const double margin = 0.1 * (high - low);
    const bool close = std::min(high - t, t - low) < margin;
    const bool again = close && (was_close || t >= high || t <= low);
    was_close = close && !again;
    if (!again) return t;
    return std::abs(t - high) < std::abs(t - low) ? high - margin : low + margin;
}

}  // namespace

LineSearchResult strong_wolfe(const std::function<LinePoint(double t)>& evaluate, const LinePoint& start,
                              double t, double reach, double tolerance) {
    // A NaN counts as too high.
    const auto too_high = [&](const LinePoint& p) {
        return !(p.value <= start.value + enough_decrease * p.t * start.slope);
    };
    const auto flat_enough = [&](const LinePoint& p) {
        return std::abs(p.slope) <= -enough_flatness * start.slope;
    };
    LinePoint before = start, now = evaluate(t);
    int tries = 0;
    while (tries < most_tries) {
        const bool passed = too_high(now) || (tries > 1 && now.value >= before.value);
        if (!passed && flat_enough(now)) return {now, tries + 1};
        if (passed || now.slope >= 0) break;
        const double next = cubic_minimum(before, now, now.t + 0.01 * (now.t - before.t), now.t * 10);
        before = std::exchange(now, evaluate(next));
        ++tries;
    }
    if (tries == most_tries) before = start;

    LinePoint low = std::move(before), high = std::move(now);
    if (high.value < low.value) std::swap(low, high);
    bool was_close = false;
    while (tries < most_tries && !(std::abs(high.t - low.t) * reach < tolerance)) {
        const double left = std::min(low.t, high.t), right = std::max(low.t, high.t);
        LinePoint tried =
            evaluate(kept_inside(cubic_minimum(low, high, left, right), left, right, was_close));
        ++tries;
        if (too_high(tried) || tried.value >= low.value) {
            high = std::move(tried);
            if (high.value < low.value) std::swap(low, high);
            continue;
        }
        const bool done = flat_enough(tried);
        if (!done && tried.slope * (high.t - low.t) >= 0) high = low;
        low = std::move(tried);
        if (done) break;
    }
    return {low, tries + 1};
}

}  // namespace adjoint::optim
