// Checks of exercise 2: three values, the gradient.
#include "../exercise.h"

using namespace adjoint;

Tensor sigmoid_forward(const Tensor& x);
Tensor sigmoid_backward(const Tensor& y, const Tensor& dy);

namespace {

struct ByHand : Function {
    static constexpr auto name = "the sigmoid by hand";
    Saved y;
    Tensor forward(const Tensor& x) {
        const Tensor result = sigmoid_forward(x);
        y.keep_output(result);
        return result;
    }
    Grads backward(const Tensor& g) { return {sigmoid_backward(y.get(), g)}; }
};

}  // namespace

int main() {
    return run_exercise([](Checks& check) {
        check.equal("1/2 at 0, 3/4 at ln 3, 0 far to the left",
                    sigmoid_forward(tensor({0, 1.0986122887, -1000})), tensor({0.5, 0.75, 0}));
        check.equal("at y = 1/2 the slope is 1/4", sigmoid_backward(tensor({0.5}), tensor({8})), tensor({2}));
        check.gradient("the gradient agrees with finite differences",
                       [](const auto& in) { return record(ByHand{}, in[0]); }, {random_variable({3, 2})});
    });
}
