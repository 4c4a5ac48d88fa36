// Exercise 5, lectures L2.1 and L4.5: a function of your own in the graph: swish, y = x sigmoid(x).
//
// forward() computes and keeps what backward() needs; record() puts it into the graph, so that it can be used
// like any other function. The slope of the sigmoid s is s (1 - s).
#include "../exercise.h"

using namespace adjoint;

namespace {

struct Swish : Function {
    static constexpr auto name = "swish of my own";
    Saved x;
    Tensor forward(const Tensor& input) {
        x = input;
        return input * sigmoid(input);
    }
    // The gradient by x, where g is that by y.
    Grads backward(const Tensor& g) {
        const Tensor s = sigmoid(x.get());
        return {g * (s + x.get() * s * (1 - s))};
    }
};

}  // namespace

Tensor my_swish(const Tensor& x) { return record(Swish{}, x); }
