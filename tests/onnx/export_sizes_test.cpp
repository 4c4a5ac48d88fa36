// Sizes that a user of the file may choose: what follows them, and what would hold for one of them only.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "onnx/export/exported.h"

namespace adjoint::onnx {
namespace {

using One = std::function<Tensor(const Tensor&)>;

const ExportOptions of_n{.dynamic_axes = {{"x", {{0, "n"}}}}};

void expect_n_refused(const One& f, const Texts& parts, const Tensor& x = randn({4, 3})) {
    expect_refused([&](const auto& in) { return std::vector<Tensor>{f(in[0])}; }, {x}, parts, of_n);
}

// The file gives what the function gives, for each number of rows.
void expect_right(const One& f, const std::vector<std::int64_t>& sizes = {1, 2, 3, 7, 8, 50},
                  const Tensor& example = randn({4, 3})) {
    const Network network(to_model(f, {example}, of_n));
    for (const std::int64_t n : sizes) {
        Shape shape = example.shape();
        shape[0] = n;
        const Tensor x = randn(shape), expected = f(x), got = network(x);
        ASSERT_EQ(got.shape(), expected.shape()) << n;
        EXPECT_TRUE(allclose(got, expected, 1e-5, 1e-6, true)) << n;
    }
}

TEST(ExportSizes, NumbersThatAFewSizesShare) {
    expect_n_refused([](const Tensor& x) { return narrow(x, 0, 0, x.size(0) / 2); },
                     {"slice", "a size is 2, with n = 5: 2, with n = 101: 50, which is no dynamic axis"});
    expect_n_refused([](const Tensor& x) { return narrow(x, 0, 0, (x.size(0) + 1) / 2); }, {"slice"});
    expect_n_refused([](const Tensor& x) { return narrow(x, 0, 0, std::min<std::int64_t>(x.size(0), 40)); },
                     {"slice", "with n = 101: 40"});
    expect_n_refused([](const Tensor& x) { return x * (1.0 / static_cast<double>(x.size(0))); },
                     {"mul_scalar", "s is 0.25, with n = 5: 0.2"});
    expect_n_refused([](const Tensor& x) { return roll(x, {5}, {0}); }, {"roll"});
    expect_n_refused([](const Tensor& x) { return chunk(x, 2)[0]; }, {"chunk"});
}

TEST(ExportSizes, NumbersOfTheHost) {
    const auto by_row = [](auto number) {
        return [=](const Tensor& x) {
            std::vector<float> numbers;
            for (std::int64_t i = 0; i < x.size(0); ++i) numbers.push_back(static_cast<float>(number(i)));
            return x * tensor(numbers, {x.size(0), 1});
        };
    };
    for (const auto& f : {One(by_row([](std::int64_t i) { return i % 4; })),
                          One(by_row([](std::int64_t i) { return i % 16 == 15 ? 1 : 0; })),
                          One(by_row([](std::int64_t i) { return i * i; }))})
        expect_n_refused(f, {"mul: it takes a tensor of shape (4, 1), with n = ", "that no function made"});
    const auto mask = [](const Tensor& x) {
        std::vector<bool> first;
        for (std::int64_t i = 0; i < x.size(0) * 3; ++i) first.push_back(i % 3 == 0);
        return masked_fill(x, tensor(first, {x.size(0), 3}), 0);
    };
    expect_n_refused(mask, {"where", "(4, 3)", "that no function made"});
}

TEST(ExportSizes, PlacesBeyondTheEndAndBeforeIt) {
    expect_right([](const Tensor& x) { return slice(x, 0, 0, 10); });
    expect_right([](const Tensor& x) { return slice(x, 0, 1, 20, 7); });
    expect_right([](const Tensor& x) { return slice(x, 0, -5, -1); });
    expect_right([](const Tensor& x) { return x(slice(-3, to_end)); });
    expect_right([](const Tensor& x) { return select(x, 0, -1); });
    expect_right([](const Tensor& x) { return narrow(x, 0, 1, x.size(0) - 2); }, {2, 3, 8});
}

TEST(ExportSizes, NumbersThatFollow) {
    expect_right([](const Tensor& x) { return x / static_cast<double>(x.size(0) * 3); });
    expect_right([](const Tensor& x) { return std(x, 0); });
    expect_right([](const Tensor& x) { return var(x, {0}, true, {.unbiased = false}); });
    expect_right([](const Tensor& x) { return flip(x, {0, 1}); });
    expect_right([](const Tensor& x) { return roll(x, {1}, {0}); });
    expect_right([](const Tensor& x) { return x * unsqueeze(arange(x.size(0)) + 1, 1); });
    expect_right([](const Tensor& x) { return x * unsqueeze(flip(arange(x.size(0)), {0}), 1); });
    expect_right([](const Tensor& x) { return triu(matmul(x, t(x))); });
    expect_right([](const Tensor& x) { return reshape(cat({x, x}, 0), {2, x.size(0), 3}); });
}

TEST(ExportSizes, OneIsASizeAsOthers) {
    // An example of one sample is no sign of what broadcasts.
    const Tensor bias = randn({1, 3});
    for (const auto& f :
         {One([&](const Tensor& x) { return x + bias; }),
          One([&](const Tensor& x) { return x - mean(x, 0, true); }), One([&](const Tensor& x) {
              return expand(sum(x, 0, true), {x.size(0), 3});
          })})
        expect_right(f, {1, 2, 7}, randn({1, 3}));
    const Model model = to_model([](const Tensor& x, const Tensor& row) { return x * row; },
                                 {randn({1, 3}), randn({1, 3})}, {.dynamic_axes = {{"x_0", {{0, "n"}}}}});
    EXPECT_EQ(model.graph.inputs[1].type.shape->at(0).size, 1);
    EXPECT_EQ(Network(model)({ones({5, 3}), ones({1, 3})})[0].shape(), Shape({5, 3}));
    // What only one sample has.
    expect_n_refused([](const Tensor& x) { return squeeze(x); }, {"with n = 1", "f32 (1, 3)", "f32 (3,)"},
                     randn({4, 1, 3}));
    expect_n_refused([](const Tensor& x) { return x.size(0) == 1 ? x * 2 : x * 3; },
                     {"with n = 1, output 0", "up to "});
    expect_n_refused([](const Tensor& x) { return x.size(0) > 50 ? exp(x) : log(x); },
                     {"log and, with n = 101, exp"});
}

TEST(ExportSizes, AModelThatDoesNotRunWithEverySize) {
    const Tensor table = randn({12, 3});
    const auto f = [&](const Tensor& x) { return x + narrow(table, 0, 0, x.size(0)); };
    expect_right(f, {1, 5, 12});
    const auto even = [](const Tensor& x) { return reshape(x, {-1, 2, 3}); };
    expect_n_refused(even, {"the model does not run with n = 5", "reshape"});
    ExportOptions options = of_n;
    options.other_inputs = {randn({6, 3})};
    EXPECT_EQ(Network(to_model(even, {randn({4, 3})}, options))(ones({8, 3})).shape(), Shape({4, 2, 3}));
}

TEST(ExportSizes, OtherInputsThatShowNothing) {
    const ListFunction f = [](const std::vector<Tensor>& in) { return std::vector<Tensor>{in[0] * 2}; };
    const auto expect_other_refused = [&](const Tensor& other, const Texts& parts, int axes = 1) {
        ExportOptions options;
        if (axes > 0) options.dynamic_axes = {{"x", {{0, "n"}}}};
        if (axes > 1) options.dynamic_axes["x"][1] = "n";
        options.other_inputs = {other};
        expect_refused(f, {ones({3, 3})}, parts, options);
    };
    expect_other_refused(zeros({3, 3}), {"the dynamic size n is 3", "shows nothing"});
    expect_other_refused(zeros({5, 4}), {"(5, 4)", "axis 1 is not dynamic"});
    expect_other_refused(zeros({5, 4}), {"the dynamic size n is 5 and 4"}, 2);
    expect_other_refused(zeros({5, 3}).to(i64), {"type"});
    expect_other_refused(ones({3, 3}), {"the inputs once more"}, 0);
    expect_refused(f, {ones({3, 3})}, {"2 other_inputs, expected 1"},
                   {.other_inputs = {ones({1}), ones({1})}});
}

TEST(ExportSizes, TwoSizesThatMoveApart) {
    const ExportOptions options{.dynamic_axes = {{"x_0", {{0, "n"}}}, {"x_1", {{0, "m"}}}}};
    const auto f = [](const Tensor& a, const Tensor& b) {
        const Tensor both = matmul(a, t(b));
        return reshape(both, {1, a.size(0), b.size(0)}) * static_cast<double>(a.size(0)) + zeros({b.size(0)});
    };
    const Network network(to_model(f, {randn({4, 3}), randn({4, 3})}, options));
    for (const auto& [n, m] : {std::pair{1, 5}, {5, 1}, {3, 3}, {2, 9}}) {
        const Tensor a = randn({n, 3}), b = randn({m, 3});
        EXPECT_TRUE(allclose(network({a, b})[0], f(a, b), 1e-5, 1e-6));
    }
}

TEST(ExportSizes, PoolsOverTheWholePlane) {
    const ExportOptions options{.dynamic_axes = {{"x", {{2, "h"}, {3, "w"}}}}};
    const auto check = [&](const One& f, const char* op) {
        const Model model = to_model(f, {randn({2, 3, 6, 8})}, options);
        EXPECT_EQ(operators(model), Texts{op});
        const Tensor x = randn({2, 3, 5, 9});
        EXPECT_TRUE(allclose(Network(model)(x), f(x), 1e-5, 1e-6));
    };
    check([](const Tensor& x) { return adaptive_avg_pool2d(x, 1); }, "GlobalAveragePool");
    check([](const Tensor& x) { return max_pool2d(x, {x.size(2), x.size(3)}); }, "GlobalMaxPool");
    expect_refused([](const auto& in) { return std::vector<Tensor>{adaptive_avg_pool2d(in[0], 2)}; },
                   {randn({2, 3, 6, 8})}, {"adaptive_avg_pool2d"}, options);
}

TEST(ExportSizes, ARefusalNamesWhatWasCalled) {
    const ExportOptions options{.dynamic_axes = {{"x", {{2, "h"}}}}};
    const auto refused = [&](const One& f, const Texts& parts) {
        expect_refused([&](const auto& in) { return std::vector<Tensor>{f(in[0])}; }, {randn({2, 3, 6, 8})},
                       parts, options);
    };
    refused([](const Tensor& x) { return interpolate(x, {.scale_factor = 2}); },
            {"index_select, a part of interpolate", "(12,)", "no function made"});
    refused([](const Tensor& x) { return pad(x, {0, 0, 1, 1}, PadMode::reflect); }, {"a part of pad"});
    refused([](const Tensor& x) { return diag(x(0, 0, all, 0)); }, {"a part of diag"});
}

}  // namespace
}  // namespace adjoint::onnx
