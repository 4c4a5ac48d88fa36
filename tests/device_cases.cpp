// Kernels against the CPU: bits where both take the same steps, a bound on the error where sums have another
// order.
#include "device_cases.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>

#include <adjoint/autograd/arithmetic.h>
#include <adjoint/autograd/elementwise.h>
#include <adjoint/autograd/engine.h>
#include <adjoint/autograd/index.h>
#include <adjoint/autograd/linalg.h>
#include <adjoint/autograd/loss.h>
#include <adjoint/autograd/norm.h>
#include <adjoint/autograd/reduce.h>
#include <adjoint/autograd/shape.h>
#include <adjoint/autograd/softmax.h>
#include <adjoint/core/backend.h>
#include <adjoint/core/creation.h>
#include <adjoint/core/error.h>
#include <adjoint/optim/adam.h>
#include <adjoint/optim/sgd.h>

namespace adjoint {
namespace {

using Tensors = std::vector<Tensor>;
using Calculation = std::function<Tensor(const Tensors&)>;

constexpr double infinity = std::numeric_limits<double>::infinity();

void expect_same_bits(const Tensor& here, const Tensor& there, const std::string& what) {
    const Tensor a = here.contiguous(), b = there.to(Device::cpu()).contiguous();
    ASSERT_EQ(to_string(a.shape()), to_string(b.shape())) << what;
    ASSERT_EQ(a.dtype(), b.dtype()) << what;
    const auto* x = static_cast<const unsigned char*>(static_cast<const void*>(a.impl().data));
    const auto* y = static_cast<const unsigned char*>(static_cast<const void*>(b.impl().data));
    const std::size_t bytes = size_of(a.dtype());
    const std::vector<double> left = a.to_vector<double>(), right = b.to_vector<double>();
    for (std::size_t i = 0; i < static_cast<std::size_t>(a.numel()); ++i) {
        if (std::isnan(left[i]) && std::isnan(right[i])) continue;  // of any sign and payload
        ASSERT_EQ(std::memcmp(x + i * bytes, y + i * bytes, bytes), 0)
            << what << ": element " << i << ": " << left[i] << " on the CPU, " << right[i];
    }
}

// |a - b| <= bound max(1, |a|) everywhere.
void expect_near(const Tensor& here, const Tensor& there, double bound, const std::string& what) {
    ASSERT_EQ(to_string(here.shape()), to_string(there.shape())) << what;
    ASSERT_EQ(here.dtype(), there.dtype()) << what;
    const std::vector<double> a = here.to_vector<double>(), b = there.to_vector<double>();
    for (std::size_t i = 0; i < a.size(); ++i) {
        if (std::isnan(a[i]) && std::isnan(b[i])) continue;
        ASSERT_LE(std::abs(a[i] - b[i]), bound * std::max(1.0, std::abs(a[i])))
            << what << ": element " << i << ": " << a[i] << " on the CPU, " << b[i];
    }
}

Tensor moved(const Tensor& x, Device device) { return x.defined() ? x.detach().to(device) : x; }

Tensors moved(const Tensors& all, Device device) {
    Tensors out;
    for (const Tensor& x : all) out.push_back(moved(x, device));
    return out;
}

void expect_same_bits(Device device, const Tensors& inputs, const std::string& what, const Calculation& f) {
    expect_same_bits(f(inputs), f(moved(inputs, device)), what);
}

Tensor numbers(const Shape& shape, DType type = DType::f32) {
    return is_floating(type)
               ? randn(shape, {.dtype = DType::f32}).to(type)
               : randint(type == DType::u8 || type == DType::boolean ? 0 : -9, 10, shape).to(type);
}

constexpr DType every_type[] = {DType::f16, DType::bf16, DType::f32, DType::f64,
                                DType::u8,  DType::i32,  DType::i64, DType::boolean};

// Elementwise
// ------------------------------------------------------------------------------------------------------

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

// The functions of core/math.h that are our own give the same bits everywhere.
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

// Reductions
// -------------------------------------------------------------------------------------------------------

void sums(Device device) {
    const std::pair<Shape, Dims> cases[] = {
        {{1}, {}},
        {{15}, {}},
        {{16}, {}},
        {{5000}, {}},
        {{200000}, {}},
        {{300, 7}, 1},
        {{300, 7}, 0},
        {{3, 1000}, 1},
        {{1000, 3}, 0},
        {{4000, 70}, 0},
        {{70, 4000}, 1},
        {{9, 40, 30}, 1},
        {{9, 40, 30}, {0, 2}},
        {{17, 500, 9}, {0, 1}},
    };
    for (const auto& [shape, dims] : cases)
        for (const DType type : {DType::f32, DType::f64, DType::f16}) {
            const Tensor x = numbers(shape, type);
            const std::string what = std::string(name(type)) + " " + to_string(shape);
            const Tensor exact = sum(x.to(DType::f64), dims), size = sum(abs(x.to(DType::f64)), dims);
            const Tensor got = sum(x.to(device), dims).to(Device::cpu()).to(DType::f64);
            // Some tens of roundings between an element and its sum; f16 rounds the result once.
            const double unit = type == DType::f64 ? 0x1p-53 : 0x1p-24;
            const double own = type == DType::f16 ? 0x1p-11 : unit;
            const std::vector<double> a = exact.to_vector<double>(), b = got.to_vector<double>(),
                                      s = size.to_vector<double>();
            for (std::size_t i = 0; i < a.size(); ++i)
                ASSERT_LE(std::abs(a[i] - b[i]), 30 * unit * s[i] + own * std::abs(a[i])) << what;
        }
    expect_same_bits(device, {numbers({300, 100}, DType::i64)}, "i64",
                     [](const Tensors& x) { return sum(x[0], 0); });
    expect_same_bits(device, {numbers({300, 100}, DType::boolean)}, "bool",
                     [](const Tensors& x) { return sum(x[0], 1); });
    expect_same_bits(device, {empty({0, 5})}, "nothing", [](const Tensors& x) { return sum(x[0], 0); });
}

void accuracy_of_a_long_sum(Device device) {
    // One after the other, a million times 0.1 loses three digits in f32.
    const Tensor x = full({1000000}, 0.1, {.device = device});
    EXPECT_NEAR(sum(x).item<double>(), 1e6 * static_cast<double>(0.1f), 0.1);
    expect_same_bits(sum(x), sum(x), "the same bits twice");
}

void extremes(Device device) {
    for (const Shape& shape : {Shape{7, 3000}, Shape{3000, 7}, Shape{12, 9}, Shape{1, 70000}}) {
        const Tensor x = numbers(shape);
        for (int d = 0; d < 2; ++d) {
            const std::string what = to_string(shape) + " along " + std::to_string(d);
            expect_same_bits(device, {x}, what, [d](const Tensors& in) { return amax(in[0], d); });
            expect_same_bits(device, {x}, what, [d](const Tensors& in) { return amin(in[0], d); });
            expect_same_bits(device, {x}, what, [d](const Tensors& in) { return argmax(in[0], d); });
            expect_same_bits(device, {x}, what, [d](const Tensors& in) { return argmin(in[0], d); });
            // Ties: the lowest index.
            expect_same_bits(device, {round(x)}, what, [d](const Tensors& in) { return argmax(in[0], d); });
            expect_same_bits(device, {round(x).to(DType::i64)}, what,
                             [d](const Tensors& in) { return argmin(in[0], d); });
            Tensor with_nan = x.clone();
            with_nan = where(gt(x, 2.0), full({}, std::nan("")), x);
            expect_same_bits(device, {with_nan}, what, [d](const Tensors& in) { return argmax(in[0], d); });
            expect_same_bits(device, {with_nan}, what, [d](const Tensors& in) { return amin(in[0], d); });
        }
    }
}

// Products
// -------------------------------------------------------------------------------------------------------

void products(Device device) {
    struct Size {
        std::int64_t m, n, k;
    };
    for (const auto& [m, n, k] : {Size{1, 1, 1}, Size{33, 65, 17}, Size{130, 140, 70}, Size{5, 300, 40},
                                  Size{70, 3, 200}, Size{40, 40, 0}})
        for (const DType type :
             {DType::f32, DType::f64, DType::f16, DType::bf16, DType::i64, DType::i32, DType::u8}) {
            const std::string what = std::string(name(type)) + " " + to_string(Shape{m, n, k});
            const bool exact = !is_floating(type);
            if (m * n > 10000 && size_of(type) < 4) continue;
            const double bound = type == DType::f64 ? 1e-12 : (type == DType::f32 ? 2e-4 : 0.5);
            const Tensor a = numbers({m, k}, type), b = numbers({k, n}, type);
            const Tensor a_turned = t(numbers({k, m}, type)), b_turned = t(numbers({n, k}, type));
            const Tensor a_wide = slice(numbers({m, 2 * k}, type), 1, 0, 2 * k, 2);
            for (const auto& [x, y] :
                 {std::pair{a, b}, {a_turned, b}, {a, b_turned}, {a_turned, b_turned}, {a_wide, b}}) {
                const Tensor here = matmul(x, y), there = matmul(x.to(device), y.to(device));
                exact ? expect_same_bits(here, there, what) : expect_near(here, there, bound, what);
            }
            if (!exact) {
                const Tensor w = numbers({n, k}, type), bias = numbers({n}, type);
                expect_near(linear(a, w, bias), linear(a.to(device), w.to(device), bias.to(device)), bound,
                            what);
            }
        }
    const Tensor a = numbers({3, 1, 40, 20}), b = numbers({2, 20, 50});
    expect_near(matmul(a, b), matmul(a.to(device), b.to(device)), 1e-4, "broadcast batch");
    const Tensor c = numbers({70, 5, 4}), d = numbers({70, 4, 6});
    expect_near(bmm(c, d), bmm(c.to(device), d.to(device)), 1e-5, "many small ones");
}

// Indexing
// ------------------------------------------------------------------------------------------------------

void gathering(Device device) {
    for (const DType type : every_type) {
        const Tensor x = numbers({50, 33}, type), index = randint(-50, 50, {700});
        expect_same_bits(device, {x, index}, name(type),
                         [](const Tensors& in) { return index_select(in[0], 0, in[1]); });
        const Tensor places = randint(0, 33, {50, 20});
        expect_same_bits(device, {x, places}, name(type),
                         [](const Tensors& in) { return gather(in[0], 1, in[1]); });
        expect_same_bits(device, {x, places}, name(type),
                         [](const Tensors& in) { return gather(t(in[0]), 0, t(in[1])); });
    }
}

void scattering(Device device) {
    // Many elements meet at a place; their order decides the bits of the sum.
    for (const DType type : {DType::f32, DType::f16, DType::i64, DType::boolean}) {
        const Tensor x = numbers({10, 60}, type), index = randint(0, 10, {500});
        const Tensor source = numbers({500, 60}, type);
        expect_same_bits(device, {x, index, source}, name(type),
                         [](const Tensors& in) { return index_add(in[0], 0, in[1], in[2]); });
        const Tensor line = numbers({40}, type), places = randint(0, 40, {3000}),
                     values = numbers({3000}, type);
        expect_same_bits(device, {line, places, values}, name(type),
                         [](const Tensors& in) { return scatter_add(in[0], 0, in[1], in[2]); });
        expect_same_bits(device, {line, places, values}, name(type), [](const Tensors& in) {
            Tensor out = in[0].clone();
            out(in[1]) = in[2];  // the last write wins
            return out;
        });
    }
}

std::string message_of(const std::function<void()>& f) {
    try {
        f();
    } catch (const IndexError& error) {
        return error.what();
    }
    return "no IndexError";
}

void wrong_indices(Device device) {
    const std::pair<const char*, Calculation> cases[] = {
        {"select", [](const Tensors& x) { return index_select(x[0], 0, x[1]); }},
        {"add", [](const Tensors& x) { return index_add(x[0], 0, x[1], x[2]); }},
        {"labels", [](const Tensors& x) { return cross_entropy(x[2], x[1]); }},
    };
    const Tensors inputs{numbers({5, 4}), tensor({1, 2, 7}, {.dtype = DType::i64}), numbers({3, 4})};
    for (const auto& [what, f] : cases) {
        const Tensors there = moved(inputs, device);
        const std::string expected = message_of([&] { f(inputs); });
        EXPECT_NE(expected, "no IndexError") << what;
        EXPECT_EQ(message_of([&] {
                      f(there);
                      backend(device).synchronize();
                  }),
                  expected)
            << what;
        backend(device).synchronize();  // it is told once
        expect_same_bits(inputs[0], there[0], "the operand is untouched");
    }
}

// Random numbers
// -------------------------------------------------------------------------------------------------

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

// Rows and channels
// ----------------------------------------------------------------------------------------------

// The value and the gradients of f at the inputs, one after the other.
Tensors with_gradients(const Tensors& inputs, const Calculation& f) {
    Tensors leaves, wanted;
    for (const Tensor& x : inputs) {
        leaves.push_back(x);
        if (x.defined() && is_floating(x.dtype()))
            wanted.push_back(leaves.back() = x.detach().set_requires_grad());
    }
    const Tensor y = f(leaves);
    const Tensor weights =
        reshape(arange(y.numel()).to(y.dtype()).to(y.device()) / static_cast<double>(y.numel()), y.shape());
    const GradOptions options{.grad_outputs = {cos(weights)}, .allow_unused = true};
    Tensors all = grad(Tensors{y}, wanted, options);
    all.push_back(y.detach());
    return all;
}

void expect_near_with_gradients(Device device, const Tensors& inputs, double bound, const std::string& what,
                                const Calculation& f) {
    const Tensors here = with_gradients(inputs, f), there = with_gradients(moved(inputs, device), f);
    for (std::size_t i = 0; i < here.size(); ++i) {
        ASSERT_EQ(here[i].defined(), there[i].defined()) << what;
        if (here[i].defined()) expect_near(here[i], there[i], bound, what + ", result " + std::to_string(i));
    }
}

void rows_of_any_length(Device device) {
    for (const std::int64_t columns : {1, 10, 16, 17, 100, 1300})
        for (const std::int64_t rows : {1, 70}) {
            const std::string what = std::to_string(rows) + " x " + std::to_string(columns);
            const Tensor x = numbers({rows, columns}) * 4;
            expect_near_with_gradients(device, {x}, 3e-6, "softmax " + what,
                                       [](const Tensors& in) { return softmax(in[0], 1); });
            expect_near_with_gradients(device, {x}, 2e-5, "log_softmax " + what,
                                       [](const Tensors& in) { return log_softmax(in[0], 1); });
            Tensor labels = randint(0, columns, {rows});
            labels(0) = static_cast<std::int64_t>(-100);
            for (const Reduction reduction : {Reduction::none, Reduction::sum, Reduction::mean})
                expect_near_with_gradients(device, {x, labels}, 2e-4, "cross_entropy " + what,
                                           [reduction](const Tensors& in) {
                                               return cross_entropy(in[0], in[1], {.reduction = reduction});
                                           });
        }
    const Tensor far = tensor(
        {{1000, -1000, 0}, {-infinity, 0, 1}, {std::nan(""), 0, 1}, {-infinity, -infinity, -infinity}});
    expect_same_bits(device, {far}, "far values", [](const Tensors& in) { return softmax(in[0], 1); });
}

void channels(Device device) {
    for (const Shape& shape :
         {Shape{64, 70}, Shape{8, 3, 9, 9}, Shape{300, 2}, Shape{2, 5, 40, 50}, Shape{2, 40, 3}})
        for (const DType type : {DType::f32, DType::f64}) {
            const std::int64_t n = shape[1];
            const Tensors inputs{numbers(shape, type) + 3, numbers({n}, type), numbers({n}, type)};
            const double bound = type == DType::f32 ? 2e-3 : 1e-11;
            const std::string what = std::string(name(type)) + " " + to_string(shape);
            expect_near_with_gradients(device, inputs, bound, what, [](const Tensors& in) {
                return batch_norm(in[0], {}, {}, in[1], in[2], {.training = true});
            });
            const Tensors here{zeros({n}, {.dtype = type}), ones({n}, {.dtype = type})},
                there = moved(here, device);
            batch_norm(inputs[0], here[0], here[1], inputs[1], inputs[2], {.training = true});
            batch_norm(inputs[0].to(device), there[0], there[1], inputs[1].to(device), inputs[2].to(device),
                       {.training = true});
            for (std::size_t i = 0; i < 2; ++i)
                expect_near(here[i], there[i], type == DType::f32 ? 1e-5 : 1e-13, what + ", running");
            expect_near(batch_norm(inputs[0], here[0], here[1], inputs[1], inputs[2], {.training = false}),
                        batch_norm(inputs[0].to(device), there[0], there[1], inputs[1].to(device),
                                   inputs[2].to(device), {.training = false}),
                        type == DType::f32 ? 1e-4 : 1e-11, what + ", evaluation");
        }
}

// Optimizers
// ----------------------------------------------------------------------------------------------------

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

void optimizers(Device device) {
    steps<optim::SGD>(device, optim::SGDOptions{.lr = 0.1}, "plain SGD");
    steps<optim::SGD>(
        device, optim::SGDOptions{.lr = 0.1, .momentum = 0.9, .weight_decay = 0.01, .nesterov = true}, "SGD");
    steps<optim::Adam>(device, optim::AdamOptions{.lr = 0.01, .weight_decay = 0.1}, "Adam");
    steps<optim::Adam>(device, optim::AdamOptions{.amsgrad = true, .maximize = true}, "AMSGrad");
    steps<optim::AdamW>(device, optim::AdamWOptions{}, "AdamW");
}

}  // namespace

const std::vector<DeviceCase>& device_cases() {
    static const std::vector<DeviceCase> cases = {
        {"DenseSizes", dense_sizes},
        {"OffsetsAndStrides", offsets_and_strides},
        {"Conversions", conversions},
        {"Filling", filling},
        {"SharedMathematics", shared_mathematics},
        {"Sums", sums},
        {"AccuracyOfALongSum", accuracy_of_a_long_sum},
        {"Extremes", extremes},
        {"Products", products},
        {"Gathering", gathering},
        {"Scattering", scattering},
        {"WrongIndices", wrong_indices},
        {"RandomNumbers", random_numbers},
        {"RowsOfAnyLength", rows_of_any_length},
        {"Channels", channels},
        {"Optimizers", optimizers},
    };
    return cases;
}

}  // namespace adjoint
