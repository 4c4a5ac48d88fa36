// Lecture L0.10: graphs drawn with the operation, the value and the gradient at every node.
#include <adjoint/adjoint.h>

#include "lecture.h"

using namespace adjoint;

namespace {

Tensor variable(double value) { return full({}, value, {.dtype = f64, .requires_grad = true}); }

void lecture(const LectureOptions& options) {
    const Trace trace;  // keeps the values inside the graphs
    const Tensor apple = variable(100), apples = variable(2), orange = variable(150), oranges = variable(3),
                 tax = variable(1.1);
    const Tensor price = (apple * apples + orange * oranges) * tax;
    const picture::Names fruit{{tr("apple"), apple},
                               {tr("apples"), apples},
                               {tr("orange"), orange},
                               {tr("oranges"), oranges},
                               {tr("tax"), tax}};
    picture::save_graph(options.picture("l0_10_fruit_shop.svg"), price, fruit, &trace);
    picture::save_graph(options.picture("l0_10_fruit_shop.dot"), price, fruit, &trace);

    const Tensor w0 = variable(2), x0 = variable(-1), w1 = variable(-3), x1 = variable(-2), w2 = variable(-3);
    const picture::Names neuron{{"w0", w0}, {"x0", x0}, {"w1", w1}, {"x1", x1}, {"w2", w2}};
    const auto s = [&] { return w0 * x0 + w1 * x1 + w2; };
    picture::save_graph(options.picture("l0_10_sigmoid_chain.svg"), reciprocal(exp(neg(s())) + 1.0), neuron,
                        &trace);
    picture::save_graph(options.picture("l0_10_sigmoid_node.svg"), sigmoid(s()), neuron, &trace);
    std::printf("%s", picture::graph(price, fruit, &trace).dot().c_str());
}

}  // namespace

int main(int argc, char** argv) {
    return run_lecture(
        argc, argv, "Draws the fruit shop and the sigmoid neuron.", lecture,
        {.files =
             "l0_10_fruit_shop.dot, l0_10_fruit_shop.svg, l0_10_sigmoid_chain.svg, l0_10_sigmoid_node.svg",
         .quick = false,
         .seed = false});
}
