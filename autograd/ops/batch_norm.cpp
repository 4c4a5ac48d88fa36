// Batch normalisation: by the statistics of the batch in one pass each way, by running ones as arithmetic.
#include <adjoint/autograd/ops/batch_norm.h>

#include <utility>

#include <adjoint/autograd/ops/arithmetic.h>
#include <adjoint/autograd/ops/elementwise.h>
#include <adjoint/autograd/ops/reduce.h>
#include <adjoint/autograd/ops/shape.h>
#include <adjoint/autograd/record/apply.h>
#include <adjoint/autograd/record/recompute.h>
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

// Of a batch, for each channel; the biased variance.
struct BatchStatistics {
    Tensor mean, variance;
};

/// Normalisation by the statistics of the batch, in one pass of the backend each way. The forward pass hands
/// the statistics out.
struct BatchNormTraining : Function {
    static constexpr auto name = "batch_norm";
    const char* called;
    double eps;
    RunningStatistics running;
    Activation activation;
    BatchStatistics* handed_out;  // null once the forward pass has run
    Tensor mean, inverse_std;
    Saved x, weight, y;

    BatchNormTraining(double e, const RunningStatistics& r, Activation f, BatchStatistics& statistics)
        : called(apply::activated_name<BatchNormTraining>(f)),
          eps(e),
          running(r),
          activation(f),
          handed_out(&statistics) {}

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

    Tensor forward(const Tensor& source, const Tensor& w, const Tensor& b) {
        const Tensor input = source.contiguous();
        const Options like{.dtype = input.dtype(), .device = input.device()};
        mean = empty({input.shape()[1]}, like);
        inverse_std = empty({input.shape()[1]}, like);
        Tensor out = empty_like(input), variance = empty_like(mean);
        ChannelNorm norm = operands(input, w, b);
        norm.variance = variance.impl().data;
        backend(input.device())
            .run(call::BatchNorm{.y = out.impl().data,
                                 .norm = norm,
                                 .training = true,
                                 .running = running,
                                 .activation = activation});
        if (needs_any()) {
            x = source;  // not the dense copy, whose history is not recorded
            weight = w;
            if (activation != Activation::none) y.keep_output(out);
        }
        *std::exchange(handed_out, nullptr) = {mean, variance};
        return out;
    }

    Grads backward(const Tensor& upstream) {
        const Tensor input = x.get(), w = weight.get();
        const Tensor result = y.defined() ? y.get() : Tensor();
        if (grad_enabled())
            return differentiable(input, w, apply::activation_backward(activation, upstream, result));
        const Tensor g = upstream.contiguous(), dense = input.contiguous();
        Tensor dx = needs(0) ? empty_like(dense) : Tensor();
        Tensor dw = needs(1) ? empty_like(mean) : Tensor();
        Tensor db = needs(2) ? empty_like(mean) : Tensor();
        const auto data = [](const Tensor& t) { return t.defined() ? t.impl().data : nullptr; };
        backend(input.device())
            .run(call::BatchNormBackward{.dx = data(dx),
                                         .dweight = data(dw),
                                         .dbias = data(db),
                                         .g = g.impl().data,
                                         .norm = operands(dense, w, {}),
                                         .activation = activation,
                                         .saved = data(result)});
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

Tensor dense_in(DType type, const Tensor& v) { return v.defined() ? v.to(type).contiguous() : v; }

bool wants_gradients(const Tensor& v) { return v.defined() && v.requires_grad(); }

// By given statistics: as arithmetic where gradients are recorded, else in one call with the same bits.
Tensor normalised_by(const Tensor& x, const Tensor& mean, const Tensor& variance, const Tensor& weight,
                     const Tensor& bias, const BatchNormOptions& options) {
    const auto of_type = [&](const Tensor& v) { return !v.defined() || v.dtype() == x.dtype(); };
    const bool recorded =
        grad_enabled() && (wants_gradients(x) || wants_gradients(weight) || wants_gradients(bias) ||
                           wants_gradients(mean) || wants_gradients(variance));
    if (recorded || x.dtype() != compute_type(x.dtype()) || !of_type(mean) || !of_type(variance) ||
        !of_type(weight) || !of_type(bias) || apply::saves_input(options.then)) {
        Tensor scale = rsqrt(variance + options.eps);
        if (weight.defined()) scale = scale * weight;
        Tensor y = (x - beside_channels(mean, x)) * beside_channels(scale, x);
        if (bias.defined()) y = y + beside_channels(bias, x);
        return apply::activated(y, options.then);
    }
    for (const Tensor& each : {mean, variance, weight, bias})
        if (each.defined()) apply::check_same_device("batch_norm", x, each);
    const Tensor input = x.contiguous(), dense[] = {mean.contiguous(), variance.contiguous(),
                                                    dense_in(x.dtype(), weight), dense_in(x.dtype(), bias)};
    const auto data = [](const Tensor& t) { return t.defined() ? t.impl().data : nullptr; };
    Tensor y = empty_like(input);
    if (y.numel() == 0) return y;
    const std::int64_t batch = x.shape()[0], channels = x.shape()[1];
    backend(x.device())
        .run(call::BatchNorm{.y = y.impl().data,
                             .norm = {.batch = batch,
                                      .channels = channels,
                                      .inner = x.numel() / (batch * channels),
                                      .dtype = x.dtype(),
                                      .eps = options.eps,
                                      .x = input.impl().data,
                                      .weight = data(dense[2]),
                                      .bias = data(dense[3]),
                                      .mean = data(dense[0]),
                                      .variance = data(dense[1])},
                             .training = false,
                             .activation = options.then});
    return y;
}

// The running statistics: part of the call where their type and layout allow, else moved after it.
class Running {
  public:
    Running(const Tensor& mean, const Tensor& variance, const Tensor& batches, double momentum,
            std::int64_t samples, DType type, Device device)
        : mean_(mean), variance_(variance), batches_(batches) {
        const auto fits = [device](const Tensor& v, DType wanted) {
            return v.defined() && v.dtype() == wanted && v.is_contiguous() && v.device() == device;
        };
        in_call_ = fits(mean, type) && fits(variance, type);
        counts_in_call_ = fits(batches_, DType::i64);
        all_.momentum = momentum;
        all_.unbias = static_cast<double>(samples) / static_cast<double>(samples - 1);
        if (in_call_) {
            all_.mean = mean.impl().data;
            all_.variance = variance.impl().data;
        }
        if (counts_in_call_) all_.batches = operand(batches_).as<std::int64_t>();
    }
    const RunningStatistics& operands() const { return all_; }

    // After the call.
    void finish(const BatchStatistics& batch) const {
        const NoGrad guard;
        const double m = all_.momentum;
        if (in_call_) {
            mean_.impl().storage->bump();
            variance_.impl().storage->bump();
        } else if (mean_.defined()) {
            mean_.copy_(mean_ * (1 - m) + batch.mean * m);
            variance_.copy_(variance_ * (1 - m) + batch.variance * (m * all_.unbias));
        }
        if (counts_in_call_)
            batches_.impl().storage->bump();
        else if (batches_.defined())
            batches_.copy_(batches_ + 1);
    }

  private:
    const Tensor &mean_, &variance_, &batches_;
    bool in_call_ = false, counts_in_call_ = false;
    RunningStatistics all_;
};

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
        return normalised_by(x, running_mean, running_var, weight, bias, options);
    }
    const std::int64_t samples = x.shape()[1] > 0 ? x.numel() / x.shape()[1] : 0;
    check<ValueError>(samples != 1,
                      "batch_norm: one value per channel has no variance, the input is {}; use eval mode, a "
                      "larger batch, or drop_last for a last batch of one",
                      x.shape());
    if (x.numel() == 0) return x.clone();
    const DType compute = compute_type(x.dtype());
    const bool fuses = compute == x.dtype() && !apply::saves_input(options.then);
    const Tensor none;
    const bool moves = !is_recomputing();
    const Running running(moves ? running_mean : none, moves ? running_var : none,
                          moves ? options.batches : none, options.momentum, samples, compute, x.device());
    BatchStatistics batch;
    const Tensor y = record(BatchNormTraining(options.eps, running.operands(),
                                              fuses ? options.then : Activation::none, batch),
                            x.to(compute), dense_in(compute, weight), dense_in(compute, bias))
                         .to(x.dtype());
    running.finish(batch);
    return fuses ? y : apply::activated(y, options.then);
}

}  // namespace

Tensor batch_norm(const Tensor& x, const Tensor& running_mean, const Tensor& running_var,
                  const Tensor& weight, const Tensor& bias, const BatchNormOptions& options) {
    const auto attributes = [&](auto& v) {
        v("training", options.training);
        v("eps", options.eps);
        v("activation", apply::name_of(options.then));
    };
    return composed(
        "batch_norm", attributes,
        [&] { return normalised_batch(x, running_mean, running_var, weight, bias, options); }, x,
        running_mean, running_var, weight, bias);
}

}  // namespace adjoint
