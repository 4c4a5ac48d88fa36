// Lectures L2.8 and L2.9: the chain rule of vectors, by numbers, and why a net needs activations.
//
// y = tanh(W x) has a Jacobian, a row for each element of y. The gradient by x of a loss of y is the
// transposed Jacobian times the gradient by y, which the backward pass makes without the Jacobian. Two linear
// layers without an activation between them are one, W2 W1 x = W x, and cannot learn XOR.
#include <adjoint/adjoint.h>

#include <iostream>

#include "lecture.h"

using namespace adjoint;

namespace {

// Row i is the gradient of y_i.
Tensor jacobian_of(const Tensor& y, const Tensor& x) {
    std::vector<Tensor> rows;
    for (std::int64_t i = 0; i < y.size(0); ++i)
        rows.push_back(grad(select(y, 0, i), x, {.retain_graph = true}));
    return stack(rows);
}

void chain_rule() {
    const Tensor w = tensor({{1, -2, 0.5}, {0.5, 1, -1}}).to(f64),
                 x = tensor({0.5, 0.25, -1}).to(f64).set_requires_grad(), y = tanh(matmul(w, x)),
                 upstream = tensor({2, -3}).to(f64);
    const Tensor jacobian = jacobian_of(y, x);
    const Tensor by_hand = matmul(t(jacobian), upstream),
                 by_formula = matmul(t(w), (1 - square(y.detach())) * upstream),
                 by_graph = grad(y, x, {.grad_outputs = {upstream}});
    std::cout << tr("the Jacobian of y = tanh(W x), (2, 3):\n") << jacobian << "\n\n";
    std::cout << "J^T g        = " << by_hand << "\n";
    std::cout << "W^T (1-y^2) g = " << by_formula << "\n";
    std::cout << tr("backward     = ") << by_graph << "\n";
    std::cout << std::boolalpha << tr("equal: ") << allclose(by_hand, by_graph) << " "
              << allclose(by_formula, by_graph) << "\n\n";
}

double xor_after(const nn::Sequential& net, int epochs) {
    const Tensor x = tensor({{0, 0}, {0, 1}, {1, 0}, {1, 1}}), y = unsqueeze(tensor({0, 1, 1, 0}), 1);
    optim::Adam optimizer(net.parameters(), {.lr = 0.05});
    double loss = 0;
    for (int epoch = 0; epoch < epochs; ++epoch) {
        optimizer.zero_grad();
        const Tensor mse = mse_loss(net(x), y);
        loss = mse.item();
        mse.backward();
        optimizer.step();
    }
    return loss;
}

void two_are_one(std::uint64_t seed) {
    manual_seed(seed);
    const nn::Linear first(2, 8), second(8, 1);
    const Tensor x = randn({100, 2}), w = matmul(second.weight, first.weight),
                 b = matmul(second.weight, first.bias) + second.bias;
    say("W2 (W1 x + b1) + b2 and (W2 W1) x + (W2 b1 + b2) differ by %.0e at most\n",
        max(abs(second(first(x)) - linear(x, w, b))).item());
    say("XOR, squared error after 1000 epochs: %.4f with two linear layers, %.4f with tanh between\n",
        xor_after(nn::Sequential(first, second), 1000),
        xor_after(nn::Sequential(nn::Linear(2, 8), nn::Tanh(), nn::Linear(8, 1)), 1000));
}

void lecture(const LectureOptions& options) {
    chain_rule();
    two_are_one(options.seed);
}

}  // namespace

int main(int argc, char** argv) {
    return run_lecture(argc, argv, "The Jacobian of a layer, and two linear layers that are one.", lecture,
                       {.quick = false});
}
