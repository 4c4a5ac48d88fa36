// Lecture L0.4: a sigmoid neuron as a chain of elementary nodes, against the one sigmoid node.
#include <adjoint/adjoint.h>

#include "command_line.h"

#include <cstdio>

using namespace adjoint;

namespace {

void run() {
    const auto variable = [](double value) { return full({}, value, {.dtype = f64, .requires_grad = true}); };
    const Tensor w0 = variable(2), x0 = variable(-1), w1 = variable(-3), x1 = variable(-2), w2 = variable(-3);
    const std::vector<Tensor> inputs{w0, x0, w1, x1, w2};
    const Tensor s = w0 * x0 + w1 * x1 + w2;

    const Tensor chain = reciprocal(exp(neg(s)) + 1.0);
    const Tensor fused = sigmoid(s);
    const double y = fused.item();
    say("1 / (1 + exp(-s)) at s = %g: chain %.12f, node %.12f, y (1 - y) = %.12f\n", s.item(), chain.item(),
        y, y * (1 - y));

    const std::vector<Tensor> outputs_a{chain}, outputs_b{fused};
    const std::vector<Tensor> by_chain = grad(outputs_a, inputs, {.retain_graph = true});
    const std::vector<Tensor> by_node = grad(outputs_b, inputs);
    const char* names[] = {"w0", "x0", "w1", "x1", "w2"};
    for (std::size_t i = 0; i < inputs.size(); ++i)
        say("  d/d%s: chain %+.12f, node %+.12f\n", names[i], by_chain[i].item(), by_node[i].item());
}

}  // namespace

int main(int argc, char** argv) {
    return run_program(argc, argv, {"A neuron with a sigmoid: its derivatives by the chain and by its node."},
                       {}, run);
}
