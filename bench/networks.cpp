// Larger networks on noise, rows B1 to B6, and the memory that they take: training steps, of B6 one image.
//
//     bench/networks [threads] [steps] [rows...]     rows: the names below, all by default
//
// B1: a transformer, 1000 tokens, width 256, 4 blocks with the norm first, 8 heads, 1024 GELU in between,
// causal, batch 16 of 128 tokens, AdamW. B1-bf16: with its forward pass under Autocast. B2: ResNet-18 for
// images of 32 x 32, batch 32, SGD with momentum 0.9. B3: an LSTM of two layers of 128 units, 100 steps of 64
// features, batch 32, Adam. B4: B1 with batch 2 of 1024 tokens. B5: depthwise and 1 x 1 convolutions in turn
// as in MobileNet, 64 x 64, batch 16, SGD with momentum. B6-W4, B6-B2: one image through the network of W4
// (mnist_rows.h) and of B2. All with cross entropy. The least time of the steps, and the peak of the process:
// one row in each run.
#include <adjoint/adjoint.h>

#include <sys/resource.h>

#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "mnist_rows.h"
#include "report.h"

using namespace adjoint;

namespace {

using Step = std::function<void()>;

template <class Model, class Optimizer>
Step training(Model model, std::shared_ptr<Optimizer> optimizer, Tensor x, Tensor y) {
    return [=] {
        optimizer->zero_grad();
        cross_entropy(model(x), y).backward();
        optimizer->step();
    };
}

struct Transformer : nn::Module {
    static constexpr std::int64_t tokens = 1000, width = 256;

    explicit Transformer(std::int64_t length) : position(child("position", nn::Embedding(length, width))) {}

    // The scores of the next token behind each, a row for each.
    Tensor operator()(const Tensor& text) const {
        Tensor x = embedding(text) + position.weight;
        for (const nn::TransformerEncoderLayer& block : blocks) x = block(x, {.is_causal = true});
        return reshape(head(norm(x)), {-1, tokens});
    }

    const nn::Embedding embedding = child("embedding", nn::Embedding(tokens, width));
    const nn::Embedding position;
    const nn::ModuleList<nn::TransformerEncoderLayer> blocks =
        child("blocks", nn::ModuleList<nn::TransformerEncoderLayer>(4, [] {
                  return nn::TransformerEncoderLayer(width, 8,
                                                     {.dim_feedforward = 4 * width,
                                                      .dropout = 0,
                                                      .activation = [](const Tensor& x) { return gelu(x); },
                                                      .batch_first = true,
                                                      .norm_first = true});
              }));
    const nn::LayerNorm norm = child("norm", nn::LayerNorm(width));
    const nn::Linear head = child("head", nn::Linear(width, tokens));
};

template <std::int64_t batch, std::int64_t length, bool casts = false> Step transformer() {
    const Transformer model(length);
    const auto forward = [=](const Tensor& x) {
        std::optional<Autocast> narrow;
        if (casts) narrow.emplace(bf16);
        return model(x);
    };
    return training(forward, std::make_shared<optim::AdamW>(model.parameters()),
                    randint(0, Transformer::tokens, {batch, length}),
                    randint(0, Transformer::tokens, {batch * length}));
}

struct ResidualBlock : nn::Module {
    ResidualBlock(std::int64_t in, std::int64_t out, std::int64_t stride)
        : branch(child(
              "branch",
              nn::Sequential(nn::Conv2d(in, out, 3, {.stride = stride, .padding = 1, .bias = false}),
                             nn::BatchNorm2d(out), nn::ReLU(),
                             nn::Conv2d(out, out, 3, {.padding = 1, .bias = false}), nn::BatchNorm2d(out)))),
          past(child("past", in == out
                                 ? nn::Sequential(nn::Identity())
                                 : nn::Sequential(nn::Conv2d(in, out, 1, {.stride = stride, .bias = false}),
                                                  nn::BatchNorm2d(out)))) {}
    Tensor operator()(const Tensor& x) const { return relu(branch(x) + past(x)); }

    const nn::Sequential branch, past;
};

nn::Sequential residual_network() {
    std::vector<nn::Layer> layers{nn::Conv2d(3, 64, 3, {.padding = 1, .bias = false}), nn::BatchNorm2d(64),
                                  nn::ReLU()};
    for (std::int64_t in = 64, out = 64; out <= 512; in = out, out *= 2) {
        layers.emplace_back(ResidualBlock(in, out, in == out ? 1 : 2));
        layers.emplace_back(ResidualBlock(out, out, 1));
    }
    layers.emplace_back(nn::AdaptiveAvgPool2d(1));
    layers.emplace_back(nn::Flatten());
    layers.emplace_back(nn::Linear(512, 10));
    return nn::Sequential(layers);
}

nn::Sequential depthwise_network() {
    std::vector<nn::Layer> layers;
    const auto convolution = [&](std::int64_t in, std::int64_t out, std::int64_t kernel, std::int64_t stride,
                                 std::int64_t groups) {
        layers.emplace_back(nn::Conv2d(
            in, out, kernel, {.stride = stride, .padding = kernel / 2, .groups = groups, .bias = false}));
        layers.emplace_back(nn::BatchNorm2d(out));
        layers.emplace_back(nn::ReLU());
    };
    convolution(3, 32, 3, 2, 1);
    std::int64_t in = 32;
    for (const std::int64_t out : {64, 128, 128, 256, 256, 512, 512, 512, 1024, 1024}) {
        convolution(in, in, 3, out > in && in > 32 ? 2 : 1, in);
        convolution(in, out, 1, 1, 1);
        in = out;
    }
    layers.emplace_back(nn::AdaptiveAvgPool2d(1));
    layers.emplace_back(nn::Flatten());
    layers.emplace_back(nn::Linear(in, 10));
    return nn::Sequential(layers);
}

template <nn::Sequential (*make)(), std::int64_t batch, std::int64_t side> Step images() {
    const nn::Sequential model = make();
    return training(
        model,
        std::make_shared<optim::SGD>(model.parameters(), optim::SGDOptions{.lr = 0.01, .momentum = 0.9}),
        randn({batch, 3, side, side}), randint(0, 10, {batch}));
}

Step inference(const nn::Sequential& model, const Tensor& image) {
    model.eval();
    return [=] {
        const NoGrad guard;
        model(image);
    };
}
Step latency_small() { return inference(bench::row_named("W4")->model(), randn({1, 1, 28, 28})); }
Step latency_large() { return inference(residual_network(), randn({1, 3, 32, 32})); }

Step recurrent_network() {
    constexpr std::int64_t steps = 100, batch = 32, features = 64, hidden = 128;
    const nn::LSTM lstm(features, hidden, {.num_layers = 2});
    const nn::Linear head(hidden, 10);
    std::vector<Tensor> parameters = lstm.parameters();
    for (const Tensor& p : head.parameters()) parameters.push_back(p);
    return training([=](const Tensor& x) { return head(select(lstm(x).output, 0, steps - 1)); },
                    std::make_shared<optim::Adam>(parameters), randn({steps, batch, features}),
                    randint(0, 10, {batch}));
}

double peak_megabytes() {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    return static_cast<double>(usage.ru_maxrss) / 1024;
}

}  // namespace

int main(int argc, char** argv) {
    set_num_threads(argc > 1 ? std::atoi(argv[1]) : 1);
    const int steps = argc > 2 ? std::atoi(argv[2]) : 5;
    const std::pair<const char*, Step (*)()> rows[] = {{"B1", transformer<16, 128>},
                                                       {"B1-bf16", transformer<16, 128, true>},
                                                       {"B2", images<residual_network, 32, 32>},
                                                       {"B3", recurrent_network},
                                                       {"B4", transformer<2, 1024>},
                                                       {"B5", images<depthwise_network, 16, 64>},
                                                       {"B6-W4", latency_small},
                                                       {"B6-B2", latency_large}};
    for (const auto& [name, make] : rows) {
        bool wanted = argc <= 3;
        for (int i = 3; i < argc; ++i) wanted = wanted || std::strcmp(argv[i], name) == 0;
        if (!wanted) continue;
        manual_seed(1);
        bench::report(name, "adjoint", num_threads(), 1e3 * bench::least_time(steps, make()), "ms");
        bench::report((std::string(name) + "-peak").c_str(), "adjoint", num_threads(), peak_megabytes(),
                      "MB");
    }
}
