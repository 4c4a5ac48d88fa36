// Checks of exercise 7: the layers' sizes, the gradients of nets of one, two and three layers.
#include "../exercise.h"

using namespace adjoint;

std::vector<Tensor> net_results(const Tensor& x, const std::vector<Tensor>& weights);
std::vector<Tensor> net_gradients(const std::vector<Tensor>& weights, const std::vector<Tensor>& results,
                                  const Tensor& target);

namespace {

struct Loss : Function {
    static constexpr auto name = "the net's loss";
    Tensor x, target;
    std::vector<Tensor> kept;
    Loss(const Tensor& inputs, const Tensor& targets) : x(inputs), target(targets) {}
    Tensor forward(std::span<const Tensor> weights) {
        kept = {weights.begin(), weights.end()};
        return 0.5 * sum(square(net_results(x, kept).back() - target));
    }
    Grads backward(const Tensor& g) {
        Grads result;
        for (const Tensor& gradient : net_gradients(kept, net_results(x, kept), target))
            result.push_back(g * gradient);
        return result;
    }
};

}  // namespace

int main() {
    return run_exercise([](Checks& check) {
        const Tensor x = rand({5, 2}, f64), target = rand({5, 1}, f64);
        const auto check_net = [&](const char* what, const std::vector<Tensor>& weights) {
            check.gradient(
                what, [&](const std::vector<Tensor>& in) { return record(Loss(x, target), std::span(in)); },
                weights);
        };
        const Tensor half = full({2, 1}, 0.0, f64);
        check.equal("a net of weights 0 answers 1/2", net_results(x, {half}).back(), full({5, 1}, 0.5, f64));
        check_net("gradients of one layer", {random_variable({2, 1})});
        check_net("of two layers", {random_variable({2, 4}), random_variable({4, 1})});
        check_net("of three layers",
                  {random_variable({2, 4}), random_variable({4, 2}), random_variable({2, 1})});
    });
}
