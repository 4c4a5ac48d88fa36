// Lecture L2.2: the usual losses are negative log-likelihoods, each of one distribution.
#include <adjoint/adjoint.h>

#include <cmath>

#include "lecture.h"

using namespace adjoint;

namespace {

void compare(const char* distribution, const char* loss_name, double likelihood, double loss,
             double constant) {
    say("%s -log p = %.6f, %-20s = %.6f, constant %.6f: %s\n", padded(tr(distribution), 12).c_str(),
        likelihood, loss_name, loss, constant,
        std::abs(likelihood - loss - constant) < 1e-9 ? tr("equal") : tr("NOT equal"));
}

// The mean over the samples of -log of the density.
double negative_log(const Tensor& density) { return mean(neg(log(density))).item(); }

void lecture(const LectureOptions& options) {
    manual_seed(options.seed);
    const Tensor y = randn({100}, {.dtype = f64}), t = randn({100}, {.dtype = f64});
    compare("Gaussian", "mse_loss / 2", negative_log(exp(-0.5 * square(t - y)) / std::sqrt(2 * M_PI)),
            mse_loss(y, t).item() / 2, 0.5 * std::log(2 * M_PI));
    compare("Laplace", "l1_loss", negative_log(exp(neg(abs(t - y))) / 2.0), l1_loss(y, t).item(),
            std::log(2.0));

    const Tensor p = sigmoid(y), outcome = gt(t, 0).to(f64);
    compare("Bernoulli", "binary_cross_entropy", negative_log(outcome * p + (1.0 - outcome) * (1.0 - p)),
            binary_cross_entropy(p, outcome).item(), 0);

    const Tensor scores = randn({100, 5}, {.dtype = f64}), label = argmax(randn({100, 5}), 1);
    const Tensor chosen = sum(softmax(scores, 1) * one_hot(label, 5).to(f64), 1);
    compare("multinoulli", "cross_entropy", negative_log(chosen), cross_entropy(scores, label).item(), 0);
}

}  // namespace

int main(int argc, char** argv) {
    return run_lecture(argc, argv, "Losses as negative log-likelihoods of four distributions.", lecture,
                       {.quick = false});
}
