// Checks of exercise 4: probabilities, the slides' 0.511, the gradient.
#include "../exercise.h"

#include <cmath>

using namespace adjoint;

Tensor softmax_rows(const Tensor& x);
Tensor cross_entropy_loss(const Tensor& x, const Tensor& labels);
Tensor cross_entropy_gradient(const Tensor& x, const Tensor& labels);

namespace {

struct ByHand : Function {
    static constexpr auto name = "cross entropy by hand";
    Saved x, labels;
    Tensor forward(const Tensor& scores, const Tensor& numbers) {
        x = scores;
        labels = numbers;
        return cross_entropy_loss(scores, numbers);
    }
    Grads backward(const Tensor& g) { return {g * cross_entropy_gradient(x.get(), labels.get()), {}}; }
};

}  // namespace

int main() {
    return run_exercise([](Checks& check) {
        const Tensor x = tensor({{0, 0, std::log(2)}, {1000, 1000, 0}});
        check.equal("probabilities, also of scores of 1000", softmax_rows(x),
                    tensor({{0.25, 0.25, 0.5}, {0.5, 0.5, 0}}));
        // The slides' example: the right class has the probability 0.6, so the loss is 0.511.
        const Tensor scores = log(tensor({{0.1, 0.6, 0.3}}));
        check.equal("a right class of probability 0.6 costs 0.511",
                    cross_entropy_loss(scores, tensor<std::int64_t>({1}, {1})), full({}, 0.5108256));
        const Tensor labels = tensor<std::int64_t>({2, 0, 1, 1}, {4});
        check.gradient("the gradient is that of the loss",
                       [](const auto& in) { return record(ByHand{}, in[0], in[1]); },
                       {random_variable({4, 3}), labels});
    });
}
