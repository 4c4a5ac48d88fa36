// Checks of exercise 1: the sizes, one product by numbers, the gradients.
#include "../exercise.h"

using namespace adjoint;

Tensor affine_forward(const Tensor& x, const Tensor& w, const Tensor& b);
Grads affine_backward(const Tensor& x, const Tensor& w, const Tensor& dy);

namespace {

struct ByHand : Function {
    static constexpr auto name = "the affine layer by hand";
    Saved x, w;
    Tensor forward(const Tensor& input, const Tensor& weight, const Tensor& bias) {
        x = input;
        w = weight;
        return affine_forward(input, weight, bias);
    }
    Grads backward(const Tensor& g) { return affine_backward(x.get(), w.get(), g); }
};

}  // namespace

int main() {
    return run_exercise([](Checks& check) {
        const Tensor x = tensor({{1, 2}, {3, 4}}), w = tensor({{1, 0, 2}, {0, 1, 2}}),
                     b = tensor({10, 20, 30});
        check.equal("Y = X W + b", affine_forward(x, w, b), tensor({{11, 22, 36}, {13, 24, 44}}));
        check.gradient("dX, dW and db agree with finite differences",
                       [](const auto& in) { return record(ByHand{}, in[0], in[1], in[2]); },
                       {random_variable({4, 2}), random_variable({2, 3}), random_variable({3})});
    });
}
