// Lecture L0.6: the MSE node of the slides divides its gradient by the batch but not its value;
// mse_loss is consistent.
#include <adjoint/adjoint.h>

#include "command_line.h"

#include <cstdio>

using namespace adjoint;

namespace {

void show(const char* name, const Tensor& loss, const Tensor& y) {
    const std::vector<double> g = grad(loss, y).to_vector<double>();
    say("%s loss %.4f, gradient", padded(tr(name), 22).c_str(), loss.item());
    for (const double v : g) std::printf(" %+.4f", v);
    std::printf("\n");
}

void run() {
    const Tensor y = tensor({0.8, 0.3, 0.6, 0.1}, {.dtype = f64, .requires_grad = true});
    const Tensor t = tensor({1, 0, 1, 0}, {.dtype = f64});
    say("four samples; y = 0.8 0.3 0.6 0.1, t = 1 0 1 0\n");
    show("slides (fn::MSE)", record(fn::MSE{}, y, t), y);
    show("half the sum", 0.5 * mse_loss(y, t, Reduction::sum), y);
    show("mse_loss (mean)", mse_loss(y, t), y);
    say("The slides' gradient is that of 1/2 sum / batch: a quarter of the second line's.\n");
}

}  // namespace

int main(int argc, char** argv) {
    return run_program(argc, argv, {"The mean squared error and its gradient in three forms."}, {}, run);
}
