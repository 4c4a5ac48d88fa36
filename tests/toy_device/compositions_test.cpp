// Corners of the compositions that neither the operator table nor the cases of any device reach.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>

#include <adjoint/autograd/ops/cross_entropy.h>
#include <adjoint/autograd/ops/loss.h>
#include <adjoint/autograd/ops/sort.h>
#include <adjoint/core/base/error.h>
#include <adjoint/core/tensor/creation.h>

#include "toy_device.h"

namespace adjoint {
namespace {

using Labels = std::vector<std::int64_t>;

// The losses of three rows on a device, or the IndexError.
std::string losses(const Labels& labels, std::int64_t ignore_index, Device device) {
    const Tensor x = tensor(std::vector<double>{1, 2, 3, 3, 2, 1, 0, 5, 0}, {3, 3}).to(device);
    try {
        std::string text;
        for (const double loss : cross_entropy(x, tensor(labels, {3}).to(device),
                                               {.reduction = Reduction::none, .ignore_index = ignore_index})
                                     .to_vector<double>())
            text += std::to_string(loss) + " ";
        return text;
    } catch (const IndexError& error) {
        return error.what();
    }
}

TEST(Compositions, LabelsAreWhatTheyAreOnTheCpu) {
    constexpr std::int64_t odd = (std::int64_t{1} << 60) + 1,
                           least = std::numeric_limits<std::int64_t>::min();
    const std::pair<Labels, std::int64_t> cases[] = {
        {{0, 1, 2}, -100},      {{0, -100, 2}, -100},   {{0, 1, 3}, -100},   {{-1, 1, 2}, -100},
        {{0, -1, -1}, -1},      {{-3, 0, 0}, -1},       {{0, odd, 2}, odd},  {{0, odd - 1, 2}, odd},
        {{0, odd + 1, 2}, odd}, {{least, 0, 0}, least}, {{0, 0, least}, -1}, {{2, 2, 2}, 2},
    };
    for (const auto& [labels, ignored] : cases)
        EXPECT_EQ(losses(labels, ignored, toy_device()), losses(labels, ignored, Device::cpu()));
    EXPECT_EQ(losses({0, 1, -1}, -100, toy_device()), "cross_entropy: label -1 at index 2 is outside [0, 3)");
}

TEST(Compositions, NaNIsSortedBehindAllNumbersAndEqualsKeepTheirOrder) {
    const double nan = std::nan(""), inf = std::numeric_limits<double>::infinity();
    const Tensor x = tensor(std::vector<double>{nan, 1, inf, 1, nan, -inf, 1, inf}, {8}).to(toy_device());
    EXPECT_EQ(sort(x).indices.to_vector<std::int64_t>(), (Labels{5, 1, 3, 6, 2, 7, 0, 4}));
    EXPECT_EQ(sort(x, 0, true).indices.to_vector<std::int64_t>(), (Labels{0, 4, 2, 7, 1, 3, 6, 5}));
}

// What a call reads as a scan may write.
TEST(Compositions, AScanMayBeDoneInPlace) {
    for (const bool reverse : {false, true})
        for (const std::int64_t length : {1, 2, 3, 4, 5, 8, 9}) {
            const Tensor x = ones({2, length, 3}, {.dtype = f64, .device = toy_device()});
            backend(toy_device())
                .run(call::Scan{.out = x.impl().data,
                                .x = x.impl().data,
                                .op = functor::Sum{},
                                .lines = {.outer = 2, .length = length, .inner = 3, .dtype = f64},
                                .reverse = reverse});
            const std::vector<double> sums = x.to_vector<double>();
            for (std::size_t i = 0; i < sums.size(); ++i) {
                const auto place = static_cast<std::int64_t>(i) / 3 % length;
                EXPECT_EQ(sums[i], static_cast<double>(reverse ? length - place : place + 1));
            }
        }
}

TEST(Compositions, ARecurrentLayerOfItsOwnIsRefused) {
    EXPECT_THROW(backend(toy_device()).run(call::Recurrent{}), DeviceError);
    EXPECT_THROW(backend(toy_device()).run(call::RecurrentBackward{}), DeviceError);
}

TEST(Compositions, AttentionOfItsOwnIsRefused) {
    EXPECT_THROW(backend(toy_device()).run(call::Attend{}), DeviceError);
    EXPECT_THROW(backend(toy_device()).run(call::AttendBackward{}), DeviceError);
}

}  // namespace
}  // namespace adjoint
