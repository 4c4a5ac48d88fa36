// The rows put together, their inputs, and the loops that references are written with.
#include "op_table/op_table.h"

#include <algorithm>
#include <cmath>

#include <adjoint/core/tensor/creation.h>

namespace adjoint::table {
namespace {

// xorshift*, seeded by the row's name: adding a row changes no other row's numbers.
class Numbers {
  public:
    Numbers(const std::string& name, std::size_t position) : state_(0x9E3779B97F4A7C15u + position) {
        for (const char c : name) state_ = (state_ ^ static_cast<unsigned char>(c)) * 0x100000001B3u;
        if (state_ == 0) state_ = 1;
    }
    /// Uniform in [0, 1).
    double next() {
        state_ ^= state_ >> 12;
        state_ ^= state_ << 25;
        state_ ^= state_ >> 27;
        return static_cast<double>((state_ * 0x2545F4914F6CDD1Du) >> 11) * 0x1p-53;
    }

  private:
    std::uint64_t state_;
};

double on_grid(double x) { return std::round(x * 4096) / 4096; }

double real_number(const Input& input, Numbers& numbers) {
    for (;;) {
        const double x = on_grid(input.low + (input.high - input.low) * numbers.next());
        if (std::none_of(input.avoid.begin(), input.avoid.end(),
                         [&](double a) { return std::abs(x - a) < 0.05; }))
            return x;
    }
}

}  // namespace

std::int64_t Array::offset(const Shape& place) const {
    std::int64_t at = 0;
    for (int d = 0; d < shape.size(); ++d) at = at * shape[d] + place[d];
    return at;
}

const Rows& rows() {
    static const Rows all = [] {
        Rows table;
        for (const auto add :
             {add_unary, add_binary, add_reduce, add_shape, add_linalg, add_index, add_loss, add_batch_norm,
              add_layer_norm, add_convolution, add_pooling, add_resample, add_sort, add_einsum})
            add(table);
        return table;
    }();
    return all;
}

Array generate(const Input& input, const std::string& row_name, std::size_t position) {
    Numbers numbers(row_name, position);
    Array out(input.shape);
    const auto n = static_cast<double>(std::max<std::int64_t>(out.numel() - 1, 1));
    for (std::int64_t i = 0; i < out.numel(); ++i) {
        switch (input.kind) {
            case Input::Kind::real:
                out[i] = real_number(input, numbers);
                break;
            case Input::Kind::distinct:
                out[i] = on_grid(input.low + (input.high - input.low) * static_cast<double>(i) / n);
                break;
            case Input::Kind::integer:
                out[i] = std::floor(input.low + (input.high - input.low + 1) * numbers.next());
                break;
            case Input::Kind::boolean:
                out[i] = numbers.next() < 0.5 ? 0 : 1;
                break;
            case Input::Kind::fixed:
            case Input::Kind::fixed_integer:
                out[i] = input.values.at(static_cast<std::size_t>(i));
                break;
        }
    }
    if (input.kind == Input::Kind::distinct)
        for (std::int64_t i = out.numel() - 1; i > 0; --i)
            std::swap(out[i], out[static_cast<std::int64_t>(numbers.next() * static_cast<double>(i + 1))]);
    return out;
}

Tensor to_tensor(const Array& values, const Input& input, DType type) {
    if (!input.floating()) type = input.kind == Input::Kind::boolean ? DType::boolean : DType::i64;
    return tensor(values.values, values.shape, {.dtype = type});
}

void for_each_place(const Shape& shape, const std::function<void(const Shape&)>& f) {
    const std::int64_t count = shape.numel();
    Shape place = Shape::filled(shape.size(), 0);
    for (std::int64_t i = 0; i < count; ++i) {
        f(place);
        for (int d = shape.size() - 1; d >= 0 && ++place[d] == shape[d]; --d) place[d] = 0;
    }
}

Array build(const Shape& shape, const std::function<double(const Shape&)>& f) {
    Array out(shape);
    std::int64_t i = 0;
    for_each_place(shape, [&](const Shape& place) { out[i++] = f(place); });
    return out;
}

double broadcast_at(const Array& x, const Shape& place) {
    Shape own = x.shape;
    const int extra = place.size() - own.size();
    for (int d = 0; d < own.size(); ++d) own[d] = x.shape[d] == 1 ? 0 : place[d + extra];
    return x.at(own);
}

Shape broadcast(const Shape& a, const Shape& b) {
    Shape out = a.size() >= b.size() ? a : b;
    const Shape& other = a.size() >= b.size() ? b : a;
    const int extra = out.size() - other.size();
    for (int d = 0; d < other.size(); ++d)
        if (out[d + extra] == 1) out[d + extra] = other[d];
    return out;
}

Array fold(const Array& x, const std::vector<int>& dims, bool keepdim,
           const std::function<double(const std::vector<double>&)>& f) {
    const int rank = x.shape.size();
    std::vector<bool> gone(static_cast<std::size_t>(rank), dims.empty());
    for (const int d : dims)
        if (rank > 0) gone[static_cast<std::size_t>(d < 0 ? d + rank : d)] = true;
    Shape kept, dense;
    for (int d = 0; d < rank; ++d) {
        const bool folded = gone[static_cast<std::size_t>(d)];
        kept.push_back(folded ? 1 : x.shape[d]);
        if (!folded) dense.push_back(x.shape[d]);
    }
    Array place_of(kept);
    std::vector<std::vector<double>> groups(place_of.values.size());
    std::int64_t i = 0;
    for_each_place(x.shape, [&](Shape place) {
        for (int d = 0; d < rank; ++d)
            if (gone[static_cast<std::size_t>(d)]) place[d] = 0;
        groups[static_cast<std::size_t>(place_of.offset(place))].push_back(x[i++]);
    });
    Array out(keepdim ? kept : dense);
    for (std::size_t k = 0; k < groups.size(); ++k) out.values[k] = f(groups[k]);
    return out;
}

Array along(const Array& x, int dim,
            const std::function<std::vector<double>(const std::vector<double>&)>& f) {
    const int rank = x.shape.size();
    if (rank == 0) {
        Array out(Shape{});
        out.values = f(x.values);
        return out;
    }
    const int at = dim < 0 ? dim + rank : dim;
    Shape heads = x.shape;
    heads[at] = 1;
    Array out;
    bool first = true;
    for_each_place(heads, [&](Shape place) {
        std::vector<double> line;
        for (place[at] = 0; place[at] < x.shape[at]; ++place[at]) line.push_back(x.at(place));
        const std::vector<double> result = f(line);
        if (first) {
            Shape shape = x.shape;
            shape[at] = static_cast<std::int64_t>(result.size());
            out = Array(shape);
            first = false;
        }
        for (place[at] = 0; place[at] < out.shape[at]; ++place[at])
            out.at(place) = result[static_cast<std::size_t>(place[at])];
    });
    if (first) out = Array(x.shape);
    return out;
}

}  // namespace adjoint::table
