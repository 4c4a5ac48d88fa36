// Exercise 11, lecture L0.8: a data set that is a class of your own, and a loader over it.
//
// Sample i of n is the number x = i / n and the answer y = x^2. Useful: tensor<float>({a, b, ..}, {2, ..})
// from numbers and a shape; stack(tensors) makes rows of tensors of one shape.
#include "../exercise.h"

using namespace adjoint;

namespace {

struct Squares : data::Source {
    std::int64_t n;
    explicit Squares(std::int64_t count) : n(count) {}

    std::int64_t size() const override { return n; }
    data::Batch get(std::span<const std::int64_t> samples) const override {
        std::vector<Tensor> x, y;
        for (const std::int64_t i : samples) {
            const float number = static_cast<float>(i) / static_cast<float>(n);
            x.push_back(tensor<float>({number}, {1}));
            y.push_back(tensor<float>({number * number}, {1}));
        }
        return {stack(x), stack(y)};
    }
};

}  // namespace

data::Samples squares(std::int64_t n) { return Squares(n); }

// How many batches an epoch has.
std::int64_t iterations(std::int64_t samples, std::int64_t batch_size) {
    return (samples + batch_size - 1) / batch_size;
}
