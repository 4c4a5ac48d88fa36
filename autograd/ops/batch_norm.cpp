// Batch normalisation: by the statistics of the batch in one pass each way, by running ones as arithmetic.
#include <adjoint/autograd/ops/batch_norm.h>

#include <adjoint/autograd/ops/arithmetic.h>
#include <adjoint/autograd/ops/elementwise.h>
#include <adjoint/autograd/ops/reduce.h>
#include <adjoint/autograd/ops/shape.h>
#include <adjoint/autograd/record/apply.h>
#include <adjoint/core/base/format.h>
#include <adjoint/core/tensor/loops.h>

namespace adjoint {
namespace {

// (C) beside (N, C, ...).
Tensor beside_channels(const Tensor& v, const Tensor& x) {
    Shape shape = Shape::filled(x.dim(), 1);
    shape[1] = x.shape()[1];
    return reshape(v, shape);
}

Dims all_but_channels(const Tensor& x) {
    Dims dims;
    for (int d = 0; d < x.dim(); ++d)
        if (d != 1) dims.list.push_back(d);
    return dims;
}

/// Normalisation by the statistics of the batch, in one pass of the backend each way;
/// statistics are handed out.
struct BatchNormTraining : Function {
    static constexpr auto name = "batch_norm";
    double eps;
    Tensor mean, inverse_std;
    Saved x, weight;

    explicit BatchNormTraining(double e) : eps(e) {}

    ChannelNorm operands(const Tensor& input, const Tensor& w, const Tensor& b) const {
        const std::int64_t channels = input.shape()[1];
        return {.batch = input.shape()[0],
                .channels = channels,
                .inner = input.numel() / (input.shape()[0] * channels),
                .dtype = input.dtype(),
                .eps = eps,
                .x = input.impl().data,
                .weight = w.defined() ? w.impl().data : nullptr,
                .bias = b.defined() ? b.impl().data : nullptr,
                .mean = mean.impl().data,
                .inverse_std = inverse_std.impl().data};
    }

    std::vector<Tensor> forward(const Tensor& source, const Tensor& w, const Tensor& b) {
        const Tensor input = source.contiguous();
        const Options like{.dtype = input.dtype(), .device = input.device()};
        mean = empty({input.shape()[1]}, like);
        inverse_std = empty({input.shape()[1]}, like);
        Tensor y = empty_like(input), variance = empty_like(mean);
        ChannelNorm norm = operands(input, w, b);
        norm.variance = variance.impl().data;
        backend(input.device()).run(call::BatchNorm{.y = y.impl().data, .norm = norm, .training = true});
        if (needs_any()) {
            x = source;  // not the dense copy, whose history is not recorded
            weight = w;
        }
        return {y, mean.detach(), variance};
    }

    Grads backward(const Grads& upstream) {
        const Tensor input = x.get(), w = weight.get();
        if (grad_enabled()) return differentiable(input, w, upstream[0]);
        const Tensor g = upstream[0].contiguous(), dense = input.contiguous();
        Tensor dx = needs(0) ? empty_like(dense) : Tensor();
        Tensor dw = needs(1) ? empty_like(mean) : Tensor();
        Tensor db = needs(2) ? empty_like(mean) : Tensor();
        const auto data = [](const Tensor& t) { return t.defined() ? t.impl().data : nullptr; };
        backend(input.device())
            .run(call::BatchNormBackward{.dx = data(dx),
                                         .dweight = data(dw),
                                         .dbias = data(db),
                                         .g = g.impl().data,
                                         .norm = operands(dense, w, {})});
        return {dx, dw, db};
    }

    Grads differentiable(const Tensor& input, const Tensor& w, const Tensor& g) const {
        const Dims dims = all_but_channels(input);
        const Tensor centred = input - adjoint::mean(input, dims, true);
        const Tensor inverse = rsqrt(adjoint::mean(square(centred), dims, true) + eps);
        const Tensor h = centred * inverse;
        const Tensor gw = w.defined() ? g * beside_channels(w, input) : g;
        const Tensor dx =
            inverse * (gw - adjoint::mean(gw, dims, true) - h * adjoint::mean(gw * h, dims, true));
        return {dx, needs(1) ? sum(g * h, dims) : Tensor(), needs(2) ? sum(g, dims) : Tensor()};
    }
};

void check_channels(const char* what, const Tensor& v, const Tensor& x) {
    if (!v.defined()) return;
    check<ShapeError>(v.dim() == 1 && v.numel() == x.shape()[1],
                      "batch_norm: {} of shape {} for {} channels (input {})", what, v.shape(), x.shape()[1],
                      x.shape());
}

Tensor normalised_by(const Tensor& x, const Tensor& mean, const Tensor& inverse_std, const Tensor& weight,
                     const Tensor& bias) {
    Tensor scale = inverse_std;
    if (weight.defined()) scale = scale * weight;
    const Tensor y = (x - beside_channels(mean, x)) * beside_channels(scale, x);
    return bias.defined() ? y + beside_channels(bias, x) : y;
}

Tensor normalised_batch(const Tensor& x, const Tensor& running_mean, const Tensor& running_var,
                        const Tensor& weight, const Tensor& bias, const BatchNormOptions& options) {
    check<ShapeError>(x.dim() >= 2, "batch_norm: needs (N, C, ...), the shape is {}", x.shape());
    check<DTypeError>(is_floating(x.dtype()), "batch_norm: needs a floating-point input, not {}",
                      name(x.dtype()));
    check_channels("running_mean", running_mean, x);
    check_channels("running_var", running_var, x);
    check_channels("weight", weight, x);
    check_channels("bias", bias, x);
    if (!options.training) {
        check<ValueError>(running_mean.defined() && running_var.defined(),
                          "batch_norm: without training the running statistics must be given");
        return normalised_by(x, running_mean, rsqrt(running_var + options.eps), weight, bias);
    }
    const std::int64_t samples = x.shape()[1] > 0 ? x.numel() / x.shape()[1] : 0;
    check<ValueError>(
        samples != 1,
        "batch_norm: one value per channel has no variance, the input is {}; use eval mode or a "
        "larger batch",
        x.shape());
    if (x.numel() == 0) return x.clone();
    const DType compute = compute_type(x.dtype());
    const auto dense = [compute](const Tensor& v) { return v.defined() ? v.to(compute).contiguous() : v; };
    const std::vector<Tensor> out =
        record(BatchNormTraining(options.eps), x.to(compute), dense(weight), dense(bias));
    if (running_mean.defined()) {
        const NoGrad guard;
        const double m = options.momentum,
                     unbias = static_cast<double>(samples) / static_cast<double>(samples - 1);
        running_mean.copy_(running_mean * (1 - m) + out[1] * m);
        running_var.copy_(running_var * (1 - m) + out[2] * (m * unbias));
    }
    return out[0].to(x.dtype());
}

}  // namespace

Tensor batch_norm(const Tensor& x, const Tensor& running_mean, const Tensor& running_var,
                  const Tensor& weight, const Tensor& bias, const BatchNormOptions& options) {
    const auto attributes = [&](auto& v) {
        v("training", options.training);
        v("eps", options.eps);
    };
    return composed(
        "batch_norm", attributes,
        [&] { return normalised_batch(x, running_mean, running_var, weight, bias, options); }, x,
        running_mean, running_var, weight, bias);
}

}  // namespace adjoint
