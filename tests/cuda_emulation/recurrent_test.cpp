// Recurrent layers as calls of a device's own: what the device is asked for, derivatives of every order,
// types, and what is left to the operators.
#include <gtest/gtest.h>

#include <adjoint/adjoint.h>
#include <adjoint/autograd/backward/gradcheck_gtest.h>
#include <adjoint/core/contract/backend.h>

#include "device/compare.h"
#include "emulated_device.h"
#include "emulated_recurrence.h"

namespace adjoint {
namespace {

using device::expect_near;
using device::Tensors;

class EmulatedRecurrent : public testing::Test {
  protected:
    void SetUp() override { emulated_recurrence() = {}; }
    void TearDown() override { emulated_recurrence() = {}; }

    const Device device = emulated_device();
    const EmulatedRecurrence& calls = emulated_recurrence();
};

Tensor numbers(const Shape& shape, DType type = f64) { return device::numbers(shape, type); }

TEST_F(EmulatedRecurrent, OneCallForEachLayerAndDirection) {
    const nn::LSTM layer(3, 4, {.num_layers = 2, .bidirectional = true, .device = device});
    const Tensor x = numbers({5, 2, 3}, f32).to(device);
    sum(layer(x).output).backward();
    EXPECT_EQ(calls.forward, 4);
    EXPECT_EQ(calls.kept, 4);
    EXPECT_EQ(calls.backward, 4);
    const NoGrad guard;
    layer(x);
    EXPECT_EQ(calls.forward, 8);
    EXPECT_EQ(calls.kept, 4) << "nothing is kept for a backward pass that will not be";
}

TEST_F(EmulatedRecurrent, TheRestGoesStepByStep) {
    const nn::GRU layer(3, 4, {.device = device});
    EXPECT_EQ(layer(ones({5, 0, 3}, {.device = device})).output.shape(), (Shape{5, 0, 4}));
    EXPECT_THROW(layer(ones({5, 2, 3})), DeviceError);
    EXPECT_EQ(calls.forward, 0);
    emulated_recurrence().on = false;
    const Tensor x = numbers({5, 2, 3}, f32).to(device), stepwise = layer(x).output.detach();
    EXPECT_EQ(calls.forward, 0);
    emulated_recurrence().on = true;
    expect_near(stepwise.to(Device::cpu()), layer(x).output.detach(), 1e-6, "both ways");
    EXPECT_EQ(calls.forward, 1);
}

TEST_F(EmulatedRecurrent, DerivativesAgreeWithDifferences) {
    const auto leaf = [&](const Shape& shape) {
        return (numbers(shape) * 0.5).to(device).set_requires_grad();
    };
    const nn::LSTM lstm(2, 2, {.dtype = f64, .device = device});
    const auto of_lstm = [&](const Tensor& x, const Tensor& h, const Tensor& c) {
        const nn::LSTMOutput out = lstm(x, {h, c});
        return cat({reshape(out.output, {-1}), reshape(out.h_n, {-1}), reshape(out.c_n, {-1})});
    };
    const Tensor x = leaf({3, 2, 2}), h = leaf({1, 2, 2}), c = leaf({1, 2, 2});
    EXPECT_GRAD_OK(of_lstm, x, h, c);
    EXPECT_GRADGRAD_OK(of_lstm, x, h, c);
    const nn::GRU gru(2, 2, {.dtype = f64, .device = device});
    const auto of_gru = [&](const Tensor& a, const Tensor& b) { return gru(a, b).output; };
    EXPECT_GRAD_OK(of_gru, x, h);
    EXPECT_GRADGRAD_OK(of_gru, x, h);
    EXPECT_GT(calls.backward, 0);
}

// What a layer gives whose first state is made of its weights and its input, with its third derivatives.
Tensors entangled(const nn::GRU& original, Device device) {
    const nn::GRU m = nn::clone(original);
    m.to(device);
    const Tensor x = sin(reshape(arange(4 * 2 * 3).to(f64), {4, 2, 3})).to(device).set_requires_grad();
    const Tensor h = tanh(unsqueeze(matmul(x(0), t(m.weights[0].weight_ih(slice(0, 3)))), 0));
    Tensors leaves = m.parameters();
    leaves.push_back(x);
    Tensors all{sum(square(m(x, h).output))};
    for (int order = 1; order <= 3; ++order) {
        Tensor total;
        for (const Tensor& gradient : grad(Tensors{all.back()}, leaves, {.create_graph = true})) {
            const Tensor part = sum(sin(gradient));
            total = total.defined() ? total + part : part;
        }
        all.push_back(total);
    }
    for (Tensor& value : all) value = value.detach().to(Device::cpu());
    return all;
}

TEST_F(EmulatedRecurrent, InputsMadeFromEachOtherAndThirdDerivatives) {
    const nn::GRU m(3, 3, {.dtype = f64});
    const Tensors here = entangled(m, Device::cpu()), there = entangled(m, device);
    EXPECT_EQ(calls.forward, 1);
    for (std::size_t i = 0; i < here.size(); ++i)
        expect_near(here[i], there[i], 1e-10, "order " + std::to_string(i));
}

TEST_F(EmulatedRecurrent, SomeInputsNeedNoGradient) {
    const nn::LSTM m(3, 4, {.dtype = f64, .device = device});
    const Tensor x = numbers({5, 2, 3}).to(device);
    for (const Tensor& p : m.parameters()) p.set_requires_grad(false);
    m.weights[0].bias_hh.set_requires_grad();
    const auto gradient = [&](bool create_graph) {
        const Tensor loss = sum(square(m(x).output));
        return grad(loss, m.weights[0].bias_hh, {.create_graph = create_graph}).detach();
    };
    const Tensor by_device = gradient(false), by_steps = gradient(true);
    EXPECT_EQ(calls.backward, 1);
    expect_near(by_device.to(Device::cpu()), by_steps, 1e-12, "a bias alone");
}

TEST_F(EmulatedRecurrent, HalfTypesComputeInF32) {
    const nn::GRU wide(3, 4);
    const Tensor x = numbers({5, 2, 3}, f32);
    const Tensor expected = wide(x).output.detach();
    const nn::GRU narrow = nn::clone(wide);
    narrow.to(f16);
    narrow.to(device);
    const Tensor y = narrow(x.to(f16).to(device)).output;
    EXPECT_EQ(calls.forward, 1);
    EXPECT_EQ(y.dtype(), f16);
    expect_near(expected, y.detach().to(f32), 5e-3, "f16");
    sum(y).backward();
    EXPECT_EQ(calls.backward, 1);
    EXPECT_EQ(narrow.weights[0].weight_ih.grad().dtype(), f16);
}

TEST_F(EmulatedRecurrent, AWriteBetweenThePassesIsAnError) {
    const nn::GRU m(3, 4, {.device = device});
    const Tensor x = numbers({5, 2, 3}, f32).to(device), y = m(x).output;
    y.detach().fill_(0);
    EXPECT_THROW(sum(y).backward(), AutogradError);
    const Tensor again = m(x).output;
    x.fill_(0);
    EXPECT_THROW(sum(again).backward(), AutogradError);
    const Tensor freed = sum(m(x).output);
    freed.backward();
    EXPECT_THROW(freed.backward(), AutogradError);
}

}  // namespace
}  // namespace adjoint
