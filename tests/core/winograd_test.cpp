// Winograd's convolutions in f32 against the plain sums in f64, and their rounding errors against those of
// the plain sums in f32.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include <adjoint/core/base/parallel.h>
#include <adjoint/core/contract/backend.h>
#include <adjoint/cpu/winograd.h>

namespace adjoint {
namespace {

Convolution geometry(std::int64_t batch, std::int64_t channels, std::int64_t filters, std::int64_t height,
                     std::int64_t width, std::int64_t padding, std::int64_t groups = 1) {
    return {.windows = {.batch = batch,
                        .channels = channels,
                        .size = {height, width},
                        .kernel = {3, 3},
                        .padding = {padding, padding},
                        .output = {height + 2 * padding - 2, width + 2 * padding - 2}},
            .filters = filters,
            .groups = groups};
}

template <class T> struct Operands { std::vector<T> x, w, g, bias; };

template <class T> std::vector<T> converted(const std::vector<float>& from) {
    return {from.begin(), from.end()};
}

Operands<float> operands_of(const Convolution& c, unsigned seed) {
    std::mt19937 random(seed);
    const auto numbers = [&](std::int64_t count) {
        std::normal_distribution<float> normal;
        std::vector<float> out(static_cast<std::size_t>(count));
        for (float& value : out) value = normal(random);
        return out;
    };
    return {numbers(c.windows.batch * c.windows.channels * c.windows.plane()), numbers(c.filters * c.depth()),
            numbers(c.windows.batch * c.filters * c.windows.outputs()), numbers(c.filters)};
}

template <class T> struct Results { std::vector<T> y, y_finished, y_activated, sums, dx, dw; };

// With `plain` those of the composition of unfold, matmul and fold.
template <class T> Results<T> results_of(Convolution c, const Operands<T>& in, bool plain) {
    c.windows.dtype = dtype_of<T>;
    Results<T> out{std::vector<T>(in.g.size()), std::vector<T>(in.g.size()), std::vector<T>(in.g.size()),
                   std::vector<T>(in.g.size()), std::vector<T>(in.x.size()), std::vector<T>(in.w.size())};
    const auto run = [&](const auto& call) {
        if (plain)
            compose(cpu_backend(), call);
        else
            cpu_backend().run(call);
    };
    run(call::Convolve{out.y.data(), in.x.data(), in.w.data(), c, {}});
    run(call::Convolve{out.y_finished.data(),
                       in.x.data(),
                       in.w.data(),
                       c,
                       {.bias = in.bias.data(), .activation = Activation::relu}});
    run(call::Convolve{out.y_activated.data(),
                       in.x.data(),
                       in.w.data(),
                       c,
                       {in.bias.data(), Activation::silu, out.sums.data()}});
    run(call::ConvolveInput{out.dx.data(), in.g.data(), in.w.data(), c});
    run(call::ConvolveWeight{out.dw.data(), in.x.data(), in.g.data(), c});
    return out;
}

struct Error {
    double largest = 0, mean_square = 0;  // of all results, in units of the largest result
};

Error error_of(const std::vector<float>& got, const std::vector<double>& expected) {
    double scale = 0;
    for (const double value : expected) scale = std::max(scale, std::fabs(value));
    Error error;
    for (std::size_t i = 0; i < got.size(); ++i) {
        const double difference = (static_cast<double>(got[i]) - expected[i]) / scale;
        // A NaN is no small error.
        error.largest = std::fabs(difference) <= error.largest ? error.largest : std::fabs(difference);
        error.mean_square += difference * difference / static_cast<double>(got.size());
    }
    return error;
}

void expect_near(const std::vector<float>& got, const std::vector<double>& expected,
                 const std::string& what) {
    EXPECT_LE(error_of(got, expected).largest, 4e-6) << what;
}

const std::vector<Convolution>& geometries() {
    static const std::vector<Convolution> all{
        geometry(32, 32, 32, 4, 6, 1),       // a tile and a half
        geometry(9, 32, 64, 26, 26, 0),      // whole tiles
        geometry(3, 30, 47, 25, 31, 1),      // lanes and tiles that are not full
        geometry(2, 64, 16, 24, 25, 2),      // the input's gradient has no padding
        geometry(2, 48, 31, 27, 21, 3),      // the input's gradient is cropped
        geometry(1, 16, 16, 10, 800, 1),     // rows of tiles in parts
        geometry(40, 16, 96, 12, 12, 0),     // several panels of filters
        geometry(5, 60, 100, 16, 23, 1, 2),  // groups
        geometry(1, 160, 150, 22, 22, 1),    // the panels of a block shared out
    };
    return all;
}

TEST(Winograd, AgreesWithThePlainSums) {
    for (const Convolution& c : geometries()) {
        ASSERT_TRUE(cpu::winograd_pays(c));
        SCOPED_TRACE(std::to_string(c.windows.channels) + " channels, " + std::to_string(c.filters) +
                     " filters, " + std::to_string(c.windows.size[0]) + " x " +
                     std::to_string(c.windows.size[1]));
        const Operands<float> in = operands_of(c, 11);
        const Results<float> got = results_of(c, in, false), plain = results_of(c, in, true);
        const Results<double> expected =
            results_of<double>(c,
                               {converted<double>(in.x), converted<double>(in.w), converted<double>(in.g),
                                converted<double>(in.bias)},
                               true);
        expect_near(got.y, expected.y, "y");
        expect_near(got.y_finished, expected.y_finished, "y with bias and relu");
        expect_near(got.y_activated, expected.y_activated, "y with bias and silu");
        expect_near(got.sums, expected.sums, "y with bias, before silu");
        expect_near(got.dx, expected.dx, "dx");
        expect_near(got.dw, expected.dw, "dw");
        // Of the plain results only y is one sum of all terms.
        EXPECT_LE(error_of(got.y, expected.y).mean_square, 4 * 4 * error_of(plain.y, expected.y).mean_square);
    }
}

bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
    return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

TEST(Winograd, ThreadsDoNotChangeBits) {
    const int before = num_threads();
    for (const Convolution& c : geometries()) {
        const Operands<float> in = operands_of(c, 12);
        set_num_threads(1);
        const Results<float> alone = results_of(c, in, false);
        for (const int threads : {2, 5}) {
            set_num_threads(threads);
            const Results<float> together = results_of(c, in, false);
            EXPECT_TRUE(same_bits(alone.y, together.y));
            EXPECT_TRUE(same_bits(alone.dx, together.dx));
            EXPECT_TRUE(same_bits(alone.dw, together.dw));
        }
    }
    set_num_threads(before);
}

TEST(Winograd, EqualSamplesHaveTheSameBits) {
    const Convolution c = geometry(13, 32, 40, 14, 18, 1);
    ASSERT_TRUE(cpu::winograd_pays(c));
    Operands<float> in = operands_of(c, 13);
    const std::size_t x_size = in.x.size() / 13, g_size = in.g.size() / 13;
    for (std::size_t sample = 1; sample < 13; ++sample) {
        std::copy_n(in.x.data(), x_size, in.x.data() + sample * x_size);
        std::copy_n(in.g.data(), g_size, in.g.data() + sample * g_size);
    }
    const Results<float> got = results_of(c, in, false);
    for (std::size_t sample = 1; sample < 13; ++sample) {
        EXPECT_EQ(std::memcmp(got.y.data(), got.y.data() + sample * g_size, g_size * sizeof(float)), 0);
        EXPECT_EQ(std::memcmp(got.dx.data(), got.dx.data() + sample * x_size, x_size * sizeof(float)), 0);
    }
}

// Of a pixel that is not finite, more outputs become NaN than those that meet it, but only in its tiles and
// not in other samples.
TEST(Winograd, WhatIsNotFiniteStaysInItsTiles) {
    for (const float pixel : {std::nanf(""), std::numeric_limits<float>::infinity()}) {
        const Convolution c = geometry(4, 20, 32, 20, 19, 1);
        ASSERT_TRUE(cpu::winograd_pays(c));
        Operands<float> in = operands_of(c, 14);
        const std::int64_t row = 8, column = 6, sample = 2;
        in.x[static_cast<std::size_t>((sample * 20 + 19) * 20 * 19 + row * 19 + column)] = pixel;
        const Results<float> got = results_of(c, in, false);
        for (std::size_t i = 0; i < got.y.size(); ++i) {
            const auto place = static_cast<std::int64_t>(i);
            const std::int64_t r = place / 19 % 20, q = place % 19, from = place / 19 / 20 / 32;
            const bool met = from == sample && std::abs(r - row) <= 1 && std::abs(q - column) <= 1;
            // Tiles of outputs 4 .. 11 by 4 .. 7 hold the pixel: their images begin one before.
            const bool in_tiles = from == sample && r >= 4 && r < 12 && q >= 4 && q < 8;
            ASSERT_FALSE(met && std::isfinite(got.y[i])) << i;
            ASSERT_TRUE(in_tiles || std::isfinite(got.y[i])) << i;
        }
    }
}

TEST(Winograd, IsForLargeStacksOf3x3Alone) {
    Convolution c = geometry(32, 32, 32, 12, 12, 1);
    EXPECT_TRUE(cpu::winograd_pays(c));
    EXPECT_FALSE(cpu::winograd_pays(geometry(32, 8, 32, 12, 12, 1)));
    EXPECT_FALSE(cpu::winograd_pays(geometry(32, 32, 8, 12, 12, 1)));
    EXPECT_FALSE(cpu::winograd_pays(geometry(1, 32, 32, 12, 12, 1)));  // the filters' points would cost more
    EXPECT_FALSE(cpu::winograd_pays(geometry(99, 32, 32, 5, 5, 1)));   // most of a tile beyond the edge
    EXPECT_FALSE(cpu::winograd_pays(geometry(32, 128, 32, 12, 12, 1, 16)));
    c.windows.dilation[0] = 2;
    EXPECT_FALSE(cpu::winograd_pays(c));
    c.windows.dilation[0] = 1;
    c.windows.stride[1] = 2;
    EXPECT_FALSE(cpu::winograd_pays(c));
}

}  // namespace
}  // namespace adjoint
