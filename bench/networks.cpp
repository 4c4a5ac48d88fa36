// Training steps of larger networks, on noise: rows B1, B2 and B3, and the memory that they take.
//
//     bench/networks [threads] [steps] [rows...]     rows: B1 B2 B3, all by default
//
// B1: a transformer, 1000 tokens, width 256, 4 blocks with the norm first, 8 heads, 1024 GELU in between,
// causal, batch 16 of 128 tokens, AdamW. B2: ResNet-18 for images of 32 x 32, batch 32, SGD with momentum
// 0.9. B3: an LSTM of two layers of 128 units, 100 steps of 64 features, batch 32, Adam. All with cross
// entropy. The least time of the steps, and the peak of the process: one row in each run.
#include <adjoint/adjoint.h>

#include <sys/resource.h>

#include <cstdlib>
#include <cstring>
#include <functional>
#include <string>

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
    static constexpr std::int64_t tokens = 1000, width = 256, length = 128;

    // The scores of the next token behind each, a row for each.
    Tensor operator()(const Tensor& text) const {
        Tensor x = embedding(text) + position.weight;
        for (const nn::TransformerEncoderLayer& block : blocks) x = block(x, {.is_causal = true});
        return reshape(head(norm(x)), {-1, tokens});
    }

    const nn::Embedding embedding = child("embedding", nn::Embedding(tokens, width));
    const nn::Embedding position = child("position", nn::Embedding(length, width));
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

Step transformer() {
    constexpr std::int64_t batch = 16;
    const Transformer model;
    return training(model, std::make_shared<optim::AdamW>(model.parameters()),
                    randint(0, Transformer::tokens, {batch, Transformer::length}),
                    randint(0, Transformer::tokens, {batch * Transformer::length}));
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

Step residual_network() {
    std::vector<nn::Layer> layers{nn::Conv2d(3, 64, 3, {.padding = 1, .bias = false}), nn::BatchNorm2d(64),
                                  nn::ReLU()};
    for (std::int64_t in = 64, out = 64; out <= 512; in = out, out *= 2) {
        layers.emplace_back(ResidualBlock(in, out, in == out ? 1 : 2));
        layers.emplace_back(ResidualBlock(out, out, 1));
    }
    layers.emplace_back(nn::AdaptiveAvgPool2d(1));
    layers.emplace_back(nn::Flatten());
    layers.emplace_back(nn::Linear(512, 10));
    const nn::Sequential model(layers);
    return training(
        model,
        std::make_shared<optim::SGD>(model.parameters(), optim::SGDOptions{.lr = 0.01, .momentum = 0.9}),
        randn({32, 3, 32, 32}), randint(0, 10, {32}));
}

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
    const std::pair<const char*, Step (*)()> rows[] = {
        {"B1", transformer}, {"B2", residual_network}, {"B3", recurrent_network}};
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
