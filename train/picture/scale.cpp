// Steps of 1, 2 or 5 times a power of ten; on a logarithmic scale whole decades where there are enough.
#include <adjoint/train/picture/scale.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include <adjoint/core/base/format.h>
#include <adjoint/train/picture/svg.h>

namespace adjoint::picture {
namespace {

std::vector<double> even_ticks(double low, double high, int wanted) {
    const double rough = (high - low) / std::max(wanted, 1);
    const double unit = std::pow(10.0, std::floor(std::log10(rough)));
    double step = 10 * unit;
    for (const double factor : {5.0, 2.0, 1.0})
        if (factor * unit >= rough * 0.75) step = factor * unit;
    std::vector<double> ticks;
    const double slack = step * 1e-9;
    for (double k = std::ceil((low - slack) / step); k * step <= high + slack; ++k)
        ticks.push_back(k == 0 ? 0 : k * step);
    return ticks;
}

std::vector<double> decade_ticks(double low, double high, int wanted) {
    const auto first = static_cast<int>(std::floor(std::log10(low)));
    const auto last = static_cast<int>(std::ceil(std::log10(high)));
    std::vector<double> ticks;
    const int every = std::max(1, (last - first + wanted - 1) / wanted);
    const bool parts = std::log10(high / low) <= 2;
    for (int exponent = first; exponent <= last; exponent += every)
        for (const double factor : {1.0, 2.0, 5.0}) {
            const double tick = factor * std::pow(10.0, exponent);
            if ((factor == 1 || parts) && tick >= low * 0.999999 && tick <= high * 1.000001)
                ticks.push_back(tick);
        }
    return ticks.size() >= 2 ? ticks : even_ticks(low, high, wanted);
}

}  // namespace

Scale::Scale(double low, double high, bool logarithmic) : low_(low), high_(high), logarithmic_(logarithmic) {
    check<ValueError>(std::isfinite(low) && std::isfinite(high), "chart: an axis from {} to {}", low, high);
    check<ValueError>(!logarithmic || low > 0, "chart: a logarithmic axis cannot begin at {}", low);
    if (high_ > low_) return;
    if (logarithmic) {
        low_ /= 2;
        high_ = low * 2;
    } else {
        const double margin = low == 0 ? 1 : std::abs(low) * 0.1;
        high_ = low + margin;
        low_ -= margin;
    }
}

double Scale::position(double value) const noexcept {
    if (!logarithmic_) return (value - low_) / (high_ - low_);
    return value > 0 ? std::log(value / low_) / std::log(high_ / low_) : NAN;
}

double Scale::value(double position) const noexcept {
    return logarithmic_ ? low_ * std::pow(high_ / low_, position) : low_ + position * (high_ - low_);
}

std::vector<double> Scale::ticks(int wanted) const {
    return logarithmic_ ? decade_ticks(low_, high_, wanted) : even_ticks(low_, high_, wanted);
}

std::vector<std::string> tick_labels(const std::vector<double>& ticks) {
    std::vector<std::string> texts;
    for (const double tick : ticks) texts.push_back(label(tick));
    double step = std::numeric_limits<double>::infinity();
    for (std::size_t i = 1; i < ticks.size(); ++i) step = std::min(step, std::abs(ticks[i] - ticks[i - 1]));
    const auto is_told = [&](std::size_t i) {
        return std::abs(std::stod(texts[i]) - ticks[i]) < 0.05 * step;
    };
    bool all_told = true;
    for (std::size_t i = 0; i < ticks.size(); ++i) all_told = all_told && is_told(i);
    if (all_told) return texts;
    const int decimals = std::max(0, static_cast<int>(std::ceil(-std::log10(step) - 1e-9)));
    for (std::size_t i = 0; i < ticks.size(); ++i) texts[i] = fmt::format("{:.{}f}", ticks[i], decimals);
    return texts;
}

}  // namespace adjoint::picture
