// Lecture L0.1: the fruit shop. Two apples at 100, three oranges at 150, tax 1.1: once with nodes driven by
// hand, once with tensors that record themselves.
#include <adjoint/adjoint.h>

#include "command_line.h"

#include <cstdio>

using namespace adjoint;

namespace {

double number(const Tensor& x) { return x.item<double>(); }

void by_hand() {
    fn::Mul apples, oranges, taxed;
    fn::Add sum;
    const Tensor apple_price = apples.forward(100.0, 2.0);
    const Tensor orange_price = oranges.forward(150.0, 3.0);
    const Tensor price = taxed.forward(sum.forward(apple_price, orange_price), 1.1);

    const Grads from_tax = taxed.backward(1.0);
    const Grads from_sum = sum.backward(from_tax[0]);
    const Grads from_apples = apples.backward(from_sum[0]);
    const Grads from_oranges = oranges.backward(from_sum[1]);
    say("by hand:    price %g, gradients: apple %g, number of apples %g, orange %g, number of oranges %g, "
        "tax %g\n",
        number(price), number(from_apples[0]), number(from_apples[1]), number(from_oranges[0]),
        number(from_oranges[1]), number(from_tax[1]));
}

void by_graph() {
    const auto variable = [](double value) { return full({}, value, {.dtype = f64, .requires_grad = true}); };
    const Tensor apple = variable(100), apple_count = variable(2), orange = variable(150),
                 orange_count = variable(3), tax = variable(1.1);
    const Tensor price = (apple * apple_count + orange * orange_count) * tax;
    price.backward();
    say("by tensors: price %g, gradients: apple %g, number of apples %g, orange %g, number of oranges %g, "
        "tax %g\n",
        number(price), number(apple.grad()), number(apple_count.grad()), number(orange.grad()),
        number(orange_count.grad()), number(tax.grad()));
}

void run() {
    by_hand();
    by_graph();
}

}  // namespace

int main(int argc, char** argv) {
    return run_program(argc, argv, {"The fruit shop of the slides, by hand and by the graph."}, {}, run);
}
