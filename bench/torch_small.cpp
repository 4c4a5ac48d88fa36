// The work of bench/small with libtorch.
//
//     bench/torch_small [steps]
#include <torch/torch.h>

#include <cstdlib>

#include "report.h"

namespace {

void xor_net(int steps) {
    torch::manual_seed(1);
    const torch::Tensor x = torch::tensor({{0.f, 0.f}, {0.f, 1.f}, {1.f, 0.f}, {1.f, 1.f}}),
                        y = torch::tensor({{0.f}, {1.f}, {1.f}, {0.f}});
    torch::nn::Sequential model(torch::nn::Linear(2, 3), torch::nn::Sigmoid(), torch::nn::Linear(3, 1),
                                torch::nn::Sigmoid());
    torch::optim::SGD optimizer(model->parameters(), 0.5);
    bench::report("W5", "libtorch", 1,
                  bench::time(3,
                              [&] {
                                  for (int i = 0; i < steps; ++i) {
                                      optimizer.zero_grad();
                                      torch::mse_loss(model->forward(x), y).backward();
                                      optimizer.step();
                                  }
                              }),
                  "s");
}

void chain() {
    constexpr int n = 20000, repeats = 7;
    const torch::Tensor a = torch::full({1}, 0.5, torch::requires_grad()), b = torch::full({1}, 0.9),
                        c = torch::full({1}, 0.1);
    std::vector<double> recorded, plain, backward;
    for (int r = 0; r < repeats; ++r) {
        double start = bench::seconds();
        torch::Tensor x = a;
        for (int i = 0; i < n; ++i) x = x * b + c;
        recorded.push_back(bench::seconds() - start);
        start = bench::seconds();
        x.backward();
        backward.push_back(bench::seconds() - start);
        const torch::NoGradGuard guard;
        start = bench::seconds();
        x = b;
        for (int i = 0; i < n; ++i) x = x * b + c;
        plain.push_back(bench::seconds() - start);
    }
    const auto report = [](const char* row, const std::vector<double>& times) {
        bench::report(row, "libtorch", 1, bench::median(times) / (2 * n) * 1e9, "ns");
    };
    report("W6-recorded", recorded);
    report("W6-plain", plain);
    report("W6-backward", backward);
}

}  // namespace

int main(int argc, char** argv) {
    torch::set_num_threads(1);
    chain();
    xor_net(argc > 1 ? std::atoi(argv[1]) : 20000);
}
