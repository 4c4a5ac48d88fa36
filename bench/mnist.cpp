// Training epochs on MNIST, the data in memory.
//
//     bench/mnist [threads] [rounds] [rows...]     rows: W1 W2 W3 W4, all by default
//
// W1: 784-128-64-10, ReLU, SGD 0.1, batch 64. W2: 784-512-512-10, ReLU, dropout 0.2, Adam, batch 512. W3: W1
// with BatchNorm1d after each hidden layer, Adam, batch 100. W4: conv 3x3 1-32, ReLU, conv 3x3 32-64, ReLU,
// max pool 2, 9216-128-10, Adam, batch 128, 50 steps. All with cross entropy.
#include <adjoint/adjoint.h>

#include <cstdlib>
#include <cstring>

#include "report.h"

using namespace adjoint;

namespace {

struct Row {
    const char* name;
    std::int64_t batch_size, steps;  // 0 steps: the whole epoch
    Shape sample;
    std::function<nn::Sequential()> model;
    std::function<std::unique_ptr<optim::Optimizer>(const nn::Module&)> optimizer;
};

std::unique_ptr<optim::Optimizer> sgd(const nn::Module& m) {
    return std::make_unique<optim::SGD>(m.parameters(), optim::SGDOptions{.lr = 0.1});
}
std::unique_ptr<optim::Optimizer> adam(const nn::Module& m) {
    return std::make_unique<optim::Adam>(m.parameters());
}

const Row rows[] = {
    {"W1",
     64,
     0,
     {784},
     [] {
         return nn::Sequential(nn::Linear(784, 128), nn::ReLU(), nn::Linear(128, 64), nn::ReLU(),
                               nn::Linear(64, 10));
     },
     sgd},
    {"W2",
     512,
     0,
     {784},
     [] {
         return nn::Sequential(nn::Linear(784, 512), nn::ReLU(), nn::Dropout(0.2), nn::Linear(512, 512),
                               nn::ReLU(), nn::Dropout(0.2), nn::Linear(512, 10));
     },
     adam},
    {"W3",
     100,
     0,
     {784},
     [] {
         return nn::Sequential(nn::Linear(784, 128), nn::BatchNorm1d(128), nn::ReLU(), nn::Linear(128, 64),
                               nn::BatchNorm1d(64), nn::ReLU(), nn::Linear(64, 10));
     },
     adam},
    {"W4",
     128,
     50,
     {1, 28, 28},
     [] {
         return nn::Sequential(nn::Conv2d(1, 32, 3), nn::ReLU(), nn::Conv2d(32, 64, 3), nn::ReLU(),
                               nn::MaxPool2d(2), nn::Flatten(), nn::Linear(9216, 128), nn::ReLU(),
                               nn::Linear(128, 10));
     },
     adam},
};

void run(const Row& row, int rounds) {
    const data::Mnist set = data::load_mnist();
    manual_seed(1);
    const nn::Sequential model = row.model();
    const auto optimizer = row.optimizer(model);
    data::Loader loader(data::images(set.train, {.mean = 0.1307, .std = 0.3081, .sample_shape = row.sample}),
                        {.batch_size = row.batch_size, .seed = 1});
    std::int64_t system_calls = 0;
    const double time = bench::time(rounds, [&] {
        system_calls = host_memory_stats().system_calls;
        std::int64_t step = 0;
        for (const data::Batch& batch : loader) {
            optimizer->zero_grad();
            cross_entropy(model(batch.x), batch.y).backward();
            optimizer->step();
            if (++step == row.steps) break;
        }
        system_calls = host_memory_stats().system_calls - system_calls;
    });
    bench::report(row.name, "adjoint", num_threads(), time, "s");
    std::printf("# %s: %lld allocations from the system in the last round\n", row.name,
                static_cast<long long>(system_calls));
}

}  // namespace

int main(int argc, char** argv) {
    set_num_threads(argc > 1 ? std::atoi(argv[1]) : 1);
    const int rounds = argc > 2 ? std::atoi(argv[2]) : 3;
    for (const Row& row : rows) {
        bool wanted = argc <= 3;
        for (int i = 3; i < argc; ++i) wanted = wanted || std::strcmp(argv[i], row.name) == 0;
        if (wanted) run(row, rounds);
    }
}
