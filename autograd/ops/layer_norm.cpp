// Layer, group and instance normalisation: rows brought to mean 0 and variance 1, then scaled and shifted.
#include <adjoint/autograd/ops/layer_norm.h>

#include <adjoint/autograd/ops/arithmetic.h>
#include <adjoint/autograd/ops/elementwise.h>
#include <adjoint/autograd/ops/reduce.h>
#include <adjoint/autograd/ops/shape.h>
#include <adjoint/autograd/record/apply.h>
#include <adjoint/autograd/record/recompute.h>
#include <adjoint/core/base/format.h>

namespace adjoint {
namespace {

/// y = (x - mean) / sqrt(var + eps) weight + bias for each row of a matrix; weight and bias have a number
/// for each column, and may be undefined.
struct NormalizeRows : Function {
    static constexpr auto name = "normalize_rows";
    double eps;
    Saved x, weight;
    Tensor row_mean, inverse_std;
    explicit NormalizeRows(double e) : eps(e) {}
    template <class V> void attributes(V& v) const { v("eps", eps); }

    static Rows rows_of(const Tensor& m) {
        return {.rows = m.shape()[0], .columns = m.shape()[1], .dtype = m.dtype()};
    }
    Tensor forward(const Tensor& input, const Tensor& w, const Tensor& bias) {
        const Tensor dense = input.contiguous();
        Tensor out = empty_like(dense);
        row_mean = empty({dense.shape()[0]}, {.dtype = dense.dtype(), .device = dense.device()});
        inverse_std = empty_like(row_mean);
        backend(dense.device())
            .run(call::LayerNorm{.y = data(out),
                                 .mean = data(row_mean),
                                 .inverse_std = data(inverse_std),
                                 .x = data(dense),
                                 .weight = data(w),
                                 .bias = data(bias),
                                 .rows = rows_of(dense),
                                 .eps = eps});
        if (needs_any()) {
            x = input;
            if (w.defined()) weight = w;
        }
        return out;
    }
    Grads backward(const Tensor& upstream) {
        const Tensor input = x.get(), w = weight.defined() ? weight.get() : Tensor();
        if (grad_enabled()) {
            const Tensor centred = input - mean(input, 1, true);
            const Tensor inverse = rsqrt(mean(square(centred), 1, true) + eps), h = centred * inverse,
                         u = w.defined() ? upstream * w : upstream;
            return {needs(0) ? inverse * (u - mean(u, 1, true) - h * mean(u * h, 1, true)) : Tensor(),
                    needs(1) ? sum(upstream * h, 0) : Tensor(), needs(2) ? sum(upstream, 0) : Tensor()};
        }
        const Tensor g = upstream.contiguous(), dense = input.contiguous();
        const auto of_columns = [&](bool wanted) {
            return wanted ? empty({g.shape()[1]}, {.dtype = g.dtype(), .device = g.device()}) : Tensor();
        };
        const Tensor dx = needs(0) ? empty_like(g) : Tensor(), dweight = of_columns(needs(1)),
                     dbias = of_columns(needs(2));
        backend(g.device())
            .run(call::LayerNormBackward{.dx = data(dx),
                                         .dweight = data(dweight),
                                         .dbias = data(dbias),
                                         .g = data(g),
                                         .x = data(dense),
                                         .mean = data(row_mean),
                                         .inverse_std = data(inverse_std),
                                         .weight = data(w),
                                         .rows = rows_of(g)});
        return {dx, dweight, dbias};
    }

  private:
    static void* data(const Tensor& t) { return t.defined() ? t.impl().data : nullptr; }
};

void check_floating(const char* op, const Tensor& x) {
    check<DTypeError>(is_floating(x.dtype()), "{}: needs a floating-point input, not {}", op,
                      name(x.dtype()));
}

void check_vector(const char* op, const char* what, const Tensor& v, const Tensor& x, const Shape& shape) {
    if (!v.defined()) return;
    check<ShapeError>(v.shape() == shape, "{}: {} of shape {}, expected {} (input {})", op, what, v.shape(),
                      shape, x.shape());
    apply::check_same_device(op, x, v);
}

void check_trailing(const char* op, const Tensor& x, const Shape& normalized_shape) {
    const int rank = normalized_shape.size(), extra = x.dim() - rank;
    bool fits = rank > 0 && extra >= 0;
    for (int d = 0; fits && d < rank; ++d) fits = x.shape()[extra + d] == normalized_shape[d];
    check<ShapeError>(fits, "{}: an input of shape {} does not end in normalized_shape {}", op, x.shape(),
                      normalized_shape);
}

// x with its elements taken in rows of `columns`; x has elements. Weight and bias may be undefined.
Tensor normalised(const Tensor& x, std::int64_t columns, double eps, const Tensor& weight = {},
                  const Tensor& bias = {}) {
    const auto flat = [](const Tensor& v) { return v.defined() ? reshape(v, {v.numel()}).contiguous() : v; };
    return reshape(
        record(NormalizeRows(eps), reshape(x, {x.numel() / columns, columns}), flat(weight), flat(bias)),
        x.shape());
}

Tensor scaled(Tensor y, const Tensor& weight, const Tensor& bias, const Shape& aligned) {
    if (weight.defined()) y = y * reshape(weight, aligned);
    if (bias.defined()) y = y + reshape(bias, aligned);
    return y;
}

// (C) beside (N, C, ...).
Shape channels_of(const Tensor& x) {
    Shape shape = Shape::filled(x.dim(), 1);
    shape[1] = x.shape()[1];
    return shape;
}

}  // namespace

Tensor layer_norm(const Tensor& x, const Shape& normalized_shape, const Tensor& weight, const Tensor& bias,
                  double eps) {
    constexpr auto op = "layer_norm";
    check_floating(op, x);
    check_trailing(op, x, normalized_shape);
    check_vector(op, "weight", weight, x, normalized_shape);
    check_vector(op, "bias", bias, x, normalized_shape);
    if (x.numel() == 0) return x.clone();
    const auto normal = [&] {
        const Tensor wide = x.to(compute_type(x.dtype()));
        const std::int64_t columns = normalized_shape.numel();
        const auto fits = [&](const Tensor& v) { return !v.defined() || v.dtype() == wide.dtype(); };
        const Tensor y = fits(weight) && fits(bias)
                             ? normalised(wide, columns, eps, weight, bias)
                             : scaled(normalised(wide, columns, eps), weight, bias, normalized_shape);
        return y.to(x.dtype());
    };
    const auto attributes = [&](auto& v) {
        v("dims", normalized_shape.size());
        v("eps", eps);
    };
    return composed(op, attributes, normal, x, weight, bias);
}

Tensor rms_norm(const Tensor& x, const Shape& normalized_shape, const Tensor& weight,
                std::optional<double> eps) {
    constexpr auto op = "rms_norm";
    check_floating(op, x);
    check_trailing(op, x, normalized_shape);
    check_vector(op, "weight", weight, x, normalized_shape);
    const DType used = compute_type(x.dtype());
    const double added = eps.value_or(used == DType::f64 ? 0x1p-52 : 0x1p-23);
    const auto normal = [&] {
        const Tensor wide = x.to(used);
        Dims dims;
        for (int d = -normalized_shape.size(); d < 0; ++d) dims.list.push_back(d);
        const Tensor y = wide * rsqrt(mean(square(wide), dims, true) + added);
        return scaled(y, weight, {}, normalized_shape).to(x.dtype());
    };
    const auto attributes = [&](auto& v) {
        v("dims", normalized_shape.size());
        v("eps", added);
    };
    return composed(op, attributes, normal, x, weight);
}

Tensor group_norm(const Tensor& x, std::int64_t num_groups, const Tensor& weight, const Tensor& bias,
                  double eps) {
    constexpr auto op = "group_norm";
    check_floating(op, x);
    check<ShapeError>(x.dim() >= 2, "{}: needs (N, C, ...), the shape is {}", op, x.shape());
    const std::int64_t channels = x.shape()[1];
    check<ValueError>(num_groups >= 1 && channels % num_groups == 0,
                      "{}: {} groups do not divide {} channels", op, num_groups, channels);
    check_vector(op, "weight", weight, x, {channels});
    check_vector(op, "bias", bias, x, {channels});
    if (x.numel() == 0) return x.clone();
    const auto normal = [&] {
        const Tensor wide = x.to(compute_type(x.dtype()));
        const std::int64_t columns = x.numel() / (x.shape()[0] * num_groups);
        return scaled(normalised(wide, columns, eps), weight, bias, channels_of(x)).to(x.dtype());
    };
    const auto attributes = [&](auto& v) {
        v("num_groups", num_groups);
        v("eps", eps);
    };
    return composed(op, attributes, normal, x, weight, bias);
}

Tensor instance_norm(const Tensor& x, const Tensor& running_mean, const Tensor& running_var,
                     const Tensor& weight, const Tensor& bias, const InstanceNormOptions& options) {
    constexpr auto op = "instance_norm";
    check_floating(op, x);
    check<ShapeError>(x.dim() >= 3, "{}: needs (N, C, L, ...), the shape is {}", op, x.shape());
    const std::int64_t samples = x.shape()[0], channels = x.shape()[1];
    const Tensor* const vectors[] = {&running_mean, &running_var, &weight, &bias};
    const char* const names[] = {"running_mean", "running_var", "weight", "bias"};
    for (int i = 0; i < 4; ++i) check_vector(op, names[i], *vectors[i], x, {channels});
    const Shape aligned = channels_of(x);
    const Tensor wide = x.to(compute_type(x.dtype()));
    if (!options.use_input_stats) {
        check<ValueError>(running_mean.defined() && running_var.defined(),
                          "{}: without use_input_stats the running statistics must be given", op);
        const Tensor inverse = rsqrt(reshape(running_var, aligned) + options.eps);
        return scaled((wide - reshape(running_mean, aligned)) * inverse, weight, bias, aligned).to(x.dtype());
    }
    if (x.numel() == 0) return x.clone();
    const std::int64_t columns = x.numel() / (samples * channels);
    check<ValueError>(columns > 1, "{}: one value per channel has no variance, the input is {}", op,
                      x.shape());
    if ((running_mean.defined() || running_var.defined()) && !is_recomputing()) {
        const NoGrad guard;
        const Tensor rows = reshape(wide.detach(), {samples, channels, columns});
        const double m = options.momentum;
        if (running_mean.defined()) running_mean.copy_(running_mean * (1 - m) + mean(mean(rows, 2), 0) * m);
        if (running_var.defined()) running_var.copy_(running_var * (1 - m) + mean(var(rows, 2), 0) * m);
    }
    const auto normal = [&] {
        return scaled(normalised(wide, columns, options.eps), weight, bias, aligned).to(x.dtype());
    };
    return composed(
        op, [&](auto& v) { v("eps", options.eps); }, normal, x, weight, bias);
}

}  // namespace adjoint
