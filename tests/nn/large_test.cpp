// Sizes that the CPU cuts into blocks and tasks: against other ways to the same numbers, and the same bits
// for any number of threads.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include <adjoint/adjoint.h>

#include "device/compare.h"

namespace adjoint {
namespace {

using device::numbers;
using Tensors = std::vector<Tensor>;

Tensors gradients(const Tensor& y, const Tensors& inputs) {
    return grad(Tensors{sum(y * cos(reshape(arange(y.numel()).to(y.dtype()), y.shape())))}, inputs);
}

void expect_close(const Tensors& a, const Tensors& b, double bound) {
    ASSERT_EQ(a.size(), b.size());
    for (std::size_t i = 0; i < a.size(); ++i)
        EXPECT_LE(amax(abs(a[i].detach() - b[i].detach())).item(), bound) << "result " << i;
}

// The heads of rows, as a layer of attention takes them apart.
Tensor heads(std::int64_t length, std::int64_t width, DType type) {
    return transpose(numbers({2, length, 3, width}, type), 1, 2).detach().set_requires_grad();
}

TEST(LargeAttention, IsTheProductOfItsWeightsAndTheValues) {
    for (const auto& [queries, keys] : {std::pair(300, 150), std::pair(64, 128), std::pair(65, 129)}) {
        const Tensor q = heads(queries, 20, f64), k = heads(keys, 20, f64), v = heads(keys, 37, f64);
        const Tensor open = numbers({2, 1, queries, keys}) > -0.5, padding = numbers({2, 1, 1, keys}) > 0,
                     added = numbers({3, queries, 1}, f64);
        const AttentionOptions all[] = {{},
                                        {.is_causal = true},
                                        {.is_causal = true, .past = 70},
                                        {.attn_mask = open},
                                        {.attn_mask = open, .is_causal = true},
                                        {.attn_mask = padding, .scale = -0.7},
                                        {.attn_mask = added, .is_causal = true, .past = 3},
                                        {.attn_mask = zeros({keys}, {.dtype = DType::boolean})}};
        for (const AttentionOptions& options : all) {
            const Tensor y = scaled_dot_product_attention(q, k, v, options),
                         expected = matmul(attention_weights(q, k, options), v);
            expect_close({y}, {expected}, 1e-13);
            expect_close(gradients(y, {q, k, v}), gradients(expected, {q, k, v}), 1e-12);
        }
    }
}

TEST(LargeAttention, WhatIsNotANumberStaysInItsRow) {
    std::vector<double> queries = numbers({4, 8}, f64).to_vector<double>();
    queries[10] = std::nan("");
    const Tensor q = tensor(queries, {4, 8}), k = numbers({200, 8}, f64),
                 y = scaled_dot_product_attention(q, k, k);
    const std::vector<double> values = y.to_vector<double>();
    for (std::size_t i = 0; i < values.size(); ++i) EXPECT_EQ(std::isnan(values[i]), i / 8 == 1) << i;
}

// A layer written out, from the formulas of the cells.
Tensor lstm_by_steps(const nn::LSTM& layer, const Tensor& x) {
    const nn::RecurrentWeights& w = layer.weights[0];
    const std::int64_t hidden = w.weight_hh.size(1);
    Tensor h = zeros({x.size(1), hidden}, {.dtype = x.dtype()}), c = h;
    Tensors all;
    for (const Tensor& step : unbind(x)) {
        const Tensors gate =
            split(linear(step, w.weight_ih, w.bias_ih) + linear(h, w.weight_hh, w.bias_hh), hidden, 1);
        c = sigmoid(gate[1]) * c + sigmoid(gate[0]) * tanh(gate[2]);
        h = sigmoid(gate[3]) * tanh(c);
        all.push_back(h);
    }
    return stack(all);
}

Tensor gru_by_steps(const nn::GRU& layer, const Tensor& x) {
    const nn::RecurrentWeights& w = layer.weights[0];
    const std::int64_t hidden = w.weight_hh.size(1);
    Tensor h = zeros({x.size(1), hidden}, {.dtype = x.dtype()});
    Tensors all;
    for (const Tensor& step : unbind(x)) {
        const Tensors a = split(linear(step, w.weight_ih, w.bias_ih), hidden, 1),
                      b = split(linear(h, w.weight_hh, w.bias_hh), hidden, 1);
        const Tensor keep = sigmoid(a[1] + b[1]), candidate = tanh(a[2] + sigmoid(a[0] + b[0]) * b[2]);
        h = (1 - keep) * candidate + keep * h;
        all.push_back(h);
    }
    return stack(all);
}

// Weights that stay in the cache and weights that do not; fewer samples than a task has, and more.
TEST(LargeRecurrent, LayersAreTheirSteps) {
    for (const std::int64_t hidden : {40, 170})
        for (const std::int64_t batch : {3, 21}) {
            const Tensor x = numbers({6, batch, 11}, f64).clone().set_requires_grad();
            const auto inputs = [&](const nn::Module& layer) {
                Tensors all = layer.parameters();
                all.push_back(x);
                return all;
            };
            const nn::LSTM lstm(11, hidden, {.dtype = f64});
            const Tensor y = lstm(x).output, expected = lstm_by_steps(lstm, x);
            expect_close({y}, {expected}, 1e-13);
            expect_close(gradients(y, inputs(lstm)), gradients(expected, inputs(lstm)), 1e-11);
            const nn::GRU gru(11, hidden, {.dtype = f64});
            const Tensor z = gru(x).output, expected_z = gru_by_steps(gru, x);
            expect_close({z}, {expected_z}, 1e-13);
            expect_close(gradients(z, inputs(gru)), gradients(expected_z, inputs(gru)), 1e-11);
        }
}

template <class T> void expect_sorted(std::vector<T> values) {
    const auto n = static_cast<std::int64_t>(values.size());
    for (const bool descending : {false, true}) {
        std::vector<std::int64_t> places(values.size());
        std::iota(places.begin(), places.end(), 0);
        const auto order = [](T x) { return std::pair(x != x, x != x ? T(0) : x); };
        std::stable_sort(places.begin(), places.end(), [&](std::int64_t a, std::int64_t b) {
            const auto x = order(values[static_cast<std::size_t>(a)]),
                       y = order(values[static_cast<std::size_t>(b)]);
            return descending ? y < x : x < y;
        });
        const ValuesIndices found = sort(tensor(values, {n}), 0, descending);
        EXPECT_EQ(found.indices.template to_vector<std::int64_t>(), places) << descending;
        EXPECT_TRUE(equal(isnan(found.values), isnan(index_select(tensor(values, {n}), 0, found.indices))));
    }
}

TEST(LargeSort, EqualsKeepTheirOrderAndNaNIsLast) {
    std::vector<float> few;
    std::vector<double> wide;
    std::vector<std::int64_t> whole;
    for (int i = 0; i < 3000; ++i) {
        const double x = std::sin(i * 0.7 + i * i);
        few.push_back(static_cast<float>(std::round(x * 20)));
        wide.push_back(x * std::pow(10, i % 600 - 300));
        whole.push_back(static_cast<std::int64_t>(x * 1e18) >> (i % 60));
    }
    for (int i = 0; i < 3000; i += 100) {
        few[static_cast<std::size_t>(i)] = -0.0F;
        few[static_cast<std::size_t>(i + 1)] = std::nanf("");
        few[static_cast<std::size_t>(i + 2)] = -std::numeric_limits<float>::infinity();
        wide[static_cast<std::size_t>(i)] = -std::nan("");
    }
    expect_sorted(few);
    expect_sorted(wide);
    expect_sorted(whole);
    expect_sorted(std::vector<float>(1000, 2.F));
}

TEST(LargeCopy, PermutedElementsAreWhereTheyWere) {
    for (const DType type : {f32, f64, DType::i32, DType::i64, f16})
        for (const Shape& shape : {Shape{70, 33}, Shape{3, 40, 17}, Shape{2, 19, 5, 67}}) {
            const Tensor x = arange(shape.numel()).to(type), whole = reshape(x, shape);
            for (int a = 0; a < shape.size(); ++a)
                for (int b = 0; b < a; ++b) {
                    const Tensor y = transpose(whole, a, b).contiguous();
                    EXPECT_TRUE(
                        equal(transpose(y, a, b).to(f64) - whole.to(f64), zeros(shape, {.dtype = f64})));
                    EXPECT_EQ(y.to(f64).to_vector<double>()[1],
                              whole.to(f64).to_vector<double>()[static_cast<std::size_t>(
                                  transpose(whole, a, b).strides().back())]);
                }
        }
}

// What is cut into tasks is cut by sizes alone; sixteen threads are more than most machines of a test have.
TEST(LargeThreads, AnyNumberGivesTheSameBits) {
    const Tensor q = heads(300, 24, f32), rows = numbers({700, 160}).clone().set_requires_grad(),
                 w = numbers({160}).clone().set_requires_grad(),
                 sequence = numbers({9, 40, 20}).clone().set_requires_grad(),
                 images = numbers({20, 70, 9, 9}).clone().set_requires_grad();
    manual_seed(3);
    const nn::LSTM lstm(20, 48);
    const nn::GRU large(20, 200);
    const nn::BatchNorm2d norm(70);
    const auto results = [&] {
        Tensors all;
        const auto add = [&](const Tensor& y, const Tensors& inputs) {
            all.push_back(y.detach());
            for (const Tensor& g : gradients(y, inputs)) all.push_back(g);
        };
        add(scaled_dot_product_attention(q, q, q, {.is_causal = true}), {q});
        add(layer_norm(rows, {160}, w, w), {rows, w});
        add(lstm(sequence).output, {sequence, lstm.parameters()[1]});
        add(large(sequence).output, {sequence, large.parameters()[1]});
        add(relu(norm(images)), {images, norm.parameters()[0]});
        add(cumsum(rows, 1), {rows});
        add(transpose(rows, 0, 1).contiguous(), {rows});
        all.push_back(sort(rows.detach()).values);
        return all;
    };
    const int before = num_threads();
    set_num_threads(1);
    const Tensors alone = results();
    for (const int threads : {2, 5, 16}) {
        set_num_threads(threads);
        const Tensors found = results();
        for (std::size_t i = 0; i < alone.size(); ++i)
            EXPECT_TRUE(equal(alone[i], found[i])) << threads << " threads, result " << i;
    }
    set_num_threads(before);
}

}  // namespace
}  // namespace adjoint
