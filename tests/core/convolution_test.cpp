// The CPU's convolutions against the composition of unfold, matmul and fold, over many geometries; the same
// bits for any number of threads.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include <adjoint/core/base/parallel.h>
#include <adjoint/core/contract/backend.h>

namespace adjoint {
namespace {

std::string text(const Convolution& c) {
    const Windows& w = c.windows;
    std::string out = "batch " + std::to_string(w.batch) + ", channels " + std::to_string(w.channels) +
                      ", filters " + std::to_string(c.filters) + ", groups " + std::to_string(c.groups);
    for (int axis = 0; axis < 2; ++axis)
        out += ", axis: size " + std::to_string(w.size[axis]) + " kernel " + std::to_string(w.kernel[axis]) +
               " stride " + std::to_string(w.stride[axis]) + " padding " + std::to_string(w.padding[axis]) +
               " dilation " + std::to_string(w.dilation[axis]) + " output " + std::to_string(w.output[axis]);
    return out;
}

Convolution random_convolution(std::mt19937& random) {
    const auto number = [&](int low, int high) {
        return static_cast<std::int64_t>(std::uniform_int_distribution(low, high)(random));
    };
    for (;;) {
        Convolution c;
        Windows& w = c.windows;
        c.groups = number(0, 3) == 0 ? number(2, 4) : 1;
        w.batch = number(1, 5);
        w.channels = c.groups * number(1, number(0, 1) ? 3 : 40);
        c.filters = c.groups * number(1, number(0, 1) ? 5 : 70);
        if (number(0, 5) == 0) w.channels = c.filters = c.groups = number(1, 6);  // one filter for each
        bool fits = true;
        for (int axis = 0; axis < 2; ++axis) {
            w.size[axis] = number(1, 40);
            w.kernel[axis] = number(1, 5);
            w.stride[axis] = number(0, 1) ? 1 : number(1, 4);
            w.padding[axis] = number(0, 1) ? 0 : number(0, 6);
            w.dilation[axis] = number(0, 1) ? 1 : number(1, 3);
            const std::int64_t rest =
                w.size[axis] + 2 * w.padding[axis] - w.dilation[axis] * (w.kernel[axis] - 1) - 1;
            fits = fits && rest >= 0;
            w.output[axis] = rest / w.stride[axis] + 1;
            // A transposed convolution with output padding looks at fewer windows than there are.
            if (w.output[axis] > 1 && number(0, 7) == 0) --w.output[axis];
        }
        if (fits && c.depth() * c.filters * w.outputs() * w.batch < 40'000'000) return c;
    }
}

template <class T> std::vector<T> numbers(std::int64_t count, std::mt19937& random) {
    std::vector<T> out(static_cast<std::size_t>(count));
    for (T& value : out) value = static_cast<T>(std::uniform_int_distribution(-512, 512)(random)) / 256;
    return out;
}

template <class T>
void expect_near(const std::vector<T>& got, const std::vector<T>& expected, double tolerance) {
    ASSERT_EQ(got.size(), expected.size());
    for (std::size_t i = 0; i < got.size(); ++i)
        ASSERT_NEAR(static_cast<double>(got[i]), static_cast<double>(expected[i]), tolerance)
            << "element " << i;
}

template <class T> struct Case {
    Convolution c;
    std::vector<T> x, w, g, bias;

    Case(const Convolution& convolution, std::mt19937& random)
        : c(convolution),
          x(numbers<T>(c.windows.batch * c.windows.channels * c.windows.plane(), random)),
          w(numbers<T>(c.filters * c.depth(), random)),
          g(numbers<T>(c.windows.batch * c.filters * c.windows.outputs(), random)),
          bias(numbers<T>(c.filters, random)) {}

    struct Results {
        std::vector<T> y, y_with_bias, dx, dw;
    };
    template <class Call> std::vector<T> filled(std::size_t count, Call call) const {
        std::vector<T> out(count, T(77));
        call(out.data());
        return out;
    }
    Results fast() const {
        return results([](const auto& call) { cpu_backend().run(call); });
    }
    Results composed() const {
        return results([](const auto& call) { compose(cpu_backend(), call); });
    }

  private:
    template <class Run> Results results(Run run) const {
        const auto forward = [&](T* y, const void* added) {
            run(call::Convolve{y, x.data(), w.data(), c, {.bias = added}});
        };
        return {filled(g.size(), [&](T* y) { forward(y, nullptr); }),
                filled(g.size(), [&](T* y) { forward(y, bias.data()); }),
                filled(x.size(),
                       [&](T* dx) {
                           run(call::ConvolveInput{dx, g.data(), w.data(), c});
                       }),
                filled(w.size(), [&](T* dw) {
                    run(call::ConvolveWeight{dw, x.data(), g.data(), c});
                })};
    }
};

template <class T> void expect_like_the_composition(int rounds, double tolerance) {
    std::mt19937 random(7);
    for (int round = 0; round < rounds; ++round) {
        Convolution c = random_convolution(random);
        c.windows.dtype = dtype_of<T>;
        SCOPED_TRACE(text(c));
        const Case<T> one(c, random);
        const auto got = one.fast(), expected = one.composed();
        expect_near(got.y, expected.y, tolerance);
        expect_near(got.y_with_bias, expected.y_with_bias, tolerance);
        expect_near(got.dx, expected.dx, tolerance);
        expect_near(got.dw, expected.dw, tolerance);
        if (testing::Test::HasFatalFailure()) return;
    }
}

TEST(Convolution, AgreesWithTheComposition) {
    expect_like_the_composition<double>(150, 1e-9);
    expect_like_the_composition<float>(150, 2e-2);
}

// One filter for each channel: its pixels lie in the lanes of vectors, which go on over the ends of rows.
TEST(Convolution, AnInfinitePixelReachesTheTapsThatMeetItAlone) {
    std::mt19937 random(11);
    for (const std::int64_t side : {6, 20, 40}) {
        const Convolution c{.windows = {.batch = 2,
                                        .channels = 3,
                                        .size = {side, side},
                                        .kernel = {3, 3},
                                        .output = {side - 2, side - 2},
                                        .dtype = DType::f32},
                            .filters = 3,
                            .groups = 3};
        Case<float> one(c, random);
        one.x[static_cast<std::size_t>(side - 1)] = std::numeric_limits<float>::infinity();
        const auto dw = one.fast().dw, expected = one.composed().dw;
        for (std::size_t i = 0; i < dw.size(); ++i) {
            EXPECT_EQ(std::isfinite(dw[i]), i != 2) << side << " " << i;
            if (i != 2) {
                EXPECT_NEAR(dw[i], expected[i], 1e-3) << side << " " << i;
            }
        }
    }
}

TEST(Convolution, ThreadsDoNotChangeBits) {
    std::mt19937 random(3);
    Convolution c{
        .windows = {.batch = 9, .channels = 20, .size = {17, 15}, .kernel = {3, 3}, .output = {15, 13}},
        .filters = 50,
        .groups = 1};
    const int before = num_threads();
    for (const std::int64_t stride : {1, 2}) {
        for (int axis = 0; axis < 2; ++axis) {
            c.windows.stride[axis] = stride;
            c.windows.output[axis] = (c.windows.size[axis] - 3) / stride + 1;
        }
        const Case<float> one(c, random);
        set_num_threads(1);
        const auto alone = one.fast();
        for (const int threads : {2, 5}) {
            set_num_threads(threads);
            const auto together = one.fast();
            const auto same = [](const std::vector<float>& a, const std::vector<float>& b) {
                return std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
            };
            EXPECT_TRUE(same(alone.y, together.y));
            EXPECT_TRUE(same(alone.dx, together.dx));
            EXPECT_TRUE(same(alone.dw, together.dw));
        }
    }
    set_num_threads(before);
}

// The plain sums; tests/core/winograd_test.cpp says what the others promise. Filters in the lanes of vectors
// (40) and pixels in them (3).
TEST(Convolution, NaNStaysInTheWindowsThatMeetIt) {
    for (const std::int64_t many : {40, 3}) {
        const Convolution c{.windows = {.batch = 1,
                                        .channels = many,
                                        .size = {9, 11},
                                        .kernel = {3, 3},
                                        .padding = {1, 1},
                                        .output = {9, 11}},
                            .filters = many,
                            .groups = 1};
        const std::size_t size = static_cast<std::size_t>(many) * 99;
        std::vector<float> x(size, 1), y(size), dx(size), w(static_cast<std::size_t>(many * many) * 9, 1);
        x[4 * 11 + 4] = std::nanf("");
        cpu_backend().run(call::Convolve{y.data(), x.data(), w.data(), c, {}});
        cpu_backend().run(call::ConvolveInput{dx.data(), x.data(), w.data(), c});
        for (std::size_t i = 0; i < size; ++i) {
            const std::size_t row = i % 99 / 11, column = i % 11;
            const bool met = row >= 3 && row <= 5 && column >= 3 && column <= 5;
            ASSERT_EQ(std::isnan(y[i]), met) << many << " filters, element " << i;
            ASSERT_EQ(std::isnan(dx[i]), met) << many << " channels, element " << i;
        }
    }
}

// Padding out of all proportion neither takes memory in proportion to it nor fails.
TEST(Convolution, VastPadding) {
    std::mt19937 random(5);
    Convolution c{.windows = {.batch = 1,
                              .channels = 2,
                              .size = {3, 4},
                              .kernel = {2, 2},
                              .stride = {1 << 20, 1 << 20},
                              .padding = {1 << 20, 1 << 20},
                              .dilation = {1 << 20, 1 << 20},
                              .output = {2, 2},
                              .dtype = DType::f64},
                  .filters = 3,
                  .groups = 1};
    const Case<double> one(c, random);
    const auto got = one.fast(), expected = one.composed();
    expect_near(got.y, expected.y, 1e-12);
    expect_near(got.dx, expected.dx, 1e-12);
    expect_near(got.dw, expected.dw, 1e-12);
}

}  // namespace
}  // namespace adjoint
