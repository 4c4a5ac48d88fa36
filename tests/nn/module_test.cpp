// Module: names, sharing and cloning, modes, tied parameters, moving, state and files, printing.
#include <adjoint/data/torch.h>
#include <adjoint/nn/module.h>

#include <gtest/gtest.h>

#include <fstream>
#include <set>

#include <adjoint/autograd/backward/engine.h>
#include <adjoint/autograd/ops/arithmetic.h>
#include <adjoint/autograd/ops/elementwise.h>
#include <adjoint/autograd/ops/indexed.h>
#include <adjoint/autograd/ops/reduce.h>
#include <adjoint/autograd/ops/shape.h>
#include <adjoint/core/base/error.h>
#include <adjoint/core/contract/generator.h>
#include <adjoint/core/memory/host_memory.h>
#include <adjoint/core/tensor/creation.h>
#include <adjoint/nn/activation.h>
#include <adjoint/nn/batch_norm.h>
#include <adjoint/nn/dropout.h>
#include <adjoint/nn/linear.h>
#include <adjoint/nn/sequential.h>

#include "layer_checks.h"
#include "temporary_folder.h"

namespace adjoint::nn {
namespace {

struct Net : Module {
    const Linear fc1 = child("fc1", Linear(4, 3));
    const BatchNorm1d norm = child("norm", BatchNorm1d(3));
    const Linear fc2 = child("fc2", Linear(3, 2, {.bias = false}));
    const Parameter scale = parameter("scale", ones({1}));
    Tensor operator()(const Tensor& x) const { return fc2(relu(norm(fc1(x)))) * scale; }
};

/// Both layers use one weight.
struct Tied : Module {
    const Linear encoder = child("encoder", Linear(3, 3));
    const Parameter weight = parameter("weight", encoder.weight);
    Tensor operator()(const Tensor& x) const { return linear(encoder(x), weight); }
};

struct Careless : Module {
    Tensor weight = parameter("weight", ones({2}));
};

NamedTensors copy_of(const NamedTensors& state) {
    NamedTensors result;
    for (const auto& [name, tensor] : state) result.emplace_back(name, tensor.detach().clone());
    return result;
}

bool same(const NamedTensors& a, const NamedTensors& b) {
    if (names(a) != names(b)) return false;
    for (std::size_t i = 0; i < a.size(); ++i)
        if (a[i].second.dtype() != b[i].second.dtype() || !equal(a[i].second, b[i].second)) return false;
    return true;
}

template <class Kind> std::string message_of(const std::function<void()>& f) {
    try {
        f();
    } catch (const Kind& error) {
        return error.what();
    }
    ADD_FAILURE() << "no error of the expected kind";
    return {};
}

TEST(Module, ApplyVisitsChildrenInFrontOfTheirParents) {
    const nn::Sequential inner(nn::Linear(2, 3), nn::ReLU()), net(inner, nn::Linear(3, 1));
    std::vector<std::string> kinds;
    net.apply([&](const nn::Module& module) {
        kinds.push_back(module.kind());
        const NoGrad guard;
        if (module.kind() == "Linear")
            for (const auto& [name, parameter] : module.named_parameters()) parameter.fill_(7);
    });
    EXPECT_EQ(kinds, (std::vector<std::string>{"Linear", "ReLU", "Sequential", "Linear", "Sequential"}));
    for (const Tensor& parameter : net.parameters())
        EXPECT_TRUE(equal(parameter, full_like(parameter.detach(), 7)));
}

TEST(Module, NamesWhatItHolds) {
    const Net net;
    EXPECT_EQ(names(net.named_parameters()),
              (std::vector<std::string>{"scale", "fc1.weight", "fc1.bias", "norm.weight", "norm.bias",
                                        "fc2.weight"}));
    EXPECT_EQ(names(net.named_buffers()), (std::vector<std::string>{"norm.running_mean", "norm.running_var",
                                                                    "norm.num_batches_tracked"}));
    EXPECT_EQ(net.state().size(), 9U);
    EXPECT_EQ(net.parameter_count(), 1 + 12 + 3 + 3 + 3 + 6);
    for (const Tensor& x : net.parameters()) EXPECT_TRUE(x.requires_grad());
    for (const auto& [name, x] : net.named_buffers()) EXPECT_FALSE(x.requires_grad());
}

TEST(Module, EveryParameterGetsAGradient) {
    manual_seed(1);
    const Net net;
    sum(square(net(randn({5, 4})))).backward();
    for (const auto& [name, x] : net.named_parameters()) {
        ASSERT_TRUE(x.grad().defined()) << name;
        EXPECT_EQ(x.grad().shape(), x.shape()) << name;
    }
    net.zero_grad();
    for (const Tensor& x : net.parameters()) EXPECT_FALSE(x.grad().defined());
}

TEST(Module, CopiesShare) {
    const Net net;
    const Net copy = net;
    net.fc1.weight.detach().fill_(7);
    EXPECT_EQ(copy.fc1.weight.to_vector<float>()[0], 7);
    copy.eval();
    EXPECT_FALSE(net.norm.is_training());
    Net moved = std::move(const_cast<Net&>(copy));
    EXPECT_TRUE(moved.parameters()[1].is_same(net.fc1.weight));
}

TEST(Module, ClonesDoNotShare) {
    manual_seed(2);
    const Net net;
    net.eval();
    const Net copy = clone(net);
    EXPECT_TRUE(same(net.state(), copy.state()));
    EXPECT_FALSE(copy.norm.is_training());
    std::set<const TensorImpl*> originals;
    for (const auto& [name, x] : net.state()) originals.insert(&x.impl());
    for (const auto& [name, x] : copy.state()) EXPECT_FALSE(originals.contains(&x.impl())) << name;
    for (const Tensor& x : copy.parameters()) EXPECT_TRUE(x.requires_grad() && x.is_leaf());
    // The members and what is registered are one thing in the copy as well.
    EXPECT_TRUE(copy.fc1.weight.is_same(copy.parameters()[1]));
    EXPECT_TRUE(copy.norm.running_mean.is_same(copy.named_buffers()[0].second));
    const NamedTensors before = copy_of(net.state());
    for (const auto& [name, x] : copy.state()) x.detach().fill_(3);
    copy.train();
    EXPECT_TRUE(same(before, net.state()));
    EXPECT_FALSE(net.norm.is_training());
}

TEST(Module, ClonesReachIntoContainersAndLambdas) {
    struct Deep : Module {
        std::vector<Linear> layers{child("a", Linear(2, 2)), child("b", Linear(2, 2))};
        const Linear hidden{2, 2};
        const Sequential tail = child(
            "tail", Sequential(Linear(2, 2), tanh, [inner = hidden](const Tensor& x) { return inner(x); }));
        Tensor operator()(const Tensor& x) const { return tail(layers[1](layers[0](x))); }
    };
    manual_seed(5);
    const Deep deep;
    const Deep copy = clone(deep);
    const Tensor x = randn({3, 2}), y = deep(x).detach().clone();
    EXPECT_TRUE(equal(copy(x).detach(), y));
    for (const Tensor& p : deep.parameters()) p.detach().fill_(0.5);
    deep.hidden.weight.detach().fill_(0.5);
    EXPECT_TRUE(equal(copy(x).detach(), y));
    EXPECT_TRUE(copy.layers[0].weight.is_same(copy.parameters()[0]));
    EXPECT_TRUE(copy.tail.at<Linear>(0).weight.is_same(copy.tail.parameters()[0]));
}

TEST(Module, CloneSaysWhatItCannotFollow) {
    EXPECT_NE(message_of<ValueError>([] { (void)clone(Careless()); }).find("weight"), std::string::npos);
    const Careless fine;
    EXPECT_EQ(fine.parameters().size(), 1U);
}

TEST(Module, TiedParametersCountOnce) {
    manual_seed(3);
    const Tied tied;
    EXPECT_EQ(names(tied.named_parameters()), (std::vector<std::string>{"weight", "encoder.bias"}));
    EXPECT_EQ(names(tied.state()), (std::vector<std::string>{"weight", "encoder.bias"}));
    EXPECT_EQ(tied.parameter_count(), 12);
    const Tied copy = clone(tied);
    EXPECT_TRUE(copy.weight.is_same(copy.encoder.weight));
    EXPECT_FALSE(copy.weight.is_same(tied.weight));

    // Files that know both names, or only the other one.
    const Tensor w = full({3, 3}, 2), b = zeros({3});
    tied.load({{"weight", w}, {"encoder.weight", w.clone()}, {"encoder.bias", b}});
    EXPECT_EQ(tied.encoder.weight.to_vector<float>()[8], 2);
    tied.load({{"encoder.weight", w * 2.0}, {"encoder.bias", b}});
    EXPECT_EQ(tied.weight.to_vector<float>()[8], 4);
    EXPECT_THROW(tied.load({{"weight", w}, {"encoder.weight", b}, {"encoder.bias", b}}), ShapeError);
    EXPECT_THROW(tied.load({{"weight", w}, {"encoder.weight", w * 3.0}, {"encoder.bias", b}}), ValueError);
    EXPECT_EQ(tied.weight.to_vector<float>()[8], 4);
}

TEST(Module, RefusesBadNames) {
    struct Free : Module {
        using Module::buffer;
        using Module::child;
        using Module::parameter;
    };
    const Free module;
    module.parameter("a", ones({1}));
    EXPECT_THROW(module.buffer("a", ones({1})), ValueError);
    EXPECT_THROW(module.child("a", Identity()), ValueError);
    EXPECT_THROW(module.parameter("", ones({1})), ValueError);
    EXPECT_THROW(module.parameter("b.c", ones({1})), ValueError);
    EXPECT_THROW(module.parameter("n", ones({1}, {.dtype = i64})), DTypeError);
    EXPECT_THROW(module.parameter("r", module.parameters()[0] * 2.0), AutogradError);
    EXPECT_THROW(module.child("self", module), ValueError);
    const Free outer;
    outer.child("inner", module);
    EXPECT_THROW(module.child("outer", outer), ValueError);
    EXPECT_FALSE(module.parameter("absent", Tensor()).defined());
    EXPECT_EQ(module.state().size(), 1U);
}

TEST(Module, ModeReachesAllChildren) {
    const Sequential net(Linear(2, 2), Sequential(Dropout(0.5), BatchNorm1d(2)));
    EXPECT_TRUE(net.is_training());
    net.eval();
    EXPECT_FALSE(net.at<Sequential>(1).at<Dropout>(0).is_training());
    net.train();
    EXPECT_TRUE(net.at<Sequential>(1).at<BatchNorm1d>(1).is_training());
}

TEST(Module, ConvertsInPlace) {
    const Net net;
    const Tensor weight = net.fc1.weight, values = weight.detach().clone();
    weight.set_grad(ones_like(weight));
    const Tensor loss = sum(square(weight)), other = sum(square(net.scale));
    net.to(f64);
    EXPECT_EQ(weight.dtype(), f64);
    EXPECT_TRUE(weight.is_leaf() && weight.requires_grad());
    EXPECT_EQ(weight.grad().dtype(), f64);
    EXPECT_EQ(net.norm.running_var.dtype(), f64);
    EXPECT_EQ(net.norm.num_batches_tracked.dtype(), i64);
    EXPECT_TRUE(equal(weight.detach(), values.to(f64)));
    EXPECT_EQ(values.dtype(), f32);
    EXPECT_THROW(loss.backward(), AutogradError);  // its saved value is gone
    EXPECT_THROW(other.backward(), AutogradError);
    EXPECT_EQ(net(ones({4, 4}, {.dtype = f64})).dtype(), f64);
    EXPECT_THROW(net.to(i64), DTypeError);
    const std::uint32_t version = weight.version();
    net.to(f64);
    net.to(Device::cpu());
    EXPECT_EQ(weight.version(), version);
}

TEST(Module, LoadsWhatFits) {
    manual_seed(4);
    const Net a, b;
    ASSERT_FALSE(same(a.state(), b.state()));
    const Tensor weight = b.fc1.weight;
    const LoadReport report = b.load(a.state());
    EXPECT_TRUE(report.missing.empty() && report.unexpected.empty());
    EXPECT_TRUE(same(a.state(), b.state()));
    EXPECT_TRUE(weight.is_same(b.fc1.weight));
    EXPECT_FALSE(a.fc1.weight.is_same(b.fc1.weight));
}

TEST(Module, RefusedLoadsChangeNothing) {
    const Net net;
    const NamedTensors before = copy_of(net.state());
    const auto damaged = [&](const std::function<void(NamedTensors&)>& damage) {
        NamedTensors state = copy_of(net.state());
        for (auto& [name, tensor] : state) tensor = full_like(tensor, 9);
        damage(state);
        return state;
    };
    const auto refused = [&](const NamedTensors& state, const std::vector<std::string>& words) {
        const std::string message = message_of<Error>([&] { net.load(state); });
        for (const std::string& word : words) EXPECT_NE(message.find(word), std::string::npos) << message;
        EXPECT_TRUE(same(before, net.state()));
    };
    refused(damaged([](auto& s) { s.pop_back(); }), {"missing [fc2.weight]"});
    refused(damaged([](auto& s) { s.emplace_back("fc9.weight", ones({1})); }), {"unexpected [fc9.weight]"});
    refused(damaged([](auto& s) { s.back().second = ones({3, 2}); }), {"fc2.weight", "(3, 2)", "(2, 3)"});
    refused(damaged([](auto& s) {
                s.back().second = ones({2, 3}, {.dtype = f64});
            }),
            {"fc2.weight", "f64", "f32"});
    refused(damaged([](auto& s) { s.back().second = Tensor(); }), {"fc2.weight"});
    refused(damaged([](auto& s) { s.push_back(s.back()); }), {"fc2.weight", "twice"});

    const LoadReport report = net.load(damaged([](auto& s) { s.back().first = "other"; }), {.strict = false});
    EXPECT_EQ(report.missing, std::vector<std::string>{"fc2.weight"});
    EXPECT_EQ(report.unexpected, std::vector<std::string>{"other"});
    EXPECT_EQ(net.scale.item(), 9);
    EXPECT_TRUE(equal(net.fc2.weight, before.back().second));
}

// A small tensor lies in one block with its first memory, which a conversion takes from it.
TEST(Module, ConversionsLeaveViewsAloneAndGiveTheirMemoryBack) {
    const std::int64_t before = host_memory_stats().in_use;
    {
        const Linear model(4, 3);
        const Tensor first = model.weight.clone();
        Tensor view = model.weight.detach();
        model.to(f64);
        EXPECT_TRUE(equal(view, first));
        EXPECT_TRUE(equal(model.weight, first.to(f64)));
        const Tensor second = model.weight.detach();
        view = {};
        model.to(f32);
        model.to(f64);
        EXPECT_TRUE(equal(second, model.weight));
    }
    EXPECT_EQ(host_memory_stats().in_use, before);
}

TEST(Module, SavesAndLoadsFiles) {
    const TemporaryFolder folder;
    const std::string path = folder / "net.safetensors";
    manual_seed(6);
    const Net a, b;
    (void)a(randn({4, 4}));  // buffers are no longer what they start as
    a.save(path);
    b.load(path);
    EXPECT_TRUE(same(a.state(), b.state()));
    EXPECT_EQ(b.norm.num_batches_tracked.item<int>(), 1);
    EXPECT_THROW(Linear(4, 3).load(path), ValueError);
    EXPECT_EQ(Linear(4, 3).load(path, {.strict = false}).unexpected.size(), 9U);
    std::ofstream(path, std::ios::binary) << "short";
    EXPECT_THROW(b.load(path), IoError);
    EXPECT_THROW(b.load(folder / "none"), IoError);
    EXPECT_THROW(b.save(folder / "none/net"), IoError);
    EXPECT_TRUE(same(a.state(), b.state()));
}

TEST(Module, LoadsNamesByRulesAndWhatFits) {
    manual_seed(7);
    const Net a, b;
    NamedTensors state = copy_of(a.state());
    for (auto& [name, tensor] : state) name = "model." + name;
    EXPECT_THROW(b.load(state), ValueError);
    b.load(state, {.rename = {{"model.", ""}}});
    EXPECT_TRUE(same(a.state(), b.state()));

    const NamedTensors before = copy_of(b.state());
    for (auto& [name, tensor] : state) tensor = full_like(tensor, 9);
    state.back().second = ones({7, 3});
    EXPECT_THROW(b.load(state, {.rename = {{"model.", ""}}}), ShapeError);
    EXPECT_TRUE(same(before, b.state()));
    const LoadReport report = b.load(state, {.skip_misfits = true, .rename = {{"model.", ""}}});
    EXPECT_EQ(report.misfits, std::vector<std::string>{"fc2.weight"});
    EXPECT_TRUE(report.missing.empty() && report.unexpected.empty());
    EXPECT_TRUE(equal(b.fc2.weight, before.back().second));
    EXPECT_EQ(b.fc1.bias(0).item(), 9);
}

TEST(Module, LoadsStateDictionariesOfPyTorch) {
    const TemporaryFolder folder;
    manual_seed(8);
    const Net a, b;
    data::save_torch(folder / "net.pth", a.state());
    b.load(folder / "net.pth");
    EXPECT_TRUE(same(a.state(), b.state()));
}

TEST(Module, PrintsATree) {
    EXPECT_EQ(to_string(Linear(4, 3)), "Linear(in_features=4, out_features=3, bias=true)");
    EXPECT_EQ(to_string(Net()),
              "Net(\n"
              "  (fc1): Linear(in_features=4, out_features=3, bias=true)\n"
              "  (norm): BatchNorm1d(3, eps=1e-05, momentum=0.1, affine=true, track_running_stats=true)\n"
              "  (fc2): Linear(in_features=3, out_features=2, bias=false)\n"
              ")");
    EXPECT_EQ(to_string(Sequential(Flatten(), Sequential(ReLU(), LeakyReLU(0.2)), tanh)),
              "Sequential(\n"
              "  (0): Flatten(start_dim=1, end_dim=-1)\n"
              "  (1): Sequential(\n"
              "    (0): ReLU()\n"
              "    (1): LeakyReLU(negative_slope=0.2)\n"
              "  )\n"
              "  (2): Function()\n"
              ")");
}

}  // namespace
}  // namespace adjoint::nn
