// Lectures L0.2 and L0.3: f(x, y, z) = (x + y) z, forward and backward node by node;
// and z = t^2 with t = x + y.
#include <adjoint/adjoint.h>

#include "command_line.h"

#include <cstdio>

using namespace adjoint;

namespace {

Tensor variable(double value) { return full({}, value, {.dtype = f64, .requires_grad = true}); }

void product_of_sum(double x, double y, double z) {
    fn::Add add;
    fn::Mul mul;
    const Tensor q = add.forward(x, y);
    const Tensor f = mul.forward(q, z);
    std::printf("f(%g, %g, %g): q = x + y = %g, f = q z = %g\n", x, y, z, q.item(), f.item());
    const Grads at_mul = mul.backward(1.0);
    const Grads at_add = add.backward(at_mul[0]);
    say("  by nodes:   df/dq = %g, Df = [%g, %g, %g]\n", at_mul[0].item(), at_add[0].item(), at_add[1].item(),
        at_mul[1].item());

    const Tensor a = variable(x), b = variable(y), c = variable(z);
    ((a + b) * c).backward();
    say("  by tensors: Df = [%g, %g, %g]\n", a.grad().item(), b.grad().item(), c.grad().item());
}

void square_of_sum(double x, double y) {
    const Tensor a = variable(x), b = variable(y);
    const Tensor z = square(a + b);
    z.backward();
    say("z = (x + y)^2 at (%g, %g): z = %g, dz/dx = %g, 2 (x + y) = %g\n", x, y, z.item(), a.grad().item(),
        2 * (x + y));
}

void run() {
    product_of_sum(1, 2, 1);
    product_of_sum(1, -2, 1);
    square_of_sum(1.5, 2);
}

}  // namespace

int main(int argc, char** argv) {
    return run_program(argc, argv, {"The chain rule on three small functions."}, {}, run);
}
