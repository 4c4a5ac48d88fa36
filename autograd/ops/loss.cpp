// Losses between tensors of one shape.
#include <adjoint/autograd/ops/loss.h>

#include <adjoint/autograd/ops/arithmetic.h>
#include <adjoint/autograd/ops/elementwise.h>
#include <adjoint/autograd/ops/loss_reduction.h>
#include <adjoint/autograd/record/apply.h>
#include <adjoint/autograd/record/observer.h>
#include <adjoint/core/base/format.h>

namespace adjoint {
namespace {

void check_alike(const char* op, const Tensor& x, const Tensor& y) {
    apply::check_defined(op, x);
    apply::check_defined(op, y);
    check<ShapeError>(x.shape() == y.shape(), "{}: shapes {} and {} differ; {}", op, x.shape(), y.shape(),
                      x.numel() == y.numel() ? "reshape one of them" : "a broadcast is not meant here");
}

Tensor difference(const Tensor& x, const Tensor& y) { return apply::raised(x) - apply::raised(y); }

Tensor bounded_log(const Tensor& p) { return clamp(log(p), -100); }
Tensor bounded_log_of_rest(const Tensor& p) { return clamp(log1p(neg(p)), -100); }

/// dp = g (p - t) / (p (1 - p)), dt = g (log(1 - p) - log p); the denominator is held away from 0, so that a
/// certain prediction has a finite gradient, and none where it is right.
struct BinaryCrossEntropy : Function {
    static constexpr auto name = "binary_cross_entropy";
    Saved p, t;
    Tensor forward(const Tensor& probability, const Tensor& target) {
        if (needs_any()) {
            p = probability;
            t = target;
        }
        return neg(target * bounded_log(probability) + (1 - target) * bounded_log_of_rest(probability));
    }
    Grads backward(const Tensor& g) {
        const Tensor x = p.get();
        return {needs(0) ? g * (x - t.get()) / clamp(x * (1 - x), 1e-12) : Tensor(),
                needs(1) ? g * (bounded_log_of_rest(x) - bounded_log(x)) : Tensor()};
    }
};

/// The mean or sum of (x - y)^2: dx = 2 c g (x - y), dy = -dx, where c is 1 / n for the mean, else 1.
struct SquaredError : Function {
    static constexpr auto name = "mse_loss";
    Reduction reduction;
    Saved x, y;
    explicit SquaredError(Reduction r) : reduction(r) {}
    template <class V> void attributes(V& v) const { v("reduction", name_of(reduction)); }
    static Tensor wide_difference(const Tensor& a, const Tensor& b) {
        return apply::widened(a) - apply::widened(b);
    }
    Tensor forward(const Tensor& a, const Tensor& b) {
        if (needs_any()) {
            x = a;
            y = b;
        }
        return reduce_loss(square(wide_difference(a, b)), reduction).to(apply::result_type(a, b));
    }
    Grads backward(const Tensor& g) {
        const Tensor d = wide_difference(x.get(), y.get());
        const double slope = reduction == Reduction::mean ? 2 / static_cast<double>(d.numel()) : 2;
        const Tensor dx = d * (apply::widened(g) * slope);
        return {needs(0) ? dx : Tensor(), needs(1) ? neg(dx) : Tensor()};
    }
};

}  // namespace

namespace fn {

Tensor MSE::forward(const Tensor& output, const Tensor& target) {
    check_alike(name, output, target);
    y = output;
    t = target;
    return 0.5 * sum(square(target - output));
}

Grads MSE::backward(const Tensor& g) {
    const Tensor output = y.get(), target = t.get();
    const double batch = output.dim() > 0 ? static_cast<double>(output.shape()[0]) : 1;
    const Tensor dy = (output - target) * (g / batch);
    return {needs(0) ? dy : Tensor(), needs(1) ? neg(dy) : Tensor()};
}

}  // namespace fn

Tensor mse_loss(const Tensor& x, const Tensor& y, Reduction reduction) {
    check_alike("mse_loss", x, y);
    return record(SquaredError(reduction), apply::raised(x), apply::raised(y));
}

Tensor l1_loss(const Tensor& x, const Tensor& y, Reduction reduction) {
    check_alike("l1_loss", x, y);
    return reduce_loss(abs(difference(x, y)), reduction);
}

Tensor smooth_l1_loss(const Tensor& x, const Tensor& y, const SmoothL1Options& options) {
    const double beta = options.beta;
    const Reduction reduction = options.reduction;
    check_alike("smooth_l1_loss", x, y);
    check<ValueError>(beta >= 0, "smooth_l1_loss: beta = {}, expected at least 0", beta);
    const Tensor d = difference(x, y), size = abs(d);
    if (beta == 0) return reduce_loss(size, reduction);
    return reduce_loss(where(lt(size, beta), square(d) * (0.5 / beta), size - 0.5 * beta), reduction);
}

Tensor huber_loss(const Tensor& x, const Tensor& y, const HuberOptions& options) {
    const double delta = options.delta;
    const Reduction reduction = options.reduction;
    check_alike("huber_loss", x, y);
    check<ValueError>(delta > 0, "huber_loss: delta = {}, expected a positive number", delta);
    const Tensor d = difference(x, y), size = abs(d);
    return reduce_loss(where(lt(size, delta), square(d) * 0.5, delta * (size - 0.5 * delta)), reduction);
}

Tensor binary_cross_entropy(const Tensor& p, const Tensor& t, const BinaryCrossEntropyOptions& options) {
    return named("binary_cross_entropy", [&] {
        check_alike("binary_cross_entropy", p, t);
        if (p.numel() > 0) {
            const detail::Unheard check_alone;
            const Tensor fixed = p.detach();
            const double low = amin(fixed).item(), high = amax(fixed).item();
            check<ValueError>(!(low < 0) && !(high > 1),
                              "binary_cross_entropy: {} is not a probability; use "
                              "binary_cross_entropy_with_logits for scores",
                              low < 0 ? low : high);
        }
        Tensor loss = record(BinaryCrossEntropy{}, apply::raised(p), apply::raised(t));
        if (options.weight.defined()) loss = loss * options.weight;
        return reduce_loss(loss, options.reduction);
    });
}

Tensor binary_cross_entropy_with_logits(const Tensor& logits, const Tensor& target,
                                        const BinaryCrossEntropyWithLogitsOptions& options) {
    return named("binary_cross_entropy_with_logits", [&] {
        check_alike("binary_cross_entropy_with_logits", logits, target);
        const Tensor x = apply::raised(logits), t = apply::raised(target);
        // -t log s(x) - (1 - t) log s(-x), and log s(-x) = log s(x) - x.
        const Tensor log_s = logsigmoid(x);
        const Tensor positive = options.pos_weight.defined() ? options.pos_weight * t : t;
        return reduce_loss((1 - t) * (x - log_s) - positive * log_s, options.reduction);
    });
}

Tensor kl_div(const Tensor& input, const Tensor& target, const KLDivOptions& options) {
    check_alike("kl_div", input, target);
    check<ValueError>(!options.batchmean || (options.reduction == Reduction::mean && input.dim() > 0),
                      "kl_div: batchmean is a mean over the samples along dimension 0");
    const Tensor x = apply::raised(input), t = apply::raised(target);
    const auto reduced = [&](const Tensor& loss) {
        if (!options.batchmean) return reduce_loss(loss, options.reduction);
        return sum(loss) / static_cast<double>(loss.shape()[0]);
    };
    if (options.log_target) return reduced(exp(t) * (t - x));
    // 0 log 0 is 0: the logarithm is not taken where t is 0.
    const Tensor zero = eq(t, 0);
    const Tensor safe = where(zero, ones_like(t), t);
    return reduced(t * log(safe) - t * x);
}

}  // namespace adjoint
