// Tensors as text.
#include <adjoint/core/tensor/print.h>

#include <algorithm>
#include <cmath>
#include <new>
#include <ostream>

#include <adjoint/core/base/format.h>

namespace adjoint {
namespace {

class Printer {
  public:
    Printer(const Tensor& x, const PrintOptions& options)
        : shown_(x.shape()), gaps_(x.shape()), type_(x.dtype()), options_(options) {
        const std::int64_t edge = std::max<std::int64_t>(options.edge_items, 0);
        for (int d = 0; d < x.dim(); ++d) {
            const std::int64_t size = x.shape()[d];
            const bool gap = x.numel() > options.threshold && size / 2 >= edge && size != 2 * edge;
            shown_[d] = gap ? 2 * edge : size;
            gaps_[d] = gap ? edge : -1;
        }
        strides_ = dense_strides(shown_);
        const auto count = static_cast<std::size_t>(shown_.numel());
        is_floating(type_) ? numbers_.resize(count) : integers_.resize(count);
        take(x, 0, 0);
        choose_format();
        for (std::size_t i = 0; i < count; ++i) width_ = std::max(width_, element(i).size());
    }

    std::string text() { return shown_.empty() ? element(0) : block(0, 0); }

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

    // Copies what is shown of x: its elements or, of a dimension with a gap, those before and those behind.
    void take(const Tensor& x, int d, std::int64_t place) {
        while (d < shown_.size() && gaps_[d] < 0) ++d;
        if (d == shown_.size()) {
            // The dense block that is left lies in the shown elements as a grid.
            if (is_floating(type_))
                spread(x.to_vector<double>(), x.shape(), place, numbers_);
            else
                spread(x.to_vector<std::int64_t>(), x.shape(), place, integers_);
            return;
        }
        const std::int64_t edge = gaps_[d], size = x.shape()[d];
        for (const bool behind : {false, true}) {
            Shape shape = x.shape();
            shape[d] = edge;
            const std::int64_t first = behind ? size - edge : 0;
            take(detached_view(x, shape, x.strides(), first * x.strides()[d]), d + 1,
                 place + (behind ? edge : 0) * strides_[d]);
        }
    }

    template <class T>
    void spread(const std::vector<T>& from, const Shape& shape, std::int64_t place,
                std::vector<T>& to) const {
        const Shape dense = dense_strides(shape);
        for (std::size_t i = 0; i < from.size(); ++i) {
            std::int64_t at = place;
            for (int d = 0; d < shape.size(); ++d)
                at += static_cast<std::int64_t>(i) / dense[d] % shape[d] * strides_[d];
            to[static_cast<std::size_t>(at)] = from[i];
        }
    }

    std::string element(std::size_t i) const {
        if (type_ == DType::boolean) return integers_[i] ? "true" : "false";
        if (!is_floating(type_)) return fmt::format("{}", integers_[i]);
        const double v = numbers_[i];
        if (!std::isfinite(v)) return fmt::format("{}", shown(v));
        if (exponent_) return fmt::format("{:.{}e}", v, options_.precision);
        return whole_ ? fmt::format("{:.0f}.", v) : fmt::format("{:.{}f}", v, options_.precision);
    }

    std::string block(int d, std::int64_t offset) const {
        const bool last = d + 1 == shown_.size();
        std::string out = "[";
        std::string between = last ? ", " : ",";
        if (!last)
            between.append(static_cast<std::size_t>(shown_.size() - d - 1), '\n')
                .append(static_cast<std::size_t>(d + 1), ' ');
        for (std::int64_t i = 0; i < shown_[d] || i == gaps_[d]; ++i) {
            if (i == gaps_[d]) {
                out += (i > 0 ? between : "") + "..." + (i < shown_[d] ? between : "");
            } else if (i > 0) {
                out += between;
            }
            if (i == shown_[d]) break;
            const std::int64_t at = offset + i * strides_[d];
            out += last ? fmt::format("{:>{}}", element(static_cast<std::size_t>(at)), width_)
                        : block(d + 1, at);
        }
        return out + "]";
    }

    Shape shown_, strides_;  // of the elements that are shown
    Shape gaps_;             // behind how many of them a dimension has a gap, -1 for none
    DType type_;
    PrintOptions options_;
    std::vector<double> numbers_;
    std::vector<std::int64_t> integers_;
    bool whole_ = true, exponent_ = false;
    std::size_t width_ = 0;
};

}  // namespace

std::string to_string(const Tensor& x, const PrintOptions& options) try {
    if (!x.defined()) return "undefined tensor";
    std::string out = x.numel() == 0 ? fmt::format("[] of shape {}", to_string(x.shape()))
                                     : named("to_string", [&] { return Printer(x, options).text(); });
    out += fmt::format(" {}", name(x.dtype()));
    if (!x.device().is_cpu()) out += fmt::format(" {}", to_string(x.device()));
    if (x.requires_grad())
        out += x.is_leaf() ? std::string(" requires_grad") : fmt::format(" grad_fn={}", x.producer_name());
    return out;
} catch (const std::bad_alloc&) {
    throw_no_memory("to_string");
}

std::string Tensor::to_string() const { return adjoint::to_string(*this); }

std::ostream& operator<<(std::ostream& out, const Tensor& x) { return out << to_string(x); }

}  // namespace adjoint
