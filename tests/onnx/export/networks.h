// The networks whose files ONNX Runtime is asked about: those of the lectures and of the benchmarks, and the
// usual larger ones. Each with the inputs of two batch sizes.
#pragma once

#include <adjoint/adjoint.h>
#include <adjoint/onnx.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace adjoint::networks {

struct Case {
    std::string name;
    onnx::ListFunction function;
    std::vector<std::vector<Tensor>> inputs;
    onnx::ExportOptions options;
    std::shared_ptr<const void> model;  // keeps options.module alive
};

/// A residual block of ResNet-18: He et al., Deep residual learning for image recognition, 2016.
struct BasicBlock : nn::Module {
    BasicBlock(std::int64_t in, std::int64_t out, std::int64_t stride)
        : conv1(child("conv1", nn::Conv2d(in, out, 3, {.stride = stride, .padding = 1, .bias = false}))),
          bn1(child("bn1", nn::BatchNorm2d(out))),
          conv2(child("conv2", nn::Conv2d(out, out, 3, {.padding = 1, .bias = false}))),
          bn2(child("bn2", nn::BatchNorm2d(out))),
          downsample(child("downsample",
                           in == out && stride == 1
                               ? nn::Sequential(nn::Identity())
                               : nn::Sequential(nn::Conv2d(in, out, 1, {.stride = stride, .bias = false}),
                                                nn::BatchNorm2d(out)))) {}
    Tensor operator()(const Tensor& x) const { return relu(bn2(conv2(relu(bn1(conv1(x))))) + downsample(x)); }

    const nn::Conv2d conv1;
    const nn::BatchNorm2d bn1;
    const nn::Conv2d conv2;
    const nn::BatchNorm2d bn2;
    const nn::Sequential downsample;
};

struct ResNet18 : nn::Module {
    explicit ResNet18(std::int64_t classes = 10) : fc(child("fc", nn::Linear(512, classes))) {
        std::int64_t in = 64;
        for (int stage = 0; stage < 4; ++stage) {
            const std::int64_t out = std::int64_t{64} << stage;
            layers.push_back(
                child("layer" + std::to_string(stage + 1),
                      nn::Sequential(BasicBlock(in, out, stage == 0 ? 1 : 2), BasicBlock(out, out, 1))));
            in = out;
        }
    }
    Tensor operator()(const Tensor& x) const {
        Tensor y = max_pool2d(relu(bn1(conv1(x))), 3, {.stride = 2, .padding = 1});
        for (const nn::Sequential& layer : layers) y = layer(y);
        return fc(flatten(adaptive_avg_pool2d(y, 1), 1));
    }

    const nn::Conv2d conv1 = child("conv1", nn::Conv2d(3, 64, 7, {.stride = 2, .padding = 3, .bias = false}));
    const nn::BatchNorm2d bn1 = child("bn1", nn::BatchNorm2d(64));
    std::vector<nn::Sequential> layers;
    const nn::Linear fc;
};

/// Depthwise and pointwise convolutions: Howard et al., MobileNets, 2017.
inline nn::Sequential mobile_net() {
    std::vector<nn::Layer> layers{nn::Conv2d(3, 8, 3, {.stride = 2, .padding = 1, .bias = false}),
                                  nn::BatchNorm2d(8), nn::ReLU6()};
    std::int64_t in = 8;
    for (const std::int64_t out : {16, 32, 32}) {
        layers.insert(
            layers.end(),
            {nn::Conv2d(in, in, 3, {.padding = 1, .groups = in, .bias = false}), nn::BatchNorm2d(in),
             nn::ReLU6(), nn::Conv2d(in, out, 1, {.bias = false}), nn::BatchNorm2d(out), nn::ReLU6()});
        in = out;
    }
    layers.insert(layers.end(), {nn::AdaptiveAvgPool2d(1), nn::Flatten(), nn::Linear(in, 10)});
    return nn::Sequential(layers);
}

/// A network in another type behind f32, so that ONNX Runtime's arrays are those of NumPy.
struct Inside : nn::Module {
    const nn::Sequential net;
    const DType type;
    Inside(nn::Sequential inner, DType t) : net(child("net", std::move(inner))), type(t) { net.to(type); }
    Tensor operator()(const Tensor& x) const { return net(x.to(type)).to(f32); }
};

/// Words to classes, one for each place: embedding, LSTM in both directions, linear.
struct Tagger : nn::Module {
    const nn::Embedding embedding = child("embedding", nn::Embedding(50, 16));
    const nn::LSTM lstm =
        child("lstm", nn::LSTM(16, 12, {.num_layers = 2, .batch_first = true, .bidirectional = true}));
    const nn::Linear output = child("output", nn::Linear(24, 7));
    Tensor operator()(const Tensor& x) const { return output(lstm(embedding(x)).output); }
};

struct Gru : nn::Module {
    const nn::GRU gru = child("gru", nn::GRU(6, 5));
    std::pair<Tensor, Tensor> operator()(const Tensor& x, const Tensor& h) const {
        const nn::RNNOutput out = gru(x, h);
        return {out.output, out.h_n};
    }
};

struct Rnn : nn::Module {
    const nn::RNN rnn = child("rnn", nn::RNN(6, 5, {.nonlinearity = nn::RecurrentNonlinearity::relu}));
    Tensor operator()(const Tensor& x) const { return rnn(x).output; }
};

/// Words to scores of the next one: embedded, with their places, through two blocks that look back only.
struct Transformer : nn::Module {
    static constexpr std::int64_t width = 16, places = 12, words = 40;
    const nn::Embedding embedding = child("embedding", nn::Embedding(words, width));
    const nn::Parameter position = parameter("position", randn({places, width}));
    const nn::TransformerEncoderLayer first =
        child("first", nn::TransformerEncoderLayer(width, 4, {.dim_feedforward = 32, .batch_first = true}));
    const nn::TransformerEncoderLayer second =
        child("second", nn::TransformerEncoderLayer(
                            width, 4, {.dim_feedforward = 32, .batch_first = true, .norm_first = true}));
    const nn::LayerNorm norm = child("norm", nn::LayerNorm({width}));
    const nn::Linear head = child("head", nn::Linear(width, words, {.bias = false}));
    Tensor operator()(const Tensor& x) const {
        const std::int64_t length = x.size(1);
        const Tensor mask = triu(ones({length, length}), 1).to(boolean);
        const Tensor h = embedding(x) + narrow(position, 0, 0, length);
        return head(norm(second(first(h, {.attn_mask = mask}), {.attn_mask = mask})));
    }
};

/// The small residual net of lecture L4.6.
struct Residual : nn::Module {
    const nn::Conv2d first = child("first", nn::Conv2d(1, 16, 3, {.padding = 1}));
    const nn::Sequential body = child("body", nn::Sequential(nn::MaxPool2d(2), nn::ReLU()));
    const nn::Sequential branch = child("branch", nn::Sequential(nn::Conv2d(16, 16, 3, {.padding = 1}),
                                                                 nn::ReLU(), nn::StochasticDepth(0.2)));
    const nn::Sequential head =
        child("head", nn::Sequential(nn::MaxPool2d(2), nn::Flatten(), nn::Dropout(0.5), nn::Linear(784, 64),
                                     nn::ReLU(), nn::Linear(64, 10)));
    Tensor operator()(const Tensor& x) const {
        const Tensor h = body(first(x));
        return head(h + branch(h));
    }
};

/// The convolutional net of lecture L3.8.
struct Subclassed : nn::Module {
    const nn::Conv2d conv = child("conv", nn::Conv2d(1, 32, 3));
    const nn::Flatten flatten;
    const nn::Dropout dropout = child("dropout", nn::Dropout(0.5));
    const nn::Linear dense = child("dense", nn::Linear(26 * 26 * 32, 128));
    const nn::Linear output = child("output", nn::Linear(128, 10));
    Tensor operator()(const Tensor& x) const { return output(relu(dense(dropout(flatten(relu(conv(x))))))); }
};

/// Places and numbers that follow from how many rows there are.
struct Rows : nn::Module {
    std::pair<Tensor, Tensor> operator()(const Tensor& x) const {
        const std::int64_t n = x.size(0);
        return {
            cat({flip(x, {0}), roll(x, {1}, {0}), x / static_cast<double>(n), x * unsqueeze(arange(n), 1)},
                1),
            adjoint::std(x, 0) + mean(slice(x, 0, 1, 50, 2), 0) + x(-2)};
    }
};

using Inputs = std::function<std::vector<Tensor>(std::int64_t batch)>;

/// A case of a module whose inputs have the batch as dimension `axis`.
template <nn::IsModule M>
Case of(const std::string& name, M module, const Inputs& inputs, int axis = 0,
        const onnx::ExportOptions& options = {}) {
    const auto model = std::make_shared<const M>(std::move(module));
    // Running statistics that are not those of the beginning.
    {
        const NoGrad guard;
        onnx::detail::call_with_list(*model, inputs(4));
        model->eval();
    }
    Case out{
        name,
        [model](const std::vector<Tensor>& in) { return onnx::detail::call_with_list(*model, in).tensors; },
        {inputs(2), inputs(5)},
        options,
        model};
    out.options.module = model.get();
    const std::size_t count = out.inputs[0].size();
    for (std::size_t i = 0; i < count; ++i)
        out.options.dynamic_axes[count == 1 ? "x" : "x_" + std::to_string(i)][axis] = "batch";
    return out;
}

inline Inputs images(const Shape& sample) {
    return [sample](std::int64_t batch) {
        Shape shape = sample;
        shape.insert(0, batch);
        return std::vector<Tensor>{randn(shape)};
    };
}
inline Inputs words(std::int64_t count, std::int64_t length) {
    return [=](std::int64_t batch) { return std::vector<Tensor>{randint(0, count, {batch, length})}; };
}

inline std::vector<Case> cases() {
    using namespace nn;
    manual_seed(1);
    std::vector<Case> list;
    const auto add = [&](Case one) { list.push_back(std::move(one)); };
    // Rows of the benchmarks.
    add(of("w1", Sequential(Linear(784, 128), ReLU(), Linear(128, 64), ReLU(), Linear(64, 10)),
           images({784})));
    add(of("w2",
           Sequential(Linear(784, 512), ReLU(), Dropout(0.2), Linear(512, 512), ReLU(), Dropout(0.2),
                      Linear(512, 10)),
           images({784})));
    add(of("w3",
           Sequential(Linear(784, 128), BatchNorm1d(128), ReLU(), Linear(128, 64), BatchNorm1d(64), ReLU(),
                      Linear(64, 10)),
           images({784})));
    add(of("w4",
           Sequential(Conv2d(1, 32, 3), ReLU(), Conv2d(32, 64, 3), ReLU(), MaxPool2d(2), Flatten(),
                      Linear(9216, 128), ReLU(), Linear(128, 10)),
           images({1, 28, 28})));
    // Networks of the lectures.
    add(of("l0_xor", Sequential(Linear(2, 3), Sigmoid(), Linear(3, 1), Sigmoid()), images({2})));
    add(of("l1_deep",
           Sequential(Linear(2, 4, {.bias = false}), Tanh(), Linear(4, 2, {.bias = false}), Sigmoid(),
                      Linear(2, 1, {.bias = false}), Sigmoid()),
           images({2})));
    add(of("l1_dropout",
           Sequential(Linear(784, 256), ReLU(), Dropout(0.5), Linear(256, 256), ReLU(), Dropout(0.5),
                      Linear(256, 10)),
           images({784})));
    add(of("l2_by_hand",
           Sequential(Linear(784, 100, {.bias = false}), Sigmoid(), Linear(100, 100, {.bias = false}), Tanh(),
                      Linear(100, 100, {.bias = false}), Sigmoid(), Linear(100, 10, {.bias = false}),
                      Softmax(1)),
           images({784})));
    add(of("l3_curve", Sequential(Linear(2, 16), Tanh(), Linear(16, 1)), images({2})));
    add(of("l3_cats", Sequential(Linear(12288, 7), ReLU(), Linear(7, 1)), images({12288})));
    add(of("l3_boston", Sequential(Linear(13, 64), ReLU(), Linear(64, 64), ReLU(), Linear(64, 1)),
           images({13})));
    add(of("l3_iris", Sequential(Linear(4, 8), Tanh(), Linear(8, 3)), images({4})));
    add(of("l3_sequential", Sequential(Flatten(), Linear(784, 128), ReLU(), Dropout(0.2), Linear(128, 10)),
           images({28, 28})));
    add(of("l3_cnn", Subclassed(), images({1, 28, 28})));
    add(of("l4_residual", Residual(), images({1, 28, 28})));
    const std::vector<std::pair<std::string, Layer>> activations = {
        {"sigmoid", Sigmoid()}, {"tanh", Tanh()}, {"leaky_relu", LeakyReLU(0.1)},
        {"elu", ELU()},         {"silu", SiLU()}, {"gelu", GELU()},
        {"mish", Mish()}};
    for (const auto& [name, layer] : activations)
        add(of("l4_" + name, Sequential(Linear(784, 128), layer, Linear(128, 64), layer, Linear(64, 10)),
               images({784})));
    add(of("l5_improvements",
           Sequential(Linear(784, 50), BatchNorm1d(50), ReLU(), Linear(50, 10), Softmax(1)), images({784})));
    add(of("l5_autoencoder",
           Sequential(Linear(784, 256), ReLU(), Linear(256, 128), ReLU(), Linear(128, 256), ReLU(),
                      Linear(256, 784)),
           images({784})));
    for (const DType type : {f16, bf16, f64})
        add(of(std::string("type_") + adjoint::name(type),
               Inside(Sequential(Conv2d(1, 4, 3), BatchNorm2d(4), ReLU(), MaxPool2d(2), Flatten(),
                                 Linear(36, 8), LayerNorm({8}), GELU(), Linear(8, 3), Softmax(1)),
                      type),
               images({1, 8, 8})));
    // The larger ones.
    add(of("resnet18", ResNet18(), images({3, 64, 64})));
    add(of("resnet18_folded", ResNet18(), images({3, 64, 64}), 0, {.fold_batch_norm = true}));
    add(of("mobile_net", mobile_net(), images({3, 32, 32})));
    add(of("lstm_tagger", Tagger(), words(50, 9)));
    add(of(
        "gru", Gru(),
        [](std::int64_t batch) {
            return std::vector<Tensor>{randn({7, batch, 6}), randn({1, batch, 5})};
        },
        1));
    add(of(
        "rnn", Rnn(),
        [](std::int64_t batch) {
            return std::vector<Tensor>{randn({7, batch, 6})};
        },
        1));
    add(of("transformer", Transformer(), words(40, 8)));
    add(of("rows", Rows(), images({3})));
    // Both the batch and the length are dynamic.
    Case both = of("transformer_any_length", Transformer(), words(40, 8));
    both.options.dynamic_axes["x"][1] = "length";
    both.inputs.push_back({randint(0, 40, {3, 11})});
    add(both);
    add(of("transformer_opset_13", Transformer(), words(40, 8), 0, {.opset = 13}));
    add(of("transformer_opset_21", Transformer(), words(40, 8), 0, {.opset = 21}));
    return list;
}

}  // namespace adjoint::networks
