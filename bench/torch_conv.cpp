// The work of bench/conv with libtorch.
//
//     bench/torch_conv [threads] [repeats]
#include <torch/torch.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>

namespace {

double seconds() {
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

double median_time(int repeats, const std::function<void()>& work) {
    std::vector<double> times;
    for (int i = 0; i <= repeats; ++i) {
        const double start = seconds();
        work();
        if (i > 0) times.push_back(seconds() - start);
    }
    std::sort(times.begin(), times.end());
    return times[times.size() / 2];
}

void report(const std::string& what, double time, double operations) {
    std::printf("libtorch %-26s %8.3f ms", what.c_str(), time * 1e3);
    if (operations > 0) std::printf("  %7.1f Gflop/s", operations / time * 1e-9);
    std::printf("\n");
}

void convolutions(const std::string& name, std::int64_t in, std::int64_t out, std::int64_t size,
                  int repeats) {
    const torch::Tensor x = torch::randn({128, in, size, size}), w = torch::randn({out, in, 3, 3}),
                        b = torch::randn({out});
    const std::int64_t after = size - 2;
    const double operations = 2.0 * 128 * static_cast<double>(in * out * 9 * after * after);
    report(name + " forward", median_time(repeats, [&] { torch::conv2d(x, w, b); }), operations);
    const torch::Tensor g = torch::randn({128, out, after, after});
    const torch::Tensor image = x.clone().requires_grad_(), weight = w.clone().requires_grad_();
    const torch::Tensor by_image = torch::conv2d(image, w, b), by_weight = torch::conv2d(x, weight, b);
    report(name + " input gradient",
           median_time(repeats,
                       [&] {
                           by_image.backward(g, true);
                           image.mutable_grad().reset();
                       }),
           operations);
    report(name + " weight gradient",
           median_time(repeats,
                       [&] {
                           by_weight.backward(g, true);
                           weight.mutable_grad().reset();
                       }),
           operations);
}

void pooling(int repeats) {
    const torch::Tensor x = torch::randn({128, 64, 24, 24}).requires_grad_(),
                        g = torch::randn({128, 64, 12, 12});
    report("max pool forward", median_time(repeats, [&] { torch::max_pool2d(x, 2); }), 0);
    const torch::Tensor y = torch::max_pool2d(x, 2);
    report("max pool backward",
           median_time(repeats,
                       [&] {
                           y.backward(g, true);
                           x.mutable_grad().reset();
                       }),
           0);
}

void step(int repeats) {
    torch::manual_seed(1);
    torch::nn::Sequential model(torch::nn::Conv2d(1, 32, 3), torch::nn::ReLU(), torch::nn::Conv2d(32, 64, 3),
                                torch::nn::ReLU(), torch::nn::MaxPool2d(2), torch::nn::Flatten(),
                                torch::nn::Linear(9216, 128), torch::nn::ReLU(), torch::nn::Linear(128, 10));
    torch::optim::Adam optimizer(model->parameters(), 1e-3);
    const torch::Tensor x = torch::randn({128, 1, 28, 28}), y = torch::randint(0, 10, {128}, torch::kInt64);
    report("training step",
           median_time(repeats,
                       [&] {
                           optimizer.zero_grad();
                           torch::nn::functional::cross_entropy(model->forward(x), y).backward();
                           optimizer.step();
                       }),
           0);
}

}  // namespace

int main(int argc, char** argv) {
    torch::set_num_threads(argc > 1 ? std::atoi(argv[1]) : 1);
    const int repeats = argc > 2 ? std::atoi(argv[2]) : 15;
    convolutions("1-32 28x28", 1, 32, 28, repeats);
    convolutions("32-64 26x26", 32, 64, 26, repeats);
    pooling(repeats);
    step(repeats);
}
