// Sorting by the backend's rows, gradients by gather; scans and theirs.
#include <adjoint/autograd/ops/sort.h>

#include <adjoint/autograd/ops/arithmetic.h>
#include <adjoint/autograd/ops/index.h>
#include <adjoint/autograd/ops/rearrange.h>
#include <adjoint/autograd/ops/shape.h>
#include <adjoint/autograd/record/apply.h>
#include <adjoint/core/base/format.h>
#include <adjoint/core/tensor/creation.h>

namespace adjoint {
namespace {

// Values and indices of x, which has dimensions, sorted along d; not recorded.
ValuesIndices sorted(const Tensor& x, int d, bool descending) {
    const NoGrad guard;
    const Tensor rows = transpose(x.detach(), d, -1).to(compute_type(x.dtype())).contiguous();
    const std::int64_t columns = rows.shape().back();
    Tensor values = empty_like(rows),
           indices = empty(rows.shape(), {.dtype = DType::i64, .device = x.device()});
    if (rows.numel() > 0)
        backend(x.device())
            .run(call::Sort{.values = values.impl().data,
                            .indices = reinterpret_cast<std::int64_t*>(indices.impl().data),
                            .x = rows.impl().data,
                            .rows = {rows.numel() / columns, columns, rows.dtype()},
                            .descending = descending});
    return {transpose(values, d, -1).to(x.dtype()).contiguous(), transpose(indices, d, -1).contiguous()};
}

bool recorded(const Tensor& x) { return grad_enabled() && x.requires_grad(); }

Tensor scan(const ScanOp& op, const Tensor& input, int dim, bool reverse) {
    const Tensor x = input.contiguous();
    Tensor y = empty_like(x);
    Lines lines{.outer = 1, .length = x.shape()[dim], .inner = 1, .dtype = x.dtype()};
    for (int d = 0; d < dim; ++d) lines.outer *= x.shape()[d];
    for (int d = dim + 1; d < x.dim(); ++d) lines.inner *= x.shape()[d];
    if (x.numel() > 0)
        backend(x.device())
            .run(call::Scan{
                .out = y.impl().data, .x = x.impl().data, .op = op, .lines = lines, .reverse = reverse});
    return y;
}

/// y_i = sum of x_j for j <= i, or j >= i in reverse; the gradient is the same the other way round.
struct Cumsum : Function {
    static constexpr auto name = "cumsum";
    int dim;
    bool reverse;
    Cumsum(int d, bool r) : dim(d), reverse(r) {}
    template <class V> void attributes(V& v) const {
        v("dim", dim);
        v("reverse", reverse);
    }
    Tensor forward(const Tensor& x) { return scan(functor::Sum{}, x, dim, reverse); }
    Grads backward(const Tensor& g) { return {record(Cumsum(dim, !reverse), g)}; }
};

/// dx_i = p_i s_i with p_i = x_0 .. x_(i-1) and s_i = g_i + x_(i+1) s_(i+1):
/// no division, so zeros do no harm.
struct Cumprod : Function {
    static constexpr auto name = "cumprod";
    int dim;
    Saved x;
    explicit Cumprod(int d) : dim(d) {}
    template <class V> void attributes(V& v) const { v("dim", dim); }
    Tensor forward(const Tensor& input) {
        if (needs_any()) x = input;
        return scan(functor::Prod{}, input, dim, false);
    }
    Grads backward(const Tensor& g) {
        const Tensor input = x.get();
        const std::int64_t n = input.shape()[dim];
        if (n <= 1) return {g};
        // The recurrence by doubling: s_i spans `step` terms, a_i is the product that leads to s_(i + step).
        Tensor a = narrow(input, dim, 1, n - 1), s = g;
        for (std::int64_t step = 1;; step *= 2) {
            const std::int64_t left = n - step;
            s = cat({narrow(s, dim, 0, left) + narrow(a, dim, 0, left) * narrow(s, dim, step, left),
                     narrow(s, dim, left, step)},
                    dim);
            if (2 * step >= n) break;
            a = narrow(a, dim, 0, left - step) * narrow(a, dim, step, left - step);
        }
        const Tensor before = cumprod(narrow(input, dim, 0, n - 1), dim);
        return {cat({narrow(s, dim, 0, 1), narrow(s, dim, 1, n - 1) * before}, dim)};
    }
};

template <class F> Tensor scanned(const Tensor& x, F function) {
    const Tensor operand = x.to(compute_type(x.dtype()));
    const Tensor y =
        x.dim() == 0 ? reshape(record(function, reshape(operand, {1})), {}) : record(function, operand);
    return is_floating(x.dtype()) ? y.to(x.dtype()) : y;
}

}  // namespace

ValuesIndices sort(const Tensor& x, int dim, bool descending) {
    const int d = wrap_dim("sort", dim, x.dim());
    if (x.dim() == 0) return {x.clone(), zeros({}, {.dtype = DType::i64, .device = x.device()})};
    const auto ordered = [&] {
        ValuesIndices out = sorted(x, d, descending);
        if (recorded(x)) out.values = gather(x, d, out.indices);
        return out;
    };
    const auto attributes = [&](auto& v) {
        v("dim", d);
        v("descending", descending);
    };
    return composed("sort", attributes, ordered, x);
}

Tensor argsort(const Tensor& x, int dim, bool descending) {
    wrap_dim("argsort", dim, x.dim());
    return sort(x.detach(), dim, descending).indices;
}

ValuesIndices topk(const Tensor& x, std::int64_t k, int dim, bool largest) {
    const int d = wrap_dim("topk", dim, x.dim());
    const std::int64_t size = x.dim() == 0 ? 1 : x.shape()[d];
    check<ValueError>(k >= 0 && k <= size, "topk: k = {} of {} elements (shape {})", k, size, x.shape());
    if (x.dim() == 0) return sort(x);
    const auto best = [&] {
        ValuesIndices out = sorted(x, d, largest);
        out.indices = narrow(out.indices, d, 0, k).contiguous();
        out.values = recorded(x) ? gather(x, d, out.indices) : narrow(out.values, d, 0, k).contiguous();
        return out;
    };
    const auto attributes = [&](auto& v) {
        v("k", k);
        v("dim", d);
        v("largest", largest);
    };
    return composed("topk", attributes, best, x);
}

UniqueValues unique(const Tensor& x) {
    apply::check_defined("unique", x);
    const auto distinct = [&]() -> UniqueValues {
        const NoGrad guard;
        const Tensor flat = reshape(x.detach(), {x.numel()});
        const std::int64_t n = x.numel();
        const Options as_index{.dtype = DType::i64, .device = x.device()};
        if (n == 0) return {flat, zeros(x.shape(), as_index), zeros({0}, as_index)};
        const ValuesIndices order = sorted(flat, 0, false);
        const Tensor first = cat({ones({1}, {.dtype = DType::boolean, .device = x.device()}),
                                  narrow(order.values, 0, 1, n - 1) != narrow(order.values, 0, 0, n - 1)});
        const Tensor starts = reshape(nonzero(first), {-1});
        const Tensor ends =
            cat({narrow(starts, 0, 1, starts.numel() - 1), full({1}, static_cast<double>(n), as_index)});
        const Tensor inverse =
            scatter_add(zeros({n}, as_index), 0, order.indices, cumsum(first.to(DType::i64), 0) - 1);
        return {index_select(order.values, 0, starts), reshape(inverse, x.shape()), ends - starts};
    };
    return composed("unique", no_attributes, distinct, x);
}

Tensor cumsum(const Tensor& x, int dim) {
    return scanned(x, Cumsum(wrap_dim("cumsum", dim, x.dim()), false));
}

Tensor cumprod(const Tensor& x, int dim) { return scanned(x, Cumprod(wrap_dim("cumprod", dim, x.dim()))); }

}  // namespace adjoint
