// What modules say where something does not fit: which layer it is, and all names and shapes at once.
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <string>
#include <vector>

#include <adjoint/autograd/ops/arithmetic.h>
#include <adjoint/autograd/ops/elementwise.h>
#include <adjoint/autograd/ops/indexed.h>
#include <adjoint/autograd/ops/shape.h>
#include <adjoint/core/base/error.h>
#include <adjoint/core/tensor/creation.h>
#include <adjoint/data/safetensors.h>
#include <adjoint/nn/activation.h>
#include <adjoint/nn/batch_norm.h>
#include <adjoint/nn/convolution.h>
#include <adjoint/nn/linear.h>
#include <adjoint/nn/recurrent.h>
#include <adjoint/nn/recurrent_cells.h>
#include <adjoint/nn/sequential.h>
#include <adjoint/nn/transformer.h>

#include "temporary_folder.h"

namespace adjoint::nn {
namespace {

template <class F> std::string error_of(F f) {
    try {
        f();
    } catch (const Error& error) {
        return error.what();
    }
    return "";
}

TEST(Module, SaysAllThatDoesNotMatchAtOnceAndWhatToDo) {
    const TemporaryFolder folder;
    const std::string path = folder / "weights.safetensors";
    const Sequential model(Linear(4, 3), ReLU(), Linear(3, 2));
    const auto saved = [&](const NamedTensors& state) { data::save_safetensors(path, state); };
    const auto refusal = [&](const LoadOptions& options = {}) {
        return error_of([&] { model.load(path, options); });
    };
    const auto says = [](const std::string& text, const std::vector<std::string>& parts) {
        for (const std::string& part : parts)
            EXPECT_NE(text.find(part), std::string::npos) << part << "\nin " << text;
    };
    NamedTensors prefixed, bare;
    for (const auto& [name, tensor] : model.state())
        prefixed.emplace_back("module." + name, full_like(tensor, 5));
    saved(prefixed);
    says(refusal(),
         {path + ": load: ", "all differ by the prefix module.", "{.rename = {{\"module.\", \"\"}}}"});
    EXPECT_TRUE(model.load(path, {.rename = {{"module.", ""}}}).unexpected.empty());
    const auto first = model.state()[0];
    says(
        error_of([&] {
            model.load(NamedTensors{first, {"old." + first.first, first.second}}, {.rename = {{"old.", ""}}});
        }),
        {"load: " + first.first + " and old." + first.first + " are both " + first.first});
    EXPECT_EQ(model.at<Linear>(2).bias.to_vector<double>(), (std::vector<double>{5, 5}));
    const Sequential inside(std::vector<Layer>{model});
    says(error_of([&] { inside.load(model.state()); }), {"all lack the prefix 0.", "{{\"\", \"0.\"}}"});
    EXPECT_TRUE(inside.load(model.state(), {.rename = {{"", "0."}}}).missing.empty());

    NamedTensors other = model.state();
    for (auto& [name, tensor] : other) tensor = full_like(tensor, 7);
    other[0].second = ones({9, 4});
    other[1].second = ones({9});
    other[3].second = full({2}, 8, {.dtype = f64});
    saved(other);
    says(refusal(), {path, "0.weight has shape (9, 4), the module's (3, 4)", "0.bias has shape (9,)",
                     "2.bias is f64, the module's f32", ".skip_misfits", ".convert"});
    EXPECT_EQ(model.at<Linear>(2).bias.to_vector<double>(), (std::vector<double>{5, 5}))
        << "nothing was loaded";
    const LoadReport report = model.load(path, {.skip_misfits = true, .convert = true});
    EXPECT_EQ(report.misfits, (std::vector<std::string>{"0.weight", "0.bias"}));
    EXPECT_TRUE(report.missing.empty());
    EXPECT_EQ(model.at<Linear>(0).bias.to_vector<double>(), (std::vector<double>{5, 5, 5}));
    EXPECT_EQ(model.at<Linear>(2).bias.to_vector<double>(), (std::vector<double>{8, 8}));
    EXPECT_EQ(model.at<Linear>(2).bias.dtype(), f32);
    EXPECT_EQ(model.at<Linear>(2).weight.to_vector<double>()[0], 7);

    std::ofstream(path, std::ios::binary) << std::string("PK\3\4, an archive that is cut off");
    says(refusal(), {path, "zip archive", "cut off"});
    // What torch.save wrote before it wrote archives.
    std::ofstream(path, std::ios::binary)
        << std::string("\x80\2, a pickle, and nothing that could be a header");
    says(refusal(), {path, "torch.save", "safetensors.torch.save_file"});
}

TEST(Module, ErrorsSayWhichLayer) {
    struct Head : Module {
        const Linear fc1 = child("fc1", Linear(4, 100));
        const Linear fc2 = child("fc2", Linear(100, 10));
        Tensor operator()(const Tensor& x) const { return fc2(fc1(x)(all, slice(0, 7))); }
    };
    struct Net : Module {
        const Sequential features = child("features", Sequential(Conv2d(1, 2, 3), BatchNorm2d(2), ReLU()));
        const Head head = child("head", Head());
        Tensor operator()(const Tensor& x) const { return head(x); }
    };
    const Net net;
    const auto starts = [](const std::string& text, const std::string& start) {
        EXPECT_EQ(text.substr(0, start.size()), start) << text;
    };
    starts(error_of([&] { net(ones({5, 4})); }), "head.fc2 (Linear 100 -> 10): linear: ");
    starts(error_of([&] { net(ones({5, 3})); }), "head.fc1 (Linear 4 -> 100): linear: ");
    starts(error_of([&] { net.features(ones({5, 2, 8, 8})); }), "features.0 (Conv2d 1 -> 2): conv2d: ");
    starts(error_of([&] { Head()(ones({5, 4})); }), "fc2 (Linear 100 -> 10): linear: ");
    starts(error_of([&] { clone(net)(ones({5, 4})); }), "head.fc2 (Linear 100 -> 10): ");
    starts(error_of([&] { clone(net.head)(ones({5, 4})); }), "fc2 (Linear 100 -> 10): ");
    starts(error_of([&] { Linear(2, 3)(ones({5, 4})); }), "linear: ");
    const Sequential model(
        Linear(4, 4), [](const Tensor& x) { return reshape(x, {3}); }, Sequential(Flatten(), Linear(5, 2)));
    starts(error_of([&] { model(ones({2, 4})); }), "1 (Function): reshape: ");
    starts(error_of([&] { model.at<Sequential>(2)(ones({2, 4})); }), "2.1 (Linear 5 -> 2): linear: ");
    const Sequential attention(TransformerEncoderLayer(4, 2));
    starts(error_of([&] { attention(ones({3, 2, 5})); }), "0.self_attn (MultiheadAttention 4, 2 heads): ");
    {
        const AnomalyMode mode;
        const Sequential risky(Linear(2, 2), [](const Tensor& x) { return log(x * 0 - 1); });
        starts(error_of([&] { risky(ones({1, 2})); }), "1 (Function): anomaly: log ");
        const Head head;
        head.fc1.weight.detach().fill_(INFINITY);
        starts(error_of([&] { head(ones({5, 4})); }), "fc1 (Linear 4 -> 100): anomaly: ");
    }
}

TEST(Module, ErrorsOfBadSizesSayWhatWasExpected) {
    const auto says = [](const std::string& text, const std::string& part) {
        EXPECT_NE(text.find(part), std::string::npos) << text;
    };
    says(error_of([] { MultiheadAttention(10, 3); }),
         "MultiheadAttention: 3 heads for 10 dimensions, expected ");
    EXPECT_EQ(error_of([] { LSTM(3, 4)(ones({5, 2, 2})); }).substr(0, 6), "LSTM: ");
    EXPECT_EQ(error_of([] { GRU(3, 4)(ones({0, 2, 3})); }).substr(0, 5), "GRU: ");
    EXPECT_EQ(error_of([] { GRUCell(3, 4)(ones({2, 2})); }).substr(0, 9), "GRUCell: ");
    says(error_of([] { LSTM(3, 4)(ones({5, 2, 3}), {ones({1, 2, 3}), {}}); }), "LSTM: h_0 of shape");
}

}  // namespace
}  // namespace adjoint::nn
