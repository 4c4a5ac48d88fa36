// Exercise 10, lecture L5.8: batch normalisation of x (N, C), as the paper has it.
//
// In training each column is normalised by its own mean and variance over the batch, then scaled and shifted;
// the running figures are moved towards those of the batch. In evaluation the running figures take their
// place. The running variance is moved towards the sum of squares over N - 1, not over N.
// Useful: mean(x, 0), square, sqrt; a running figure is changed in place: r *= .., r += ..
#include "exercise.h"

using namespace adjoint;

constexpr double small = 1e-5;  // added to the variance in front of the root

Tensor norm_in_training(const Tensor& x, const Tensor& scale, const Tensor& shift, Tensor& running_mean,
                        Tensor& running_variance, double momentum) {
    const Tensor m = blank("the mean of each column");
    const Tensor v = blank("the variance of each column, over N");
    {
        const NoGrad guard;
        const double n = static_cast<double>(x.size(0));
        blank("both running figures, moved by the share momentum");
    }
    return blank("normalised, scaled, shifted");
}

Tensor norm_in_evaluation(const Tensor& x, const Tensor& scale, const Tensor& shift,
                          const Tensor& running_mean, const Tensor& running_variance) {
    return blank("the same by the running figures");
}
