// Checks of exercise 3: a loss by numbers, the gradient of that loss.
#include "../exercise.h"

using namespace adjoint;

Tensor squared_error(const Tensor& y, const Tensor& t);
Tensor squared_error_gradient(const Tensor& y, const Tensor& t);

namespace {

struct ByHand : Function {
    static constexpr auto name = "the squared error by hand";
    Saved y, t;
    Tensor forward(const Tensor& output, const Tensor& target) {
        y = output;
        t = target;
        return squared_error(output, target);
    }
    Grads backward(const Tensor& g) {
        const Tensor dy = g * squared_error_gradient(y.get(), t.get());
        return {dy, -dy};
    }
};

}  // namespace

int main() {
    return run_exercise([](Checks& check) {
        check.equal("of 1, 2, 3, 4 against 0, 2, 3, 1",
                    squared_error(tensor({1, 2, 3, 4}), tensor({0, 2, 3, 1})), full({}, 2.5));
        check.gradient("the gradient is that of the loss",
                       [](const auto& in) { return record(ByHand{}, in[0], in[1]); },
                       {random_variable({4, 3}), random_variable({4, 3})});
    });
}
