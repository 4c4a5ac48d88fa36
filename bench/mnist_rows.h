// The networks of the rows W1 to W4, for whatever trains them.
//
// W1: 784-128-64-10, ReLU, SGD 0.1, batch 64. W2: 784-512-512-10, ReLU, dropout 0.2, Adam, batch 512. W3: W1
// with BatchNorm1d after each hidden layer, Adam, batch 100. W4: conv 3x3 1-32, ReLU, conv 3x3 32-64, ReLU,
// max pool 2, 9216-128-10, Adam, batch 128, 50 steps. All with cross entropy.
#pragma once

#include <adjoint/adjoint.h>

#include <algorithm>
#include <functional>
#include <iterator>
#include <memory>
#include <string_view>

namespace bench {

struct Row {
    const char *name, *peer;         // of the row; of the same network in the peers' lines for GPUs
    std::int64_t batch_size, steps;  // 0 steps: the whole epoch
    adjoint::Shape sample;
    std::function<adjoint::nn::Sequential()> model;
    std::function<std::unique_ptr<adjoint::optim::Optimizer>(const adjoint::nn::Module&)> optimizer;
};

inline std::unique_ptr<adjoint::optim::Optimizer> sgd(const adjoint::nn::Module& m) {
    return std::make_unique<adjoint::optim::SGD>(m.parameters(), adjoint::optim::SGDOptions{.lr = 0.1});
}
inline std::unique_ptr<adjoint::optim::Optimizer> adam(const adjoint::nn::Module& m) {
    return std::make_unique<adjoint::optim::Adam>(m.parameters());
}

inline const Row rows[] = {
    {"W1",
     "mlp-w1",
     64,
     0,
     {784},
     [] {
         return adjoint::nn::Sequential(adjoint::nn::Linear(784, 128), adjoint::nn::ReLU(),
                                        adjoint::nn::Linear(128, 64), adjoint::nn::ReLU(),
                                        adjoint::nn::Linear(64, 10));
     },
     sgd},
    {"W2",
     "mlp-512",
     512,
     0,
     {784},
     [] {
         return adjoint::nn::Sequential(adjoint::nn::Linear(784, 512), adjoint::nn::ReLU(),
                                        adjoint::nn::Dropout(0.2), adjoint::nn::Linear(512, 512),
                                        adjoint::nn::ReLU(), adjoint::nn::Dropout(0.2),
                                        adjoint::nn::Linear(512, 10));
     },
     adam},
    {"W3",
     "mlp-bn",
     100,
     0,
     {784},
     [] {
         return adjoint::nn::Sequential(adjoint::nn::Linear(784, 128), adjoint::nn::BatchNorm1d(128),
                                        adjoint::nn::ReLU(), adjoint::nn::Linear(128, 64),
                                        adjoint::nn::BatchNorm1d(64), adjoint::nn::ReLU(),
                                        adjoint::nn::Linear(64, 10));
     },
     adam},
    {"W4",
     "cnn",
     128,
     50,
     {1, 28, 28},
     [] {
         return adjoint::nn::Sequential(
             adjoint::nn::Conv2d(1, 32, 3), adjoint::nn::ReLU(), adjoint::nn::Conv2d(32, 64, 3),
             adjoint::nn::ReLU(), adjoint::nn::MaxPool2d(2), adjoint::nn::Flatten(),
             adjoint::nn::Linear(9216, 128), adjoint::nn::ReLU(), adjoint::nn::Linear(128, 10));
     },
     adam},
};

/// MNIST as the row takes it.
inline adjoint::data::Dataset samples_of(const Row& row, const adjoint::data::ImageSet& set) {
    return adjoint::data::images(set, {.mean = 0.1307, .std = 0.3081, .sample_shape = row.sample});
}

/// The row of that name, null if there is none.
inline const Row* row_named(std::string_view name) {
    const Row* const found =
        std::find_if(std::begin(rows), std::end(rows), [&](const Row& row) { return row.name == name; });
    return found == std::end(rows) ? nullptr : found;
}

}  // namespace bench
