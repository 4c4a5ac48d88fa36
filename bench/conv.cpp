// Convolutions and pooling of a small MNIST network at batch 128, each alone and a whole training step:
// conv3x3 1-32, ReLU, conv3x3 32-64, ReLU, max pool 2, 9216-128-10, cross entropy, Adam.
//
//     bench/conv [threads] [repeats]
#include <adjoint/adjoint.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>

using namespace adjoint;

namespace {

double seconds() {
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

double median_time(int repeats, const std::function<void()>& work) {
    std::vector<double> times;
    for (int i = 0; i <= repeats; ++i) {  // the first one warms up
        const double start = seconds();
        work();
        if (i > 0) times.push_back(seconds() - start);
    }
    std::sort(times.begin(), times.end());
    return times[times.size() / 2];
}

void report(const char* what, double time, double operations) {
    std::printf("adjoint %-26s %8.3f ms", what, time * 1e3);
    if (operations > 0) std::printf("  %7.1f Gflop/s", operations / time * 1e-9);
    std::printf("\n");
}

void convolutions(const char* name, std::int64_t in, std::int64_t out, std::int64_t size, int repeats) {
    const Tensor x = randn({128, in, size, size}), w = randn({out, in, 3, 3}), b = randn({out});
    const std::int64_t after = size - 2;
    const double operations = 2.0 * 128 * static_cast<double>(in * out * 9 * after * after);
    const std::string text(name);
    report((text + " forward").c_str(), median_time(repeats, [&] { conv2d(x, w, b); }), operations);
    const Tensor g = randn({128, out, after, after});
    const auto backward = [&](const Tensor& leaf, const Tensor& y) {
        return [&leaf, y, &g] {
            y.backward(g, true);
            leaf.set_grad({});
        };
    };
    const Tensor image = x.detach().set_requires_grad(), weight = w.detach().set_requires_grad();
    report((text + " input gradient").c_str(), median_time(repeats, backward(image, conv2d(image, w, b))),
           operations);
    report((text + " weight gradient").c_str(), median_time(repeats, backward(weight, conv2d(x, weight, b))),
           operations);
}

void pooling(int repeats) {
    const Tensor x = randn({128, 64, 24, 24}).detach().set_requires_grad(), g = randn({128, 64, 12, 12});
    report("max pool forward", median_time(repeats, [&] { max_pool2d(x, 2); }), 0);
    const Tensor y = max_pool2d(x, 2);
    report("max pool backward",
           median_time(repeats,
                       [&] {
                           y.backward(g, true);
                           x.set_grad({});
                       }),
           0);
}

void step(int repeats) {
    manual_seed(1);
    const nn::Sequential model(nn::Conv2d(1, 32, 3), nn::ReLU(), nn::Conv2d(32, 64, 3), nn::ReLU(),
                               nn::MaxPool2d(2), nn::Flatten(), nn::Linear(9216, 128), nn::ReLU(),
                               nn::Linear(128, 10));
    optim::Adam optimizer(model.parameters(), {.lr = 1e-3});
    const Tensor x = randn({128, 1, 28, 28}), y = randint(0, 10, {128});
    report("training step",
           median_time(repeats,
                       [&] {
                           optimizer.zero_grad();
                           cross_entropy(model(x), y).backward();
                           optimizer.step();
                       }),
           0);
}

}  // namespace

int main(int argc, char** argv) {
    set_num_threads(argc > 1 ? std::atoi(argv[1]) : 1);
    const int repeats = argc > 2 ? std::atoi(argv[2]) : 15;
    std::printf("%d threads, level %s\n", num_threads(), cpu_level());
    convolutions("1-32 28x28", 1, 32, 28, repeats);
    convolutions("32-64 26x26", 32, 64, 26, repeats);
    pooling(repeats);
    step(repeats);
}
