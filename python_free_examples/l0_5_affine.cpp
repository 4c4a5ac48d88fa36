// Lecture L0.5: the affine node Y = X W + B on shapes (2, 2) (2, 3), its gradients beside the formulas.
#include <adjoint/adjoint.h>

#include "command_line.h"

#include <iostream>

using namespace adjoint;

namespace {

void run() {
    const Tensor x = tensor({{1, 2}, {3, 4}}), w = tensor({{1, 2, 3}, {4, 5, 6}}), b = tensor({1, 1, 1});
    fn::Affine node;
    std::cout << "Y = X W + B =\n" << node.forward(x, w, b) << "\n\n";
    const Tensor dy = tensor({{1, 2, 3}, {4, 5, 6}});
    const Grads grads = node.backward(dy);
    std::cout << "dX = dY W^T =\n"
              << grads[0] << tr("\n  formula: ") << equal(grads[0], matmul(dy, t(w))) << "\n";
    std::cout << "dW = X^T dY =\n"
              << grads[1] << tr("\n  formula: ") << equal(grads[1], matmul(t(x), dy)) << "\n";
    std::cout << tr("dB = sum of dY over the batch =\n") << grads[2] << tr("\n  formula: ")
              << equal(grads[2], sum(dy, 0)) << "\n";
    std::cout << tr("one sample, (2,) by (2, 3), as the slides have it: y = ")
              << node.forward(tensor({1, 2}), w, b) << "\n";
}

}  // namespace

int main(int argc, char** argv) {
    return run_program(argc, argv, {"The affine node and its three gradients."}, {}, run);
}
