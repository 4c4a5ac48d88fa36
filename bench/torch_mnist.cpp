// The work of bench/mnist with libtorch: the same network, data, order of magnitude of code.
//
//     bench/torch_mnist [threads] [epochs]
#include <torch/torch.h>

#include <adjoint/data/mnist.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>

namespace {

double seconds() {
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

double median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
}

void epochs(int count) {
    const adjoint::data::Mnist set = adjoint::data::load_mnist();
    const auto bytes = [](const adjoint::Tensor& x) {
        return const_cast<std::uint8_t*>(x.data<std::uint8_t>());
    };
    const torch::Tensor images = torch::from_blob(bytes(set.train.images), {60000, 784}, torch::kUInt8)
                                     .to(torch::kFloat32)
                                     .div_(255)
                                     .sub_(0.1307)
                                     .div_(0.3081);
    const torch::Tensor labels =
        torch::from_blob(bytes(set.train.labels), {60000}, torch::kUInt8).to(torch::kInt64);
    torch::manual_seed(1);
    torch::nn::Sequential model(torch::nn::Linear(784, 128), torch::nn::ReLU(), torch::nn::Linear(128, 64),
                                torch::nn::ReLU(), torch::nn::Linear(64, 10));
    torch::optim::SGD optimizer(model->parameters(), 0.1);
    std::vector<double> times;
    for (int epoch = 0; epoch <= count; ++epoch) {
        const double start = seconds();
        const torch::Tensor order = torch::randperm(60000);
        for (std::int64_t first = 0; first < 60000; first += 64) {
            const torch::Tensor index = order.slice(0, first, std::min<std::int64_t>(first + 64, 60000));
            optimizer.zero_grad();
            torch::nn::functional::cross_entropy(model->forward(images.index_select(0, index)),
                                                 labels.index_select(0, index))
                .backward();
            optimizer.step();
        }
        if (epoch > 0) times.push_back(seconds() - start);
    }
    std::printf("libtorch epoch: %.4f s (median of %d, best %.4f)\n", median(times), count,
                *std::min_element(times.begin(), times.end()));
}

void tiny_ops() {
    constexpr int n = 20000, repeats = 7;
    const torch::Tensor a = torch::full({1}, 0.5, torch::requires_grad()), b = torch::full({1}, 0.9),
                        c = torch::full({1}, 0.1);
    std::vector<double> recorded, plain, backward;
    for (int r = 0; r < repeats; ++r) {
        double start = seconds();
        torch::Tensor x = a;
        for (int i = 0; i < n; ++i) x = x * b + c;
        recorded.push_back(seconds() - start);
        start = seconds();
        x.backward();
        backward.push_back(seconds() - start);
        const torch::NoGradGuard guard;
        start = seconds();
        x = b;
        for (int i = 0; i < n; ++i) x = x * b + c;
        plain.push_back(seconds() - start);
    }
    const auto per_op = [](const std::vector<double>& times) { return median(times) / (2 * n) * 1e9; };
    std::printf("libtorch tiny op: forward recorded %.0f ns, not recorded %.0f ns, backward %.0f ns\n",
                per_op(recorded), per_op(plain), per_op(backward));
}

}  // namespace

int main(int argc, char** argv) {
    torch::set_num_threads(argc > 1 ? std::atoi(argv[1]) : 1);
    tiny_ops();
    epochs(argc > 2 ? std::atoi(argv[2]) : 7);
}
