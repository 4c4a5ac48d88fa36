// Kernels that add up: reductions, products, rows, channels; a bound on the error, since their order differs.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include <adjoint/autograd/ops/arithmetic.h>
#include <adjoint/autograd/ops/batch_norm.h>
#include <adjoint/autograd/ops/cross_entropy.h>
#include <adjoint/autograd/ops/elementwise.h>
#include <adjoint/autograd/ops/indexed.h>
#include <adjoint/autograd/ops/linalg.h>
#include <adjoint/autograd/ops/loss.h>
#include <adjoint/autograd/ops/reduce.h>
#include <adjoint/autograd/ops/shape.h>
#include <adjoint/autograd/ops/softmax.h>
#include <adjoint/core/tensor/creation.h>

#include "device/cases.h"
#include "device/compare.h"

namespace adjoint::device {
namespace {

// Reductions
// -----------------------------------------------------------------------------

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
// -----------------------------------------------------------------------------

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

// Rows and channels
// -----------------------------------------------------------------------------

void rows_of_any_length(Device device) {
    for (const std::int64_t columns : {1, 10, 16, 17, 100, 1300})
        for (const std::int64_t rows : {1, 12, 70}) {
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
    for (const Shape& shape : {Shape{64, 70}, Shape{8, 3, 9, 9}, Shape{300, 2}, Shape{2, 5, 40, 50},
                               Shape{2, 40, 3}, Shape{3, 2, 64, 60}, Shape{9, 2, 31, 31}})
        for (const DType type : {DType::f32, DType::f64}) {
            const std::int64_t n = shape[1];
            const Tensors inputs{numbers(shape, type) + 3, numbers({n}, type), numbers({n}, type)};
            // The error of a plain sum grows with its length.
            const double terms = static_cast<double>(inputs[0].numel()) / static_cast<double>(n),
                         bound = std::max(2e-3, 4e-7 * terms) * (type == DType::f32 ? 1 : 5e-9);
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

}  // namespace

void add_sums(std::vector<DeviceCase>& cases) {
    cases.insert(cases.end(), {{"Sums", sums},
                               {"AccuracyOfALongSum", accuracy_of_a_long_sum},
                               {"Extremes", extremes},
                               {"Products", products},
                               {"RowsOfAnyLength", rows_of_any_length},
                               {"Channels", channels}});
}

}  // namespace adjoint::device
