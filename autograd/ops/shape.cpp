// Views: each with the view that carries its gradient back.
#include <adjoint/autograd/ops/shape.h>

#include <algorithm>

#include <adjoint/autograd/ops/arithmetic.h>
#include <adjoint/autograd/ops/reduce.h>
#include <adjoint/autograd/record/apply.h>
#include <adjoint/autograd/record/observer.h>
#include <adjoint/core/base/format.h>

namespace adjoint {
namespace {

// Strides of x seen in another shape, if its memory allows that without a copy.
bool strides_for(const Tensor& x, const Shape& shape, Shape& strides) {
    if (x.is_contiguous()) {
        strides = dense_strides(shape);
        return true;
    }
    // Runs of dimensions of x that are dense among themselves are matched with runs of the new dimensions.
    strides = shape;
    int to = shape.size() - 1;
    int from = x.dim() - 1;
    while (from >= 0) {
        std::int64_t run = x.shape()[from];
        std::int64_t step = x.strides()[from];
        int first = from;
        while (first > 0 && (run == 1 || x.strides()[first - 1] == step * run || x.shape()[first - 1] == 1)) {
            --first;
            if (run == 1) step = x.strides()[first];
            run *= x.shape()[first];
        }
        std::int64_t covered = 1;
        while (to >= 0 && (covered < run || shape[to] == 1)) {
            strides[to] = step * covered;
            covered *= shape[to];
            --to;
        }
        if (covered != run) return false;
        from = first - 1;
    }
    for (; to >= 0; --to) strides[to] = 1;
    return true;
}

struct Reshape : Function {
    static constexpr auto name = "reshape";
    Shape shape, before;
    explicit Reshape(const Shape& s) : shape(s) {}
    template <class V> void attributes(V& v) const { v("shape", shape); }
    Tensor forward(const Tensor& x) {
        before = x.shape();
        Shape strides;
        if (x.numel() > 0 && !strides_for(x, shape, strides))
            return detached_view(x.contiguous(), shape, dense_strides(shape));
        return detached_view(x, shape, x.numel() > 0 ? strides : dense_strides(shape));
    }
    Grads backward(const Tensor& g) { return {reshape(g, before)}; }
};

struct Expand : Function {
    static constexpr auto name = "expand";
    Shape shape;
    explicit Expand(const Shape& s) : shape(s) {}
    template <class V> void attributes(V& v) const { v("shape", shape); }
    Tensor forward(const Tensor& x) {
        Shape strides = Shape::filled(shape.size(), 0);
        const int shift = shape.size() - x.dim();
        for (int d = 0; d < x.dim(); ++d) strides[d + shift] = x.shape()[d] == 1 ? 0 : x.strides()[d];
        return detached_view(x, shape, strides);
    }
    Grads backward(const Tensor& g) { return {g}; }  // the engine sums over what was broadcast
};

struct Permute : Function {
    static constexpr auto name = "permute";
    Shape dims;
    explicit Permute(const Shape& d) : dims(d) {}
    template <class V> void attributes(V& v) const { v("dims", dims); }
    Tensor forward(const Tensor& x) {
        Shape shape = dims, strides = dims;
        for (int i = 0; i < dims.size(); ++i) {
            shape[i] = x.shape()[static_cast<int>(dims[i])];
            strides[i] = x.strides()[static_cast<int>(dims[i])];
        }
        return detached_view(x, shape, strides);
    }
    Grads backward(const Tensor& g) {
        Shape inverse = dims;
        for (int i = 0; i < dims.size(); ++i) inverse[static_cast<int>(dims[i])] = i;
        return {permute(g, inverse)};
    }
};

/// x[start : stop : step] along one dimension; the gradient is zero between.
struct StridedSlice : Function {
    static constexpr auto name = "slice";
    int dim;
    std::int64_t start, count, step;
    // As the caller said it: places may be counted from the end, or lie behind it.
    struct {
        std::int64_t start, stop, step;
    } asked;
    Shape before;
    StridedSlice(int d, std::int64_t first, std::int64_t n, std::int64_t s)
        : dim(d), start(first), count(n), step(s), asked{first, first + n * s, s} {}
    template <class V> void attributes(V& v) const {
        v("dim", dim);
        v("start", asked.start);
        v("stop", asked.stop);
        v("step", asked.step);
    }
    Tensor forward(const Tensor& x) {
        before = x.shape();
        Shape shape = x.shape(), strides = x.strides();
        shape[dim] = count;
        strides[dim] *= step;
        return detached_view(x, shape, strides, start * x.strides()[dim]);
    }
    Grads backward(const Tensor& g);
};

/// Zeros of a shape with g at start, start + step, ..: the transpose of StridedSlice.
struct Unslice : Function {
    static constexpr auto name = "unslice";
    StridedSlice slice;
    explicit Unslice(const StridedSlice& s) : slice(s) {}
    Tensor forward(const Tensor& g) {
        Tensor out = zeros(slice.before, {.dtype = g.dtype(), .device = g.device()});
        StridedSlice(slice.dim, slice.start, slice.count, slice.step).forward(out).copy_(g);
        return out;
    }
    Grads backward(const Tensor& g) {
        return {record(StridedSlice(slice.dim, slice.start, slice.count, slice.step), g)};
    }
};

Grads StridedSlice::backward(const Tensor& g) { return {record(Unslice(*this), g)}; }

int to_int(std::int64_t dim) { return static_cast<int>(std::clamp<std::int64_t>(dim, -1000, 1000)); }

}  // namespace

Tensor reshape(const Tensor& x, const Shape& wanted) {
    apply::check_defined("reshape", x);
    Shape shape = wanted;
    int unknown = -1;
    std::int64_t known = 1;
    for (int d = 0; d < shape.size(); ++d) {
        if (shape[d] == -1) {
            check<ShapeError>(unknown < 0, "reshape: more than one -1 in {}", wanted);
            unknown = d;
        } else {
            check<ShapeError>(shape[d] >= 0, "reshape: negative size in {}", wanted);
            known = checked_mul(known, shape[d]);
        }
    }
    if (unknown >= 0) {
        check<ShapeError>(known != 0, "reshape: -1 in {} is ambiguous for {} elements", wanted, x.numel());
        check<ShapeError>(x.numel() % known == 0, "reshape: {} elements do not fill {}", x.numel(), wanted);
        shape[unknown] = x.numel() / known;
    } else {
        check<ShapeError>(known == x.numel(), "reshape: {} elements of shape {} do not fill {}", x.numel(),
                          x.shape(), wanted);
    }
    if (shape == x.shape()) return x;
    return record(Reshape(shape), x);
}

Tensor flatten(const Tensor& x, int start, int end) {
    if (x.dim() == 0) return reshape(x, {1});
    const int first = wrap_dim("flatten", start, x.dim()), last = wrap_dim("flatten", end, x.dim());
    check<ShapeError>(first <= last, "flatten: start {} after end {}", start, end);
    Shape shape;
    for (int d = 0; d < x.dim(); ++d) {
        if (d <= first || d > last)
            shape.push_back(x.shape()[d]);
        else
            shape[first] = checked_mul(shape[first], x.shape()[d]);
    }
    return reshape(x, shape);
}

Tensor expand(const Tensor& x, const Shape& wanted) {
    Shape shape = wanted;
    const int shift = shape.size() - x.dim();
    check<ShapeError>(shift >= 0, "expand: {} has fewer dimensions than {}", wanted, x.shape());
    for (int d = 0; d < x.dim(); ++d) {
        if (shape[d + shift] == -1) shape[d + shift] = x.shape()[d];
        check<ShapeError>(shape[d + shift] == x.shape()[d] || x.shape()[d] == 1,
                          "expand: {} to {}: dimension {} has size {}, only 1 can grow", x.shape(), wanted, d,
                          x.shape()[d]);
    }
    for (const std::int64_t size : shape) check<ShapeError>(size >= 0, "expand: negative size in {}", wanted);
    if (shape == x.shape()) return x;
    return record(Expand(shape), x);
}

Tensor broadcast_to(const Tensor& x, const Shape& shape) {
    return named("broadcast_to", [&] { return expand(x, shape); });
}

Tensor permute(const Tensor& x, const Shape& wanted) {
    check<ShapeError>(wanted.size() == x.dim(), "permute: {} dimensions named for shape {}", wanted.size(),
                      x.shape());
    Shape dims = wanted;
    unsigned seen = 0;
    for (std::int64_t& d : dims) {
        d = wrap_dim("permute", d, x.dim());
        check<IndexError>(!(seen >> d & 1), "permute: dimension {} twice in {}", d, wanted);
        seen |= 1u << d;
    }
    return record(Permute(dims), x);
}

Tensor transpose(const Tensor& x, int a, int b) {
    const int first = wrap_dim("transpose", a, x.dim()), second = wrap_dim("transpose", b, x.dim());
    if (first == second) return x;
    Shape dims;
    for (int d = 0; d < x.dim(); ++d) dims.push_back(d);
    std::swap(dims[first], dims[second]);
    return record(Permute(dims), x);
}

Tensor t(const Tensor& x) {
    check<ShapeError>(x.dim() <= 2,
                      "t: needs at most 2 dimensions, the shape is {}; use transpose or permute", x.shape());
    return x.dim() == 2 ? transpose(x, 0, 1) : x;
}

Tensor squeeze(const Tensor& x) {
    apply::check_defined("squeeze", x);
    Shape shape;
    for (const std::int64_t size : x.shape())
        if (size != 1) shape.push_back(size);
    return reshape(x, shape);
}

Tensor squeeze(const Tensor& x, int dim) {
    const int d = wrap_dim("squeeze", dim, x.dim());
    if (x.dim() == 0 || x.shape()[d] != 1) return x;
    Shape shape = x.shape();
    shape.erase(d);
    return reshape(x, shape);
}

Tensor unsqueeze(const Tensor& x, int dim) {
    return named("unsqueeze", [&] {
        const int d = wrap_dim("unsqueeze", dim, x.dim() + 1);
        Shape shape = x.shape();
        shape.insert(d, 1);
        return record(Reshape(shape), x);
    });
}

Tensor narrow(const Tensor& x, int dim, std::int64_t start, std::int64_t length) {
    check<ShapeError>(x.dim() > 0, "narrow: a 0-d tensor has no dimension to narrow");
    const int d = wrap_dim("narrow", dim, x.dim());
    const std::int64_t size = x.shape()[d], first = start < 0 ? start + size : start;
    check<IndexError>(first >= 0 && length >= 0 && first <= size && length <= size - first,
                      "narrow: {} elements from {} exceed dimension {} of size {}", length, start, d, size);
    return record(StridedSlice(d, first, length, 1), x);
}

Tensor slice(const Tensor& x, int dim, std::int64_t start, std::int64_t stop, std::int64_t step) {
    check<ShapeError>(x.dim() > 0, "slice: a 0-d tensor has no dimension to slice");
    check<ValueError>(step >= 1, "slice: step {}, expected at least 1; use flip to reverse", step);
    const int d = wrap_dim("slice", dim, x.dim());
    const std::int64_t size = x.shape()[d];
    const auto bound = [size](std::int64_t at) {
        return std::clamp<std::int64_t>(at < 0 ? at + size : at, 0, size);
    };
    const std::int64_t first = bound(start), last = std::max(first, bound(stop));
    // One beyond the end leaves the first element, as all larger ones do.
    const std::int64_t by = std::min(step, std::max<std::int64_t>(size, 1));
    StridedSlice f(d, first, (last - first + by - 1) / by, by);
    f.asked = {start, stop, step};
    return record(std::move(f), x);
}

Tensor select(const Tensor& x, int dim, std::int64_t index) {
    check<IndexError>(x.dim() > 0, "select: a 0-d tensor cannot be indexed");
    const int d = wrap_dim("select", dim, x.dim());
    const std::int64_t size = x.shape()[d];
    check<IndexError>(index >= -size && index < size,
                      "select: index {} is outside [{}, {}) in dimension {} of {}", index, -size, size, d,
                      x.shape());
    return squeeze(narrow(x, d, index < 0 ? index + size : index, 1), d);
}

std::vector<Tensor> split(const Tensor& x, const std::vector<std::int64_t>& sizes, int dim) {
    check<ShapeError>(x.dim() > 0, "split: a 0-d tensor cannot be split");
    const int d = wrap_dim("split", dim, x.dim());
    std::vector<Tensor> parts;
    std::int64_t start = 0;
    for (const std::int64_t size : sizes) {
        check<ShapeError>(
            size >= 0 && size <= x.shape()[d] - start, "split: sizes {} do not fit dimension {} of {}",
            Shape(std::span(sizes).first(std::min<std::size_t>(sizes.size(), max_dims))), d, x.shape());
        parts.push_back(narrow(x, d, start, size));
        start += size;
    }
    check<ShapeError>(start == x.shape()[d], "split: sizes sum to {}, dimension {} has {}", start, d,
                      x.shape()[d]);
    return parts;
}

std::vector<Tensor> split(const Tensor& x, std::int64_t size, int dim) {
    const detail::Within heard("split");
    return named("split", [&] {
        check<ShapeError>(x.dim() > 0, "split: a 0-d tensor cannot be split");
        check<ValueError>(size > 0, "split: pieces of size {}", size);
        const std::int64_t whole = x.size(dim);
        std::vector<std::int64_t> sizes;
        for (std::int64_t start = 0; start < whole; start += size)
            sizes.push_back(std::min(size, whole - start));
        if (sizes.empty()) sizes.push_back(0);
        return split(x, sizes, dim);
    });
}

std::vector<Tensor> chunk(const Tensor& x, std::int64_t chunks, int dim) {
    const detail::Within heard("chunk");
    return named("chunk", [&] {
        check<ValueError>(chunks > 0, "chunk: {} pieces", chunks);
        check<ShapeError>(x.dim() > 0, "chunk: a 0-d tensor cannot be split");
        return split(x, std::max<std::int64_t>(1, (x.size(to_int(dim)) + chunks - 1) / chunks), dim);
    });
}

}  // namespace adjoint
