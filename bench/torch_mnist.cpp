// The work of bench/mnist with libtorch: the same networks, data, order of magnitude of code.
//
//     bench/torch_mnist [threads] [rounds] [rows...]
#include <torch/torch.h>

#include <adjoint/data/mnist.h>

#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>

#include "report.h"

namespace {

namespace tn = torch::nn;

struct Row {
    const char* name;
    std::int64_t batch_size, steps;
    std::vector<std::int64_t> sample;
    std::function<tn::Sequential()> model;
    bool adam;
};

const Row rows[] = {
    {"W1",
     64,
     0,
     {784},
     [] {
         return tn::Sequential(tn::Linear(784, 128), tn::ReLU(), tn::Linear(128, 64), tn::ReLU(),
                               tn::Linear(64, 10));
     },
     false},
    {"W2",
     512,
     0,
     {784},
     [] {
         return tn::Sequential(tn::Linear(784, 512), tn::ReLU(), tn::Dropout(0.2), tn::Linear(512, 512),
                               tn::ReLU(), tn::Dropout(0.2), tn::Linear(512, 10));
     },
     true},
    {"W3",
     100,
     0,
     {784},
     [] {
         return tn::Sequential(tn::Linear(784, 128), tn::BatchNorm1d(128), tn::ReLU(), tn::Linear(128, 64),
                               tn::BatchNorm1d(64), tn::ReLU(), tn::Linear(64, 10));
     },
     true},
    {"W4",
     128,
     50,
     {1, 28, 28},
     [] {
         return tn::Sequential(tn::Conv2d(tn::Conv2dOptions(1, 32, 3)), tn::ReLU(),
                               tn::Conv2d(tn::Conv2dOptions(32, 64, 3)), tn::ReLU(),
                               tn::MaxPool2d(tn::MaxPool2dOptions(2)), tn::Flatten(), tn::Linear(9216, 128),
                               tn::ReLU(), tn::Linear(128, 10));
     },
     true},
};

void run(const Row& row, int rounds) {
    const adjoint::data::Mnist set = adjoint::data::load_mnist();
    const auto bytes = [](const adjoint::Tensor& x) {
        return const_cast<std::uint8_t*>(x.data<std::uint8_t>());
    };
    std::vector<std::int64_t> shape = row.sample;
    shape.insert(shape.begin(), 60000);
    const torch::Tensor images = torch::from_blob(bytes(set.train.images), shape, torch::kUInt8)
                                     .to(torch::kFloat32)
                                     .div_(255)
                                     .sub_(0.1307)
                                     .div_(0.3081);
    const torch::Tensor labels =
        torch::from_blob(bytes(set.train.labels), {60000}, torch::kUInt8).to(torch::kInt64);
    torch::manual_seed(1);
    tn::Sequential model = row.model();
    std::unique_ptr<torch::optim::Optimizer> optimizer;
    if (row.adam)
        optimizer = std::make_unique<torch::optim::Adam>(model->parameters());
    else
        optimizer = std::make_unique<torch::optim::SGD>(model->parameters(), 0.1);
    const double time = bench::time(rounds, [&] {
        const torch::Tensor order = torch::randperm(60000);
        std::int64_t step = 0;
        for (std::int64_t first = 0; first < 60000; first += row.batch_size) {
            const torch::Tensor index =
                order.slice(0, first, std::min<std::int64_t>(first + row.batch_size, 60000));
            optimizer->zero_grad();
            tn::functional::cross_entropy(model->forward(images.index_select(0, index)),
                                          labels.index_select(0, index))
                .backward();
            optimizer->step();
            if (++step == row.steps) break;
        }
    });
    bench::report(row.name, "libtorch", torch::get_num_threads(), time, "s");
}

}  // namespace

int main(int argc, char** argv) {
    torch::set_num_threads(argc > 1 ? std::atoi(argv[1]) : 1);
    const int rounds = argc > 2 ? std::atoi(argv[2]) : 3;
    for (const Row& row : rows) {
        bool wanted = argc <= 3;
        for (int i = 3; i < argc; ++i) wanted = wanted || std::strcmp(argv[i], row.name) == 0;
        if (wanted) run(row, rounds);
    }
}
