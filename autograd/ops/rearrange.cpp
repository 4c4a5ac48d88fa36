// Rearrangements: joining, and what is made of it, of views and of index_select.
#include <adjoint/autograd/ops/rearrange.h>

#include <algorithm>

#include <adjoint/autograd/ops/arithmetic.h>
#include <adjoint/autograd/ops/index.h>
#include <adjoint/autograd/ops/indexed.h>
#include <adjoint/autograd/ops/shape.h>
#include <adjoint/autograd/record/apply.h>
#include <adjoint/autograd/record/observer.h>
#include <adjoint/core/base/format.h>
#include <adjoint/core/tensor/creation.h>

namespace adjoint {
namespace {

Tensor index_tensor(const std::vector<std::int64_t>& places, const Tensor& like) {
    // Made where it is used, which a capture takes as a constant of the step.
    return tensor(places, {static_cast<std::int64_t>(places.size())},
                  {.dtype = DType::i64, .device = like.device()});
}

// The place in [0, n) that a place outside stands for.
std::int64_t mirrored(std::int64_t at, std::int64_t n, PadMode mode) {
    if (mode == PadMode::replicate) return std::clamp<std::int64_t>(at, 0, n - 1);
    if (mode == PadMode::circular) return (at % n + n) % n;
    return at < 0 ? -at : (at >= n ? 2 * (n - 1) - at : at);  // the edge is not repeated
}

// x without what negative amounts crop; the amounts are then those that are left.
Tensor cropped(const Tensor& x, int dim, std::int64_t& before, std::int64_t& after) {
    const std::int64_t size = x.shape()[dim], start = std::max<std::int64_t>(-before, 0);
    const std::int64_t length = size - start - std::max<std::int64_t>(-after, 0);
    check<ShapeError>(length >= 0, "pad: {} and {} crop more than dimension {} of size {} has", before, after,
                      dim, size);
    before = std::max<std::int64_t>(before, 0);
    after = std::max<std::int64_t>(after, 0);
    return length < size ? narrow(x, dim, start, length) : x;
}

Tensor pad_by_index(Tensor x, int dim, std::int64_t before, std::int64_t after, PadMode mode) {
    // What enters on one side left on the other: nothing that was cropped. A mirror shows it.
    if (mode == PadMode::circular) x = cropped(x, dim, before, after);
    const std::int64_t n = x.shape()[dim];
    const std::int64_t limit =
        mode == PadMode::reflect ? n - 1 : (mode == PadMode::circular ? n : (n > 0 ? to_end : 0));
    check<ShapeError>(before <= limit && after <= limit,
                      "pad: {} and {} exceed what dimension {} of size {} allows", before, after, dim, n);
    std::int64_t length = 0;
    check<ShapeError>(
        !__builtin_add_overflow(n, before, &length) && !__builtin_add_overflow(length, after, &length) &&
            length >= 0,
        "pad: {} and {} for dimension {} of size {} crop more than it has, or give 2^63 elements", before,
        after, dim, n);
    std::vector<std::int64_t> places;
    places.reserve(static_cast<std::size_t>(length));  // what is too much is known before any of it is made
    for (std::int64_t at = -before; at < n + after; ++at) places.push_back(mirrored(at, n, mode));
    return index_select(x, dim, index_tensor(places, x));
}

Tensor pad_by_value(Tensor x, int dim, std::int64_t before, std::int64_t after, double value) {
    x = cropped(x, dim, before, after);
    const auto block = [&](std::int64_t size) {
        Shape shape = x.shape();
        shape[dim] = size;
        return full(shape, value, {.dtype = x.dtype(), .device = x.device()});
    };
    std::vector<Tensor> parts;
    if (before > 0) parts.push_back(block(before));
    parts.push_back(x);
    if (after > 0) parts.push_back(block(after));
    return parts.size() > 1 ? cat(parts, dim) : x;
}

// true where column - row is at least (upper) or at most (lower) the diagonal.
Tensor triangle(const char* op, const Tensor& x, std::int64_t diagonal, bool upper) {
    check<ShapeError>(x.dim() >= 2, "{}: needs matrices, the shape is {}", op, x.shape());
    const Tensor rows = unsqueeze(arange(x.size(-2), x.device()), 1) + diagonal,
                 columns = unsqueeze(arange(x.size(-1), x.device()), 0);
    return upper ? ge(columns, rows) : le(columns, rows);
}

/// Joined along a dimension.
struct Cat : Function {
    static constexpr auto name = "cat";
    int dim;
    std::vector<std::int64_t> sizes;
    explicit Cat(int d) : dim(d) {}
    template <class V> void attributes(V& v) const { v("dim", dim); }
    Tensor forward(std::span<const Tensor> parts) {
        Shape shape = parts[0].shape();
        DType type = parts[0].dtype();
        shape[dim] = 0;
        for (const Tensor& part : parts) {
            Shape rest = part.shape();
            check<ShapeError>(rest.size() == shape.size(),
                              "cat: shapes {} and {} differ in their number of dimensions", parts[0].shape(),
                              part.shape());
            sizes.push_back(rest[dim]);
            rest[dim] = shape[dim];
            check<ShapeError>(rest == shape, "cat: shapes {} and {} differ outside dimension {}",
                              parts[0].shape(), part.shape(), dim);
            apply::check_same_device(name, parts[0], part);
            shape[dim] += sizes.back();
            type = promote(type, part.dtype());
        }
        Tensor out = empty(shape, {.dtype = type, .device = parts[0].device()});
        std::int64_t start = 0;
        for (const Tensor& part : parts) {
            if (part.numel() > 0) narrow(out, dim, start, part.shape()[dim]).copy_(part);
            start += part.shape()[dim];
        }
        return out;
    }
    Grads backward(const Tensor& g) {
        Grads grads;
        std::int64_t start = 0;
        for (std::size_t i = 0; i < sizes.size(); ++i) {
            grads.push_back(needs(i) ? narrow(g, dim, start, sizes[i]) : Tensor());
            start += sizes[i];
        }
        return grads;
    }
};

/// x[.., i, ..] for each i; the gradient is their stack.
struct Unbind : Function {
    static constexpr auto name = "unbind";
    int dim;
    explicit Unbind(int d) : dim(d) {}
    template <class V> void attributes(V& v) const { v("dim", dim); }
    std::vector<Tensor> forward(const Tensor& x) {
        std::vector<Tensor> parts;
        for (std::int64_t i = 0; i < x.shape()[dim]; ++i) parts.push_back(select(x, dim, i));
        return parts;
    }
    Grads backward(const Grads& g) {
        std::vector<Tensor> parts;
        Tensor some;
        for (std::size_t i = 0; i < g.size(); ++i)
            if (g[i].defined()) some = g[i];
        for (std::size_t i = 0; i < g.size(); ++i) parts.push_back(g[i].defined() ? g[i] : zeros_like(some));
        return {stack(parts, dim)};
    }
};

}  // namespace

std::vector<Tensor> unbind(const Tensor& x, int dim) {
    check<ShapeError>(x.dim() > 0, "unbind: a 0-d tensor has no dimension to take apart");
    return record(Unbind(wrap_dim("unbind", dim, x.dim())), x);
}

Tensor cat(std::span<const Tensor> tensors, int dim) {
    check<ShapeError>(!tensors.empty(), "cat: no tensors");
    check<ShapeError>(tensors[0].dim() > 0, "cat: 0-d tensors cannot be joined; use stack");
    return record(Cat(wrap_dim("cat", dim, tensors[0].dim())), tensors);
}

Tensor cat(std::initializer_list<Tensor> tensors, int dim) {
    return cat(std::span(tensors.begin(), tensors.size()), dim);
}

Tensor stack(std::span<const Tensor> tensors, int dim) {
    return named("stack", [&] {
        check<ShapeError>(!tensors.empty(), "stack: no tensors");
        std::vector<Tensor> rows;
        for (const Tensor& x : tensors) {
            check<ShapeError>(x.shape() == tensors[0].shape(), "stack: shapes {} and {} differ",
                              tensors[0].shape(), x.shape());
            rows.push_back(unsqueeze(x, dim));
        }
        return cat(rows, wrap_dim("stack", dim, tensors[0].dim() + 1));
    });
}

Tensor stack(std::initializer_list<Tensor> tensors, int dim) {
    return stack(std::span(tensors.begin(), tensors.size()), dim);
}

Tensor repeat(const Tensor& x, const Shape& times) {
    check<ShapeError>(times.size() >= x.dim(), "repeat: {} for a tensor of shape {}", times, x.shape());
    Tensor out = x;
    while (out.dim() < times.size()) out = unsqueeze(out, 0);
    for (int d = 0; d < times.size(); ++d) {
        check<ValueError>(times[d] >= 0, "repeat: negative count in {}", times);
        if (times[d] == 1) continue;
        if (times[d] == 0)
            out = narrow(out, d, 0, 0);
        else
            out = named("repeat",
                        [&] { return cat(std::vector<Tensor>(static_cast<std::size_t>(times[d]), out), d); });
    }
    return out;
}

Tensor flip(const Tensor& x, const Shape& dims) {
    const detail::Within heard("flip");
    Tensor out = x;
    unsigned seen = 0;
    for (const std::int64_t dim : dims) {
        const int d = wrap_dim("flip", dim, x.dim());
        check<IndexError>(!(seen >> d & 1), "flip: dimension {} twice", d);
        seen |= 1u << d;
        if (x.dim() == 0) return x.clone();
        std::vector<std::int64_t> places;
        for (std::int64_t at = x.shape()[d] - 1; at >= 0; --at) places.push_back(at);
        out = index_select(out, d, index_tensor(places, x));
    }
    return out;
}

Tensor roll(const Tensor& x, const Shape& shifts, const Shape& dims) {
    const detail::Within heard("roll");
    if (dims.empty()) {
        check<ShapeError>(shifts.size() == 1, "roll: {} shifts without dimensions", shifts.size());
        return reshape(roll(flatten(x), shifts, {0}), x.shape());
    }
    check<ShapeError>(shifts.size() == dims.size(), "roll: {} shifts for {} dimensions", shifts.size(),
                      dims.size());
    Tensor out = x;
    for (int i = 0; i < dims.size() && x.dim() > 0; ++i) {
        const int d = wrap_dim("roll", dims[i], x.dim());
        const std::int64_t n = x.shape()[d];
        if (n == 0) continue;
        const std::int64_t shift = (shifts[i] % n + n) % n;
        if (shift > 0) out = cat({narrow(out, d, n - shift, shift), narrow(out, d, 0, n - shift)}, d);
    }
    return out;
}

Tensor pad(const Tensor& x, const Shape& amounts, PadMode mode, double value) {
    check<ShapeError>(amounts.size() % 2 == 0 && amounts.size() / 2 <= x.dim(),
                      "pad: {} amounts for a tensor of shape {}; give two per dimension, from the last",
                      amounts.size(), x.shape());
    const detail::Within heard("pad");
    return named("pad", [&] {
        Tensor out = x;
        for (int i = 0; i < amounts.size() / 2; ++i) {
            const int d = x.dim() - 1 - i;
            out = mode == PadMode::constant ? pad_by_value(out, d, amounts[2 * i], amounts[2 * i + 1], value)
                                            : pad_by_index(out, d, amounts[2 * i], amounts[2 * i + 1], mode);
        }
        return out;
    });
}

Tensor tril(const Tensor& x, std::int64_t diagonal) {
    const detail::Within heard("tril");
    return where(triangle("tril", x, diagonal, false), x,
                 zeros({}, {.dtype = x.dtype(), .device = x.device()}));
}
Tensor triu(const Tensor& x, std::int64_t diagonal) {
    const detail::Within heard("triu");
    return where(triangle("triu", x, diagonal, true), x,
                 zeros({}, {.dtype = x.dtype(), .device = x.device()}));
}

Tensor diag(const Tensor& x, std::int64_t diagonal) {
    const detail::Within heard("diag");
    check<ShapeError>(x.dim() == 1 || x.dim() == 2, "diag: needs a vector or a matrix, the shape is {}",
                      x.shape());
    const std::int64_t down = std::max<std::int64_t>(-diagonal, 0),
                       right = std::max<std::int64_t>(diagonal, 0);
    const std::int64_t rows = x.dim() == 1 ? x.numel() + down + right : x.shape()[0];
    const std::int64_t columns = x.dim() == 1 ? rows : x.shape()[1];
    std::vector<std::int64_t> places;
    for (std::int64_t i = 0; i + down < rows && i + right < columns; ++i)
        places.push_back((i + down) * columns + i + right);
    const Tensor at = index_tensor(places, x);
    if (x.dim() == 2) return index_select(flatten(x), 0, at);
    const Tensor zero = zeros({rows * columns}, {.dtype = x.dtype(), .device = x.device()});
    return reshape(index_add(zero, 0, at, x), {rows, columns});
}

}  // namespace adjoint
