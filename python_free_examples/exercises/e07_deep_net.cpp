// Exercise 7, lecture L1.1: backpropagation through any number of sigmoid layers without biases.
//
// results[0] is the input, results[i + 1] = sigmoid(results[i] weights[i]). The loss is 1/2 sum (y - t)^2.
// The slides pass E[i] = E[i + 1] W^T to the layer before. gradcheck knows better.
#include "exercise.h"

using namespace adjoint;

std::vector<Tensor> net_results(const Tensor& x, const std::vector<Tensor>& weights) {
    std::vector<Tensor> results{x};
    for (const Tensor& w : weights) {
        const Tensor result = blank("what this layer makes of results.back()");
        results.push_back(result);
    }
    return results;
}

// The gradients by the weights, from the first layer to the last.
std::vector<Tensor> net_gradients(const std::vector<Tensor>& weights, const std::vector<Tensor>& results,
                                  const Tensor& target) {
    std::vector<Tensor> gradients(weights.size());
    Tensor dy = results.back() - target;  // by what the layer gives
    for (std::size_t i = weights.size(); i-- > 0;) {
        const Tensor& y = results[i + 1];
        const Tensor dz = blank("the gradient in front of the sigmoid");
        gradients[i] = blank("the gradient by weights[i]");
        dy = blank("what the layer before gets");
    }
    return gradients;
}
