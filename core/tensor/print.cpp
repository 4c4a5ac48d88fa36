// Tensors as text.
#include <adjoint/core/tensor/print.h>

#include <algorithm>
#include <cmath>
#include <ostream>

#include <adjoint/core/base/format.h>

namespace adjoint {
namespace {

class Printer {
  public:
    Printer(const Tensor& x, const PrintOptions& options)
        : shape_(x.shape()),
          strides_(dense_strides(x.shape())),
          type_(x.dtype()),
          options_(options),
          abbreviate_(x.numel() > options.threshold) {
        if (is_floating(type_))
            numbers_ = x.to_vector<double>();
        else
            integers_ = x.to_vector<std::int64_t>();
        choose_format();
        for_shown(0, 0, [this](std::int64_t at) { width_ = std::max(width_, element(at).size()); });
    }

    std::string text() { return shape_.empty() ? element(0) : block(0, 0); }

  private:
    // Whole numbers without digits, very large or small ones with an exponent.
    void choose_format() {
        whole_ = true;
        double largest = 0, smallest = INFINITY;
        for (const double v : numbers_) {
            if (!std::isfinite(v)) continue;
            whole_ = whole_ && v == std::floor(v);
            if (v != 0) {
                largest = std::max(largest, std::abs(v));
                smallest = std::min(smallest, std::abs(v));
            }
        }
        exponent_ = largest >= 1e8 || (smallest < 1e-4 && !whole_) || (largest / smallest > 1e6 && !whole_);
    }

    std::string element(std::int64_t at) const {
        const auto i = static_cast<std::size_t>(at);
        if (type_ == DType::boolean) return integers_[i] ? "true" : "false";
        if (!is_floating(type_)) return fmt::format("{}", integers_[i]);
        const double v = numbers_[i];
        if (!std::isfinite(v)) return fmt::format("{}", v);
        if (exponent_) return fmt::format("{:.{}e}", v, options_.precision);
        return whole_ ? fmt::format("{:.0f}.", v) : fmt::format("{:.{}f}", v, options_.precision);
    }

    // Calls f(place) for the places of dimension d that are shown; a gap is reported as -1.
    template <class F> void for_places(int d, F f) const {
        const std::int64_t n = shape_[d], edge = options_.edge_items;
        if (!abbreviate_ || n <= 2 * edge) {
            for (std::int64_t i = 0; i < n; ++i) f(i);
            return;
        }
        for (std::int64_t i = 0; i < edge; ++i) f(i);
        f(-1);
        for (std::int64_t i = n - edge; i < n; ++i) f(i);
    }

    template <class F> void for_shown(int d, std::int64_t offset, F f) const {
        if (d == shape_.size()) {
            f(offset);
            return;
        }
        for_places(d, [&](std::int64_t i) {
            if (i >= 0) for_shown(d + 1, offset + i * strides_[d], f);
        });
    }

    std::string block(int d, std::int64_t offset) const {
        const bool last = d + 1 == shape_.size();
        std::string out = "[";
        const std::string between =
            last ? ", "
                 : "," + std::string(static_cast<std::size_t>(shape_.size() - d - 1), '\n') +
                       std::string(static_cast<std::size_t>(d + 1), ' ');
        bool first = true;
        for_places(d, [&](std::int64_t i) {
            if (!first) out += between;
            first = false;
            if (i < 0)
                out += "...";
            else if (last)
                out += fmt::format("{:>{}}", element(offset + i * strides_[d]), width_);
            else
                out += block(d + 1, offset + i * strides_[d]);
        });
        return out + "]";
    }

    Shape shape_, strides_;
    DType type_;
    PrintOptions options_;
    bool abbreviate_;
    std::vector<double> numbers_;
    std::vector<std::int64_t> integers_;
    bool whole_ = true, exponent_ = false;
    std::size_t width_ = 0;
};

}  // namespace

std::string to_string(const Tensor& x, const PrintOptions& options) {
    if (!x.defined()) return "undefined tensor";
    std::string out =
        x.numel() == 0 ? fmt::format("[] of shape {}", to_string(x.shape())) : Printer(x, options).text();
    out += fmt::format(" {}", name(x.dtype()));
    if (!x.device().is_cpu()) out += fmt::format(" {}", to_string(x.device()));
    if (x.requires_grad())
        out += x.is_leaf() ? std::string(" requires_grad") : fmt::format(" grad_fn={}", x.producer_name());
    return out;
}

std::string Tensor::to_string() const { return adjoint::to_string(*this); }

std::ostream& operator<<(std::ostream& out, const Tensor& x) { return out << to_string(x); }

}  // namespace adjoint
