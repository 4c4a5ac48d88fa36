// Kernels in which the place of an element counts: indexing, sorting, scans, windows.
#include <gtest/gtest.h>

#include <cmath>

#include <adjoint/autograd/ops/arithmetic.h>
#include <adjoint/autograd/ops/convolution.h>
#include <adjoint/autograd/ops/cross_entropy.h>
#include <adjoint/autograd/ops/elementwise.h>
#include <adjoint/autograd/ops/index.h>
#include <adjoint/autograd/ops/indexed.h>
#include <adjoint/autograd/ops/layer_norm.h>
#include <adjoint/autograd/ops/pooling.h>
#include <adjoint/autograd/ops/reduce.h>
#include <adjoint/autograd/ops/shape.h>
#include <adjoint/autograd/ops/sort.h>
#include <adjoint/core/base/error.h>
#include <adjoint/core/contract/backend.h>
#include <adjoint/core/tensor/creation.h>

#include "device/cases.h"
#include "device/compare.h"

namespace adjoint::device {
namespace {

// Indexing
// -----------------------------------------------------------------------------

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
    for (const auto& [what, function] : cases) {
        const auto& f = function;  // a lambda captures no structured binding
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

// Along a dimension
// -----------------------------------------------------------------------------

void scans(Device device) {
    for (const Shape& shape : {Shape{5000}, Shape{3, 1025}, Shape{70, 30}, Shape{2, 200, 5}, Shape{1}})
        for (const DType type : {DType::f32, DType::f64, DType::i64})
            for (int d = 0; d < static_cast<int>(shape.size()); ++d) {
                const std::string what =
                    std::string(name(type)) + " " + to_string(shape) + " along " + std::to_string(d);
                expect_near_with_gradients(device, {numbers(shape, type)}, type == DType::f32 ? 1e-5 : 1e-11,
                                           "cumsum " + what,
                                           [d](const Tensors& in) { return cumsum(in[0], d); });
                const Tensor near_one = is_floating(type) ? 1 + 0.01 * numbers(shape, type)
                                                          : numbers(shape, type).to(DType::boolean).to(type);
                expect_near_with_gradients(device, {near_one}, type == DType::f32 ? 1e-4 : 1e-10,
                                           "cumprod " + what,
                                           [d](const Tensors& in) { return cumprod(in[0], d); });
            }
}

void sorting(Device device) {
    for (const Shape& shape :
         {Shape{1}, Shape{127}, Shape{128}, Shape{129}, Shape{1000}, Shape{5, 300}, Shape{300, 5}})
        for (const DType type : {DType::f32, DType::f64, DType::i64})
            for (const bool descending : {false, true}) {
                // Rounded: many equal elements, whose order has to be kept; and NaN among them.
                Tensor x = round(numbers(shape, type == DType::i64 ? DType::f32 : type) * 2);
                if (type == DType::i64)
                    x = x.to(type);
                else
                    x = where(eq(x, 3.0), full({}, std::nan(""), {.dtype = type}), x);
                const std::string what = std::string(name(type)) + " " + to_string(shape);
                for (int d = 0; d < static_cast<int>(shape.size()); ++d) {
                    const auto order = [d, descending](const Tensors& in) {
                        return sort(in[0], d, descending);
                    };
                    expect_same_bits(device, {x}, what, [&](const Tensors& in) { return order(in).values; });
                    expect_same_bits(device, {x}, what, [&](const Tensors& in) { return order(in).indices; });
                }
            }
}

// Windows
// -----------------------------------------------------------------------------

void columns_of_windows(Device device) {
    const UnfoldOptions settings[] = {
        {}, {.dilation = {2, 1}, .padding = {2, 1}, .stride = {1, 3}}, {.padding = 2, .stride = 2}};
    for (const UnfoldOptions& options : settings) {
        const Tensor x = numbers({3, 2, 11, 9});
        expect_same_bits(device, {x}, "unfold", [&](const Tensors& in) {
            return unfold(in[0], {3, 2}, options);
        });
        const Tensor columns = numbers(unfold(x, {3, 2}, options).shape());
        expect_same_bits(device, {columns}, "fold", [&](const Tensors& in) {
            return fold(in[0], {11, 9}, {3, 2}, options);
        });
    }
}

void windows_over_nothing(Device device) {
    // Windows that see padding alone, planes of which there is none, planes without a window.
    for (const Shape& shape : {Shape{1, 1, 0, 0}, Shape{2, 1, 0, 3}, Shape{0, 2, 3, 3}, Shape{2, 0, 3, 3}})
        expect_near_with_gradients(device, {zeros(shape)}, 0, "unfold " + to_string(shape),
                                   [](const Tensors& in) {
                                       return unfold(in[0], {1, 1}, {.padding = {1, 1}});
                                   });
    for (const Shape& shape : {Shape{0, 2, 4, 4}, Shape{2, 0, 4, 4}}) {
        expect_same_bits(device, {zeros(shape)}, "max_pool2d " + to_string(shape),
                         [](const Tensors& in) { return max_pool2d(in[0], 2); });
        expect_same_bits(device, {zeros(shape)}, "avg_pool2d " + to_string(shape),
                         [](const Tensors& in) { return avg_pool2d(in[0], 2); });
    }
}

void pooling(Device device) {
    const Tensor x = round(numbers({3, 4, 13, 10}) * 2),
                 with_nan = where(eq(x, 3.0), full({}, std::nan("")), x);
    const MaxPool2dOptions largest[] = {
        {},
        {.stride = 1, .padding = 1},
        {.stride = {2, 1}, .padding = {1, 0}, .dilation = {2, 1}, .ceil_mode = true}};
    for (const MaxPool2dOptions& options : largest)
        for (const Tensor& in : {x, with_nan}) {
            expect_same_bits(device, {in}, "max_pool2d", [&](const Tensors& all) {
                return max_pool2d_with_indices(all[0], {3, 2}, options).values;
            });
            expect_same_bits(device, {in}, "its indices", [&](const Tensors& all) {
                return max_pool2d_with_indices(all[0], {3, 2}, options).indices;
            });
        }
    expect_near_with_gradients(device, {x}, 1e-6, "max_pool2d",
                               [&](const Tensors& all) { return max_pool2d(all[0], 3, largest[1]); });
    // Windows that do not overlap, with places that none of them sees between and behind them.
    for (const MaxPool2dOptions& apart : {MaxPool2dOptions{}, MaxPool2dOptions{.stride = {4, 3}}})
        for (const std::int64_t width : {1, 2})
            expect_near_with_gradients(device, {x}, 0, "max_pool2d of windows apart",
                                       [&](const Tensors& all) {
                                           return max_pool2d(all[0], {3, width}, apart);
                                       });
    const AvgPool2dOptions means[] = {{},
                                      {.stride = 2, .padding = 1, .ceil_mode = true},
                                      {.stride = {1, 2}, .padding = {1, 0}, .count_include_pad = false},
                                      {.divisor_override = 5}};
    for (const AvgPool2dOptions& options : means) {
        expect_same_bits(device, {x}, "avg_pool2d", [&](const Tensors& all) {
            return avg_pool2d(all[0], {3, 2}, options);
        });
        expect_near_with_gradients(device, {x}, 1e-6, "avg_pool2d", [&](const Tensors& all) {
            return avg_pool2d(all[0], {3, 2}, options);
        });
    }
}

void convolutions(Device device) {
    const Tensors inputs{numbers({5, 4, 12, 11}), numbers({6, 2, 3, 3}), numbers({6})};
    const Conv2dOptions settings[] = {{.groups = 2},
                                      {.stride = 2, .padding = 1, .groups = 2},
                                      {.padding = 2, .dilation = {2, 1}, .groups = 2}};
    for (const Conv2dOptions& options : settings)
        expect_near_with_gradients(device, inputs, 3e-5, "conv2d",
                                   [&](const Tensors& in) { return conv2d(in[0], in[1], in[2], options); });
}

void normalized_rows(Device device) {
    for (const std::int64_t columns : {5, 100, 1500})
        for (const DType type : {DType::f32, DType::f64})
            expect_near_with_gradients(
                device, {numbers({7, columns}, type) + 2, numbers({columns}, type), numbers({columns}, type)},
                type == DType::f32 ? 1e-4 : 1e-11, std::string("layer_norm ") + name(type),
                [columns](const Tensors& in) { return layer_norm(in[0], {columns}, in[1], in[2]); });
}

}  // namespace

void add_places(std::vector<DeviceCase>& cases) {
    cases.insert(cases.end(), {{"Gathering", gathering},
                               {"Scattering", scattering},
                               {"WrongIndices", wrong_indices},
                               {"Scans", scans},
                               {"Sorting", sorting},
                               {"ColumnsOfWindows", columns_of_windows},
                               {"WindowsOverNothing", windows_over_nothing},
                               {"Pooling", pooling},
                               {"Convolutions", convolutions},
                               {"NormalizedRows", normalized_rows}});
}

}  // namespace adjoint::device
