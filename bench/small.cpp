// What an operation costs when there is nothing to compute.
//
//     bench/small [steps] [length of the chain]
//
// W5: the XOR net 2-3-1, sigmoid, mean squared error, SGD, a batch of 4, 20,000 steps, eager and captured.
// W6: a chain x = x b + c on one-element tensors, per elementary operation: recorded, not recorded, backward.
#include <adjoint/adjoint.h>

#include <cstdlib>

#include "report.h"

using namespace adjoint;

namespace {

void xor_net(int steps) {
    manual_seed(1);
    const Tensor x = tensor({{0, 0}, {0, 1}, {1, 0}, {1, 1}}), y = unsqueeze(tensor({0, 1, 1, 0}), 1);
    const nn::Sequential model(nn::Linear(2, 3), nn::Sigmoid(), nn::Linear(3, 1), nn::Sigmoid());
    optim::SGD optimizer(model.parameters(), {.lr = 0.5});
    const auto step = [&] {
        optimizer.zero_grad();
        mse_loss(model(x), y).backward();
        optimizer.step();
    };
    bench::report("W5", "adjoint", 1,
                  bench::time(5,
                              [&] {
                                  for (int i = 0; i < steps; ++i) step();
                              }),
                  "s");
    const Captured captured = capture(step);
    bench::report("W5-captured", "adjoint", 1, bench::time(5, [&] { captured.replay(steps); }), "s");
}

void chain(int n) {
    constexpr int repeats = 15;
    const Tensor a = full({1}, 0.5, {.requires_grad = true}), b = full({1}, 0.9), c = full({1}, 0.1);
    std::vector<double> recorded, plain, backward;
    for (int r = 0; r < repeats; ++r) {
        double start = bench::seconds();
        Tensor x = a;
        for (int i = 0; i < n; ++i) x = x * b + c;
        recorded.push_back(bench::seconds() - start);
        start = bench::seconds();
        x.backward();
        backward.push_back(bench::seconds() - start);
        a.set_grad({});
        const NoGrad guard;
        start = bench::seconds();
        x = b;
        for (int i = 0; i < n; ++i) x = x * b + c;
        plain.push_back(bench::seconds() - start);
    }
    const auto report = [n](const char* row, const std::vector<double>& times) {
        bench::report(row, "adjoint", 1, bench::median(times) / (2 * n) * 1e9, "ns");
    };
    report("W6-recorded", recorded);
    report("W6-plain", plain);
    report("W6-backward", backward);
}

}  // namespace

int main(int argc, char** argv) {
    set_num_threads(1);
    chain(argc > 2 ? std::atoi(argv[2]) : 20000);
    xor_net(argc > 1 ? std::atoi(argv[1]) : 20000);
}
