// The check of the probability.
#include <adjoint/nn/dropout.h>

#include <adjoint/core/format.h>

namespace adjoint::nn {

Dropout::Dropout(double p) : Module("Dropout", fmt::format("p={}", p)), p_(p) {
    check<ValueError>(p >= 0 && p <= 1, "Dropout: probability {} is outside [0, 1]", p);
}

}  // namespace adjoint::nn
