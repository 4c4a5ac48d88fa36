// Elementwise kernels, random numbers and optimizers: the same bits as on the CPU.
#include <gtest/gtest.h>

#include <cmath>

#include <adjoint/autograd/ops/arithmetic.h>
#include <adjoint/autograd/ops/dropout.h>
#include <adjoint/autograd/ops/elementwise.h>
#include <adjoint/autograd/ops/rearrange.h>
#include <adjoint/autograd/ops/reduce.h>
#include <adjoint/autograd/ops/shape.h>
#include <adjoint/core/contract/generator.h>
#include <adjoint/core/tensor/creation.h>
#include <adjoint/optim/adagrad.h>
#include <adjoint/optim/adam.h>
#include <adjoint/optim/average.h>
#include <adjoint/optim/lion.h>
#include <adjoint/optim/muon.h>
#include <adjoint/optim/rmsprop.h>
#include <adjoint/optim/sgd.h>

#include "device/cases.h"
#include "device/compare.h"

namespace adjoint::device {
namespace {

// Elementwise
// -----------------------------------------------------------------------------

void dense_sizes(Device device) {
    for (const DType type : {DType::f32, DType::f64, DType::i64})
        for (const std::int64_t n : {1, 2, 3, 4, 5, 31, 127, 1000, 1027, 40001}) {
            const Tensors inputs{numbers({n}, type), numbers({n}, type)};
            const std::string what = std::string(name(type)) + " x " + std::to_string(n);
            expect_same_bits(device, inputs, what, [](const Tensors& x) { return x[0] * x[1] + x[0]; });
            expect_same_bits(device, inputs, what, [](const Tensors& x) { return relu(x[0]); });
            expect_same_bits(device, inputs, what,
                             [](const Tensors& x) { return where(x[0] > x[1], x[0], x[1]); });
        }
}

void offsets_and_strides(Device device) {
    const Tensors inputs{numbers({37, 130})};
    expect_same_bits(device, inputs, "unaligned", [](const Tensors& x) {
        const Tensor flat = reshape(x[0], {-1});
        return narrow(flat, 0, 1, 4001) + narrow(flat, 0, 2, 4001);
    });
    expect_same_bits(device, inputs, "transposed", [](const Tensors& x) { return tanh(t(x[0])); });
    expect_same_bits(device, inputs, "broadcast",
                     [](const Tensors& x) { return x[0] * narrow(x[0], 0, 3, 1) - narrow(x[0], 1, 5, 1); });
    expect_same_bits(device, inputs, "backwards", [](const Tensors& x) { return flip(x[0], {0, 1}) + 1; });
    expect_same_bits(device, {numbers({2, 3, 2, 3, 2, 3, 2, 3})}, "eight dimensions", [](const Tensors& x) {
        return permute(x[0], {6, 7, 4, 5, 2, 3, 0, 1}) + permute(x[0], {2, 1, 0, 5, 6, 7, 4, 3});
    });
}

void conversions(Device device) {
    for (const DType from : every_type)
        for (const DType to : every_type)
            expect_same_bits(device, {numbers({3, 50}, from)}, std::string(name(from)) + " to " + name(to),
                             [to](const Tensors& x) { return t(x[0]).to(to); });
    const Tensor special =
        tensor({0.0, -0.0, 1e-8, 65504.0, 65519.0, 65520.0, 1e30, infinity, -infinity, std::nan("")});
    for (const DType to : {DType::f16, DType::bf16, DType::f64})
        expect_same_bits(device, {special}, name(to),
                         [to](const Tensors& x) { return x[0].to(to).to(DType::f32); });
}

void filling(Device device) {
    for (const DType type : every_type) {
        expect_same_bits(full({1003}, 1.5, {.dtype = type}),
                         full({1003}, 1.5, {.dtype = type, .device = device}), name(type));
        const Tensor here = zeros({9, 7}, {.dtype = type}), there = here.to(device);
        t(narrow(here, 1, 2, 3)).fill_(1);
        t(narrow(there, 1, 2, 3)).fill_(1);
        expect_same_bits(here, there, std::string(name(type)) + " with strides");
    }
}

// The functions of core/contract/math.h that are our own give the same bits everywhere.
void shared_mathematics(Device device) {
    const Tensor x = cat({randn({5000}) * 3,
                          tensor({0.0, -0.0, 1e-30, 90.0, -90.0, 200.0, infinity, -infinity, std::nan("")})});
    const std::pair<const char*, Tensor (*)(const Tensor&)> functions[] = {{"exp", exp},
                                                                           {"expm1", expm1},
                                                                           {"log", log},
                                                                           {"log1p", log1p},
                                                                           {"log2", log2},
                                                                           {"tanh", tanh},
                                                                           {"sigmoid", sigmoid},
                                                                           {"erf", erf},
                                                                           {"silu", silu},
                                                                           {"sqrt", sqrt},
                                                                           {"reciprocal", reciprocal}};
    for (const auto& [what, f] : functions)
        expect_same_bits(device, {x}, what, [f = f](const Tensors& in) { return f(in[0]); });
}

// Random numbers
// -----------------------------------------------------------------------------

void random_numbers(Device device) {
    const auto draw = [](Device on, DType type, std::int64_t n) {
        manual_seed(42);
        Tensors all;
        if (is_floating(type)) {
            all.push_back(rand({n}, {.dtype = type, .device = on}));
            all.push_back(randn({n}, {.dtype = type, .device = on}));
            all.push_back(dropout(full({n}, 1.25, {.dtype = type, .device = on}), 0.3));
            all.push_back(bernoulli(full({n}, 0.7, {.dtype = type, .device = on})));
        } else {
            all.push_back(randint(0, 100, {n}, {.dtype = type, .device = on}));
            all.push_back(randperm(n, {.dtype = type, .device = on}));
        }
        return all;
    };
    for (const DType type : {DType::f16, DType::bf16, DType::f32, DType::i32, DType::i64, DType::f64})
        for (const std::int64_t n : {1, 2, 3, 7, 1000, 20003}) {
            const Tensors here = draw(Device::cpu(), type, n), there = draw(device, type, n);
            for (std::size_t i = 0; i < here.size(); ++i) {
                const std::string what =
                    std::string(name(type)) + " x " + std::to_string(n) + ", draw " + std::to_string(i);
                // Double's logarithm and cosine are the system's.
                if (type == DType::f64 && i == 1)
                    expect_near(here[i], there[i], 1e-14, what);
                else
                    expect_same_bits(here[i], there[i], what);
            }
        }
    const auto wide = [](Device on) {
        manual_seed(7);
        return randint(std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max(),
                       {100}, {.dtype = DType::i64, .device = on});
    };
    expect_same_bits(wide(Device::cpu()), wide(device), "the whole range");
}

// Optimizers
// -----------------------------------------------------------------------------

template <class Optimizer, class Options>
void steps(Device device, const Options& options, const std::string& what) {
    manual_seed(3);
    Tensors here, there, slopes;
    for (std::int64_t i = 0; i < 60; ++i) {
        const DType type = i % 7 == 3 ? DType::f64 : DType::f32;
        const std::int64_t n = i == 5 ? 5000 : (i == 9 ? 0 : i * i % 97 + 1);
        here.push_back(randn({n}, {.dtype = type}));
        there.push_back(here.back().to(device));
        slopes.push_back(randn({n}, {.dtype = type}));
        here.back().set_requires_grad();
        there.back().set_requires_grad();
    }
    Optimizer on_cpu(here, options), on_device(there, options);
    for (int step = 0; step < 3; ++step) {
        for (std::size_t i = 0; i < here.size(); ++i) {
            here[i].set_grad(slopes[i] * (1 + step));
            there[i].set_grad((slopes[i] * (1 + step)).to(device));
        }
        on_cpu.step();
        on_device.step();
    }
    for (std::size_t i = 0; i < here.size(); ++i)
        expect_same_bits(here[i].detach(), there[i].detach(), what + ", tensor " + std::to_string(i));
}

// Of Muon the direction comes from products, which add up in another order.
void steps_of_matrices(Device device) {
    for (const DType type : {DType::f32, DType::f64}) {
        const Tensor here = numbers({12, 20}, type), there = here.to(device), slope = numbers({12, 20}, type);
        optim::Muon on_cpu({here.set_requires_grad()}), on_device({there.set_requires_grad()});
        here.set_grad(slope);
        there.set_grad(slope.to(device));
        on_cpu.step();
        on_device.step();
        expect_near(here.detach(), there.detach(), 1e-5, "Muon");
    }
}

void averages(Device device) {
    for (const DType type : {DType::f32, DType::f64}) {
        const Tensor here = numbers({301}, type), there = here.to(device);
        optim::ExponentialMovingAverage on_cpu({here}, 0.9), on_device({there}, 0.9);
        here.copy_(2 * here);
        there.copy_(2 * there);
        on_cpu.update();
        on_device.update();
        expect_same_bits(on_cpu.averages()[0], on_device.averages()[0], "an average");
    }
}

void optimizers(Device device) {
    steps<optim::SGD>(device, optim::SGDOptions{.lr = 0.1}, "plain SGD");
    steps<optim::SGD>(
        device, optim::SGDOptions{.lr = 0.1, .momentum = 0.9, .weight_decay = 0.01, .nesterov = true}, "SGD");
    steps<optim::Adam>(device, optim::AdamOptions{.lr = 0.01, .weight_decay = 0.1}, "Adam");
    steps<optim::Adam>(device, optim::AdamOptions{.amsgrad = true, .maximize = true}, "AMSGrad");
    steps<optim::AdamW>(device, optim::AdamWOptions{}, "AdamW");
    steps<optim::Adamax>(device, optim::AdamaxOptions{}, "Adamax");
    steps<optim::NAdam>(device, optim::NAdamOptions{}, "NAdam");
    steps<optim::RAdam>(device, optim::RAdamOptions{}, "RAdam");
    steps<optim::Adagrad>(device, optim::AdagradOptions{}, "Adagrad");
    steps<optim::Adadelta>(device, optim::AdadeltaOptions{}, "Adadelta");
    for (const bool centered : {false, true})
        for (const double momentum : {0.0, 0.9})
            steps<optim::RMSprop>(device, optim::RMSpropOptions{.momentum = momentum, .centered = centered},
                                  "RMSprop");
    steps<optim::Rprop>(device, optim::RpropOptions{}, "Rprop");
    steps<optim::Lion>(device, optim::LionOptions{}, "Lion");
    steps_of_matrices(device);
    averages(device);
}

}  // namespace

void add_elements(std::vector<DeviceCase>& cases) {
    cases.insert(cases.end(), {{"DenseSizes", dense_sizes},
                               {"OffsetsAndStrides", offsets_and_strides},
                               {"Conversions", conversions},
                               {"Filling", filling},
                               {"SharedMathematics", shared_mathematics},
                               {"RandomNumbers", random_numbers},
                               {"Optimizers", optimizers}});
}

}  // namespace adjoint::device
