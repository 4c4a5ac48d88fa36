// Max pooling on the CPU against plain loops, over many geometries, with ties and NaN.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include <adjoint/core/contract/backend.h>

namespace adjoint {
namespace {

struct Pooled {
    std::vector<double> values;
    std::vector<std::int64_t> indices;
};

template <class T> Pooled by_loops(const Windows& w, const std::vector<T>& x) {
    Pooled out;
    for (std::int64_t p = 0; p < w.batch * w.channels; ++p)
        for (std::int64_t h = 0; h < w.output[0]; ++h)
            for (std::int64_t o = 0; o < w.output[1]; ++o) {
                std::int64_t best = -1;
                double largest = 0;
                for (std::int64_t i = 0; i < w.kernel[0]; ++i)
                    for (std::int64_t j = 0; j < w.kernel[1]; ++j) {
                        const std::int64_t row = h * w.stride[0] - w.padding[0] + i * w.dilation[0];
                        const std::int64_t column = o * w.stride[1] - w.padding[1] + j * w.dilation[1];
                        if (row < 0 || column < 0 || row >= w.size[0] || column >= w.size[1]) continue;
                        const std::int64_t at = row * w.size[1] + column;
                        const auto value =
                            static_cast<double>(x[static_cast<std::size_t>(p * w.plane() + at)]);
                        if (best >= 0 && !(value > largest) && !(std::isnan(value) && !std::isnan(largest)))
                            continue;
                        best = at;
                        largest = value;
                    }
                out.values.push_back(largest);
                out.indices.push_back(best);
            }
    return out;
}

template <class T> void expect_like_loops(Windows w, std::mt19937& random) {
    w.dtype = dtype_of<T>;
    std::vector<T> x(static_cast<std::size_t>(w.batch * w.channels * w.plane()));
    // Few different numbers, so that there are ties.
    for (T& value : x) {
        const int number = std::uniform_int_distribution(0, 12)(random);
        value = number == 12 ? std::numeric_limits<T>::quiet_NaN() : static_cast<T>(number);
    }
    const Pooled expected = by_loops(w, x);
    std::vector<T> y(expected.values.size()), without(expected.values.size());
    std::vector<std::int64_t> indices(expected.values.size());
    cpu_backend().run(call::MaxPool{y.data(), indices.data(), x.data(), w});
    cpu_backend().run(call::MaxPool{without.data(), nullptr, x.data(), w});
    EXPECT_EQ(indices, expected.indices);
    for (std::size_t i = 0; i < y.size(); ++i) {
        for (const T got : {y[i], without[i]}) {
            const auto value = static_cast<double>(got);
            ASSERT_TRUE(value == expected.values[i] || (std::isnan(value) && std::isnan(expected.values[i])))
                << "window " << i << ": " << value << " against " << expected.values[i];
        }
    }
}

TEST(MaxPool, AgreesWithLoops) {
    std::mt19937 random(11);
    const auto number = [&](int low, int high) {
        return static_cast<std::int64_t>(std::uniform_int_distribution(low, high)(random));
    };
    for (int round = 0; round < 300;) {
        Windows w;
        w.batch = number(1, 2);
        w.channels = number(1, 3);
        bool fits = true;
        for (int axis = 0; axis < 2; ++axis) {
            w.size[axis] = number(1, 45);
            w.kernel[axis] = number(1, 4);
            w.stride[axis] = number(1, 3);
            w.padding[axis] = number(0, static_cast<int>(w.kernel[axis] / 2));
            w.dilation[axis] = w.padding[axis] > 0 ? 1 : number(1, 3);
            const std::int64_t rest =
                w.size[axis] + 2 * w.padding[axis] - w.dilation[axis] * (w.kernel[axis] - 1) - 1;
            fits = fits && rest >= 0;
            w.output[axis] = rest / w.stride[axis] + 1;
        }
        if (!fits) continue;
        SCOPED_TRACE(round++);
        expect_like_loops<float>(w, random);
        expect_like_loops<double>(w, random);
        if (HasFatalFailure()) return;
    }
}

}  // namespace
}  // namespace adjoint
