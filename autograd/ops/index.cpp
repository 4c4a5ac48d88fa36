// Gather, scatter and what is made of them.
#include <adjoint/autograd/ops/index.h>

#include <adjoint/autograd/ops/arithmetic.h>
#include <adjoint/autograd/ops/rearrange.h>
#include <adjoint/autograd/ops/reduce.h>
#include <adjoint/autograd/ops/shape.h>
#include <adjoint/autograd/record/apply.h>
#include <adjoint/autograd/record/observer.h>
#include <adjoint/core/base/format.h>
#include <adjoint/core/tensor/loops.h>

namespace adjoint {
namespace {

Tensor as_index(const char* op, const Tensor& index) {
    check<DTypeError>(!is_floating(index.dtype()) && index.dtype() != DType::boolean,
                      "{}: the index has type {}, expected integers; convert it with to(i64)", op,
                      name(index.dtype()));
    return index.to(DType::i64);
}

void check_index_shape(const char* op, const Tensor& x, int dim, const Tensor& index) {
    check<ShapeError>(index.dim() == x.dim(), "{}: index of shape {} for a tensor of shape {}", op,
                      index.shape(), x.shape());
    for (int d = 0; d < x.dim(); ++d)
        check<ShapeError>(d == dim || index.shape()[d] <= x.shape()[d],
                          "{}: index of shape {} exceeds {} in dimension {}", op, index.shape(), x.shape(),
                          d);
}

// x with the sizes of `index` and a stride of 0 along dim: where the indexed operand stands in the loop.
Tensor placed(const Tensor& x, int dim, const Shape& index_shape) {
    Shape strides = x.strides();
    strides[dim] = 0;
    return detached_view(x, index_shape, strides);
}

Indexing along(const char* op, const Tensor& x, int dim) {
    return {.op = op, .stride = x.strides()[dim], .size = x.shape()[dim]};
}

struct Gather : Function {
    static constexpr auto name = "gather";
    int dim;
    Saved index;
    Shape shape;
    const char* called;
    Gather(int d, const char* op) : dim(d), called(op) {}
    template <class V> void attributes(V& v) const { v("dim", dim); }
    Tensor forward(const Tensor& x, const Tensor& places) {
        shape = x.shape();
        if (needs_any()) index = places;
        Tensor out = empty(places.shape(), {.dtype = x.dtype(), .device = x.device()});
        const Tensor source = placed(x, dim, places.shape());
        if (out.numel() > 0)
            backend(x.device())
                .run(call::Gather{along(called, x, dim), make_loop<3>({&out, &source, &places}, x.dtype())});
        return out;
    }
    Grads backward(const Tensor& g) {
        const Tensor zero = zeros(shape, {.dtype = g.dtype(), .device = g.device()});
        return {scatter_add(zero, dim, index.get(), g), Tensor()};
    }
};

// The leading part of src that the index covers.
Tensor covered(Tensor src, const Shape& shape) {
    for (int d = 0; d < shape.size(); ++d)
        if (src.shape()[d] != shape[d]) src = narrow(src, d, 0, shape[d]);
    return src;
}

// The same way back: elements that the index leaves out get 0.
Tensor uncovered(Tensor taken, const Shape& shape) {
    for (int d = 0; d < shape.size(); ++d) {
        if (taken.shape()[d] == shape[d]) continue;
        Shape rest = taken.shape();
        rest[d] = shape[d] - taken.shape()[d];
        taken = cat({taken, zeros(rest, {.dtype = taken.dtype(), .device = taken.device()})}, d);
    }
    return taken;
}

// A copy of x in which src is added or written at the places.
Tensor scattered(const char* op, bool add, const Tensor& x, int dim, const Tensor& places,
                 const Tensor& src) {
    Tensor out = empty_like(x);
    out.copy_(x);
    const Tensor target = placed(out, dim, places.shape()), source = covered(src, places.shape());
    if (places.numel() > 0)
        backend(x.device())
            .run(call::Scatter{along(op, out, dim), add,
                               make_loop<3>({&target, &source, &places}, x.dtype())});
    return out;
}

struct ScatterAdd : Function {
    static constexpr auto name = "scatter_add";
    int dim;
    Saved index;
    Shape src_shape;
    const char* called;
    ScatterAdd(int d, const char* op) : dim(d), called(op) {}
    template <class V> void attributes(V& v) const { v("dim", dim); }
    Tensor forward(const Tensor& x, const Tensor& places, const Tensor& src) {
        if (needs_any()) index = places;
        src_shape = src.shape();
        return scattered(called, true, x, dim, places, src);
    }
    Grads backward(const Tensor& g) {
        return {needs(0) ? g : Tensor(), Tensor(),
                needs(2) ? uncovered(gather(g, dim, index.get()), src_shape) : Tensor()};
    }
};

struct Scatter : Function {
    static constexpr auto name = "scatter";
    int dim;
    Saved index;
    Shape src_shape;
    explicit Scatter(int d) : dim(d) {}
    template <class V> void attributes(V& v) const { v("dim", dim); }
    Tensor forward(const Tensor& x, const Tensor& places, const Tensor& src) {
        if (needs_any()) index = places;
        src_shape = src.shape();
        return scattered(name, false, x, dim, places, src);
    }
    Grads backward(const Tensor& g) {
        const Tensor places = index.get();
        Tensor dx, dsrc;
        if (needs(0)) dx = scatter(g, dim, places, 0);
        if (needs(2)) dsrc = uncovered(gather(g, dim, places) * is_last(g.shape(), places), src_shape);
        return {dx, Tensor(), dsrc};
    }
    // 1 where no later element goes to the same place.
    Tensor is_last(const Shape& shape, const Tensor& places) const {
        const Options as_index{.dtype = DType::i64, .device = places.device()};
        const Tensor numbers = reshape(arange(places.numel(), as_index), places.shape());
        const Tensor winners = scattered(name, false, zeros(shape, as_index), dim, places, numbers);
        return eq(gather(winners, dim, places), numbers);
    }
};

// A 1-d index seen along dimension `dim` of a tensor of shape `shape`.
Tensor spread(const char* op, const Tensor& index, int dim, Shape shape) {
    check<ShapeError>(index.dim() <= 1, "{}: the index has shape {}, expected one dimension", op,
                      index.shape());
    Shape aligned = Shape::filled(shape.size(), 1);
    aligned[dim] = index.numel();
    shape[dim] = index.numel();
    return expand(reshape(as_index(op, index), aligned), shape);
}

Tensor select_along(const char* op, const Tensor& x, int dim, const Tensor& index) {
    check<ShapeError>(x.dim() > 0, "{}: of a 0-d tensor", op);
    const int d = wrap_dim(op, dim, x.dim());
    apply::check_same_device(op, x, index);
    return composed(
        "index_select", [d](auto& v) { v("dim", d); },
        [&] { return record(Gather(d, op), x, spread(op, index, d, x.shape())); }, x, index);
}

void check_same_kind(const char* op, const Tensor& x, const Tensor& places, const Tensor& src) {
    apply::check_same_device(op, x, places);
    apply::check_same_device(op, x, src);
    check<DTypeError>(x.dtype() == src.dtype(), "{}: {} into {}", op, name(src.dtype()), name(x.dtype()));
}

// Records f(d), d the dimension counted from the front, of operands that belong together.
template <class F>
Tensor scatter_by(const char* op, const Tensor& x, int dim, const Tensor& index, const Tensor& src, F f) {
    const int d = wrap_dim(op, dim, x.dim());
    const Tensor places = as_index(op, index);
    check_index_shape(op, x, d, places);
    check<ShapeError>(src.dim() == x.dim(), "{}: source of shape {} for a tensor of shape {}", op,
                      src.shape(), x.shape());
    for (int i = 0; i < x.dim(); ++i)
        check<ShapeError>(places.shape()[i] <= src.shape()[i],
                          "{}: index of shape {} exceeds the source's {}", op, places.shape(), src.shape());
    check_same_kind(op, x, places, src);
    return record(f(d), x, places, src);
}

ValuesIndices extreme(const char* op, Tensor (*place)(const Tensor&, int, bool), const Tensor& x, int dim,
                      bool keepdim) {
    return named(op, [&]() -> ValuesIndices {
        const Tensor places = place(x.detach(), dim, true);
        const Tensor values = gather(x, dim, places);
        if (keepdim || x.dim() == 0) return {values, places};
        return {squeeze(values, dim), squeeze(places, dim)};
    });
}

}  // namespace

Tensor gather(const Tensor& x, int dim, const Tensor& index) {
    if (x.dim() == 0) return reshape(gather(reshape(x, {1}), 0, reshape(index, {-1})), index.shape());
    const int d = wrap_dim("gather", dim, x.dim());
    const Tensor places = as_index("gather", index);
    apply::check_same_device("gather", x, index);
    check_index_shape("gather", x, d, places);
    return record(Gather(d, "gather"), x, places);
}

Tensor scatter_add(const Tensor& x, int dim, const Tensor& index, const Tensor& src) {
    return scatter_by("scatter_add", x, dim, index, src, [](int d) { return ScatterAdd(d, "scatter_add"); });
}

Tensor scatter(const Tensor& x, int dim, const Tensor& index, const Tensor& src) {
    const Tensor values = src.dim() == 0 ? expand(src.to(x.dtype()).to(x.device()), index.shape()) : src;
    return scatter_by("scatter", x, dim, index, values, [](int d) { return Scatter(d); });
}

Tensor index_select(const Tensor& x, int dim, const Tensor& index) {
    return select_along("index_select", x, dim, index);
}

Tensor index_add(const Tensor& x, int dim, const Tensor& index, const Tensor& src) {
    check<ShapeError>(x.dim() > 0, "index_add: to a 0-d tensor");
    const int d = wrap_dim("index_add", dim, x.dim());
    Shape expected = x.shape();
    expected[d] = index.numel();
    check<ShapeError>(src.shape() == expected, "index_add: source of shape {}, expected {}", src.shape(),
                      expected);
    const Tensor places = spread("index_add", index, d, x.shape());
    check_same_kind("index_add", x, places, src);
    return record(ScatterAdd(d, "index_add"), x, places, src);
}

Tensor embedding(const Tensor& weight, const Tensor& index, std::int64_t padding_idx) {
    check<ShapeError>(weight.dim() == 2, "embedding: the table has shape {}, expected (n, d)",
                      weight.shape());
    check<IndexError>(padding_idx >= -1 && padding_idx < weight.shape()[0],
                      "embedding: padding_idx {} for a table of {} rows; -1 is none", padding_idx,
                      weight.shape()[0]);
    const Tensor flat = reshape(as_index("embedding", index), {index.numel()});
    Tensor table = weight;
    if (padding_idx >= 0 && grad_enabled()) {
        // The padding row is read from a detached copy, so that it receives no gradient.
        const Tensor padding = unsqueeze(eq(arange(weight.shape()[0]).to(weight.device()), padding_idx), 1);
        table = where(padding, weight.detach(), weight);
    }
    Shape shape = index.shape();
    shape.push_back(weight.shape()[1]);
    return reshape(select_along("embedding", table, 0, flat), shape);
}

Tensor one_hot(const Tensor& index, std::int64_t classes) {
    const detail::Within heard("one_hot");
    const Tensor places = as_index("one_hot", index);
    if (classes < 0) {
        check<ValueError>(places.numel() > 0,
                          "one_hot: the number of classes cannot be read off no elements");
        classes = amax(places).item<std::int64_t>() + 1;
    }
    if (places.numel() > 0) {
        const detail::Unheard check_alone;
        const auto low = amin(places).item<std::int64_t>(), high = amax(places).item<std::int64_t>();
        check<IndexError>(low >= 0 && high < classes, "one_hot: class {} is outside [0, {})",
                          low < 0 ? low : high, classes);
    }
    const Tensor numbers = arange(classes).to(index.device());
    return eq(unsqueeze(places, -1), numbers).to(DType::i64);
}

Tensor nonzero(const Tensor& x) {
    const auto places_of = [&] {
        const std::vector<bool> flags = ne(x, 0).to_vector<bool>();
        const Shape strides = dense_strides(x.shape());
        std::vector<std::int64_t> places;
        for (std::size_t i = 0; i < flags.size(); ++i) {
            if (!flags[i]) continue;
            for (int d = 0; d < x.dim(); ++d)
                places.push_back(static_cast<std::int64_t>(i) / strides[d] % x.shape()[d]);
        }
        const std::int64_t rank = x.dim();
        const std::int64_t count =
            rank > 0 ? static_cast<std::int64_t>(places.size()) / rank : (flags[0] ? 1 : 0);
        return tensor(places, {count, rank}).to(x.device());
    };
    return named("nonzero", [&] { return composed("nonzero", no_attributes, places_of, x); });
}

Tensor masked_select(const Tensor& x, const Tensor& mask) {
    check<DTypeError>(mask.dtype() == DType::boolean, "masked_select: the mask has type {}, expected bool",
                      name(mask.dtype()));
    const Shape shape = broadcast_shapes("masked_select", x.shape(), mask.shape());
    const Tensor values = flatten(expand(x, shape)), flags = flatten(expand(mask, shape));
    const auto chosen = [&] { return index_select(values, 0, reshape(nonzero(flags), {-1})); };
    return composed("masked_select", no_attributes, chosen, values, flags);
}

ValuesIndices max(const Tensor& x, int dim, bool keepdim) { return extreme("max", argmax, x, dim, keepdim); }
ValuesIndices min(const Tensor& x, int dim, bool keepdim) { return extreme("min", argmin, x, dim, keepdim); }

}  // namespace adjoint
