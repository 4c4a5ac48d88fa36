// Exercise 10, lecture L5.8: batch normalisation of x (N, C), as the paper has it.
//
// In training each column is normalised by its own mean and variance over the batch, then scaled and shifted;
// the running figures are moved towards those of the batch. In evaluation the running figures take their
// place. The running variance is moved towards the sum of squares over N - 1, not over N.
// Useful: mean(x, 0), square, sqrt; a running figure is changed in place: r *= .., r += ..
#include "../exercise.h"

using namespace adjoint;

constexpr double small = 1e-5;  // added to the variance in front of the root

Tensor norm_in_training(const Tensor& x, const Tensor& scale, const Tensor& shift, Tensor& running_mean,
                        Tensor& running_variance, double momentum) {
    const Tensor m = mean(x, 0);
    const Tensor v = mean(square(x - m), 0);
    {
        const NoGrad guard;
        const double n = static_cast<double>(x.size(0));
        running_mean *= 1 - momentum;
        running_mean += momentum * m;
        running_variance *= 1 - momentum;
        running_variance += momentum * v * n / (n - 1);
    }
    return (x - m) / sqrt(v + small) * scale + shift;
}

Tensor norm_in_evaluation(const Tensor& x, const Tensor& scale, const Tensor& shift,
                          const Tensor& running_mean, const Tensor& running_variance) {
    return (x - running_mean) / sqrt(running_variance + small) * scale + shift;
}
