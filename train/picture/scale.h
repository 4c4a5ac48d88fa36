// The scale of an axis: where a value lies, and which values are marked.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <adjoint/core/base/export.h>

namespace adjoint::picture {

/// Maps [low, high] to [0, 1], evenly or by the logarithm.
class ADJOINT_API Scale {
  public:
    /// An empty or single-valued range is widened.
    /// errors: ValueError for a logarithm of a number <= 0.
    Scale(double low, double high, bool logarithmic = false);

    double low() const noexcept { return low_; }
    double high() const noexcept { return high_; }
    /// NaN for what the scale cannot show.
    double position(double value) const noexcept;
    double value(double position) const noexcept;
    /// Round values within the range, about `wanted` of them; powers of ten, or parts,
    /// on a logarithmic scale.
    std::vector<double> ticks(int wanted = 6) const;

  private:
    double low_, high_;
    bool logarithmic_;
};

/// The texts of an axis: each as label() has it, or with as many decimals as their distance needs.
ADJOINT_API std::vector<std::string> tick_labels(const std::vector<double>& ticks);

}  // namespace adjoint::picture
