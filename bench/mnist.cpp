// The epoch time of 784-128-64-10, ReLU, cross entropy, SGD 0.1, batch 64, data in memory; and the cost of a
// tiny op.
//
//     bench/mnist [threads] [epochs]
#include <adjoint/adjoint.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>

using namespace adjoint;

namespace {

double seconds() {
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

double median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
}

void epochs(int count) {
    const data::Mnist set = data::load_mnist();
    std::printf("%s\n", set.note.c_str());
    manual_seed(1);
    const nn::Sequential model(nn::Linear(784, 128), nn::ReLU(), nn::Linear(128, 64), nn::ReLU(),
                               nn::Linear(64, 10));
    optim::SGD optimizer(model.parameters(), {.lr = 0.1});
    data::Loader loader(data::images(set.train, {.mean = 0.1307, .std = 0.3081}),
                        {.batch_size = 64, .seed = 1});
    std::vector<double> times;
    std::int64_t system_calls = 0;
    for (int epoch = 0; epoch <= count; ++epoch) {  // the first one warms up
        const double start = seconds();
        system_calls = host_memory_stats().system_calls;
        for (const data::Batch& batch : loader) {
            optimizer.zero_grad();
            cross_entropy(model(batch.x), batch.y).backward();
            optimizer.step();
        }
        if (epoch > 0) times.push_back(seconds() - start);
        system_calls = host_memory_stats().system_calls - system_calls;
    }
    const train::Score score = train::evaluate(model, nn::CrossEntropyLoss(),
                                               data::images(set.test, {.mean = 0.1307, .std = 0.3081}));
    std::printf(
        "adjoint epoch: %.4f s (median of %d, best %.4f), %lld allocations from the system in the last, test "
        "accuracy %.4f\n",
        median(times), count, *std::min_element(times.begin(), times.end()),
        static_cast<long long>(system_calls), score.accuracy);
}

// A chain x = x b + c on one-element tensors, per elementary operation.
void tiny_ops() {
    constexpr int n = 20000, repeats = 15;
    const Tensor a = full({1}, 0.5, {.requires_grad = true}), b = full({1}, 0.9), c = full({1}, 0.1);
    std::vector<double> recorded, plain, backward;
    for (int r = 0; r < repeats; ++r) {
        double start = seconds();
        Tensor x = a;
        for (int i = 0; i < n; ++i) x = x * b + c;
        recorded.push_back(seconds() - start);
        start = seconds();
        x.backward();
        backward.push_back(seconds() - start);
        a.set_grad({});
        const NoGrad guard;
        start = seconds();
        x = b;
        for (int i = 0; i < n; ++i) x = x * b + c;
        plain.push_back(seconds() - start);
    }
    const auto per_op = [](const std::vector<double>& times) { return median(times) / (2 * n) * 1e9; };
    std::printf("adjoint tiny op: forward recorded %.0f ns, not recorded %.0f ns, backward %.0f ns\n",
                per_op(recorded), per_op(plain), per_op(backward));
}

}  // namespace

int main(int argc, char** argv) {
    set_num_threads(argc > 1 ? std::atoi(argv[1]) : 1);
    std::printf("%d threads, level %s\n", num_threads(), cpu_level());
    tiny_ops();
    epochs(argc > 2 ? std::atoi(argv[2]) : 7);
}
