// Tensors: creation, promotion, reading, printing, indexing and assignment.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <sstream>

#include <adjoint/autograd/ops/arithmetic.h>
#include <adjoint/autograd/ops/elementwise.h>
#include <adjoint/autograd/ops/indexed.h>
#include <adjoint/autograd/ops/shape.h>
#include <adjoint/core/base/error.h>
#include <adjoint/core/base/sanitizer.h>
#include <adjoint/core/contract/generator.h>
#include <adjoint/core/memory/host_memory.h>
#include <adjoint/core/memory/storage_limit.h>
#include <adjoint/core/tensor/creation.h>
#include <adjoint/core/tensor/print.h>

namespace adjoint {
namespace {

using Values = std::vector<double>;

Tensor count(const Shape& shape) { return reshape(arange(shape.numel()).to(f32), shape); }

std::string message_of(const std::function<void()>& call) {
    try {
        call();
    } catch (const Error& error) {
        return error.what();
    }
    return "nothing was thrown";
}

TEST(Creation, StaysBelowALimitOfTheThread) {
    const std::string free = message_of([] { (void)empty({1 << 20}); });
    EXPECT_EQ(free, "nothing was thrown");
    const StorageLimit outer(1 << 20, "; said who");
    EXPECT_EQ(message_of([] { (void)empty({1 << 18}); }), "nothing was thrown");
    EXPECT_EQ(message_of([] { (void)empty({1 << 19}); }),
              "empty: a tensor of shape (524288,) of f32: 2097152 bytes are asked for, at most 1048576 are "
              "allowed; said who");
    {
        const StorageLimit inner(1 << 16, ""), larger(1 << 22, "");
        EXPECT_NE(message_of([] { (void)empty({1 << 18}); }).find("at most 65536"), std::string::npos);
    }
    EXPECT_EQ(message_of([] { (void)empty({1 << 18}); }), "nothing was thrown");
}

TEST(Creation, HasTheValuesItSays) {
    EXPECT_EQ(zeros({2, 2}).to_vector<double>(), (Values{0, 0, 0, 0}));
    EXPECT_EQ(full({3}, 2.5, {.dtype = f16}).to_vector<double>(), (Values{2.5, 2.5, 2.5}));
    EXPECT_EQ(eye(2, 3).to_vector<double>(), (Values{1, 0, 0, 0, 1, 0}));
    EXPECT_EQ(arange(1.0, 2.0, 0.25).to_vector<double>(), (Values{1, 1.25, 1.5, 1.75}));
    EXPECT_EQ(linspace(0, 1, 5, {.dtype = f64}).to_vector<double>(), (Values{0, 0.25, 0.5, 0.75, 1}));
    EXPECT_EQ(tensor(std::vector<bool>{true, false}, {2}).dtype(), boolean);
    EXPECT_EQ(tensor({{1, 2}, {3, 4}}).shape(), (Shape{2, 2}));
    EXPECT_EQ(zeros({0, 3}).numel(), 0);
}

TEST(Creation, RefusesNonsenseBeforeItAllocates) {
    EXPECT_THROW(zeros({std::int64_t{1} << 40, std::int64_t{1} << 40}), ShapeError);
    EXPECT_THROW(zeros({-1}), ShapeError);
    EXPECT_THROW(zeros({1, 1, 1, 1, 1, 1, 1, 1, 1}), ShapeError);
    try {
        zeros({std::int64_t{1} << 50});
        ADD_FAILURE() << "so much memory there is not";
    } catch (const OutOfMemoryError& error) {
        const std::string text = error.what();
        EXPECT_EQ(
            text.find(
                "zeros: a tensor of shape (1125899906842624,) of f32: allocate: 4503599627370496 bytes"),
            0u)
            << text;
    }
    EXPECT_THROW(arange(0.0, 1.0, -1.0), ValueError);
    EXPECT_THROW(zeros({2}, {.device = Device::cuda(9)}), DeviceError);
    EXPECT_THROW(zeros({2}, {.dtype = i64, .requires_grad = true}), DTypeError);
    EXPECT_THROW(tensor(std::vector<float>{1, 2, 3}, {2}), ShapeError);
    EXPECT_EQ(ones({2}).to_vector<double>(), (Values{1, 1}));  // and the process still computes
}

TEST(Creation, IntegersAreFilledWithWhatTheyCanHold) {
    for (const double number : {256.0, -1.0, static_cast<double>(NAN), 1e300, static_cast<double>(-INFINITY)})
        EXPECT_THROW(full({2}, number, u8), ValueError) << number;
    EXPECT_THROW(full({2}, 256, u8), ValueError);
    EXPECT_THROW(full({2}, 0x1p63, i64), ValueError);
    EXPECT_THROW(full({2}, std::uint64_t{1} << 63, i64), ValueError);
    EXPECT_THROW(zeros({2}, i32).fill_(std::int64_t{1} << 31), ValueError);
    EXPECT_THROW(masked_fill(zeros({2}, i64), ones({2}, boolean), -INFINITY), ValueError);
    EXPECT_EQ(full({1}, 255.9, u8).item<int>(), 255) << "cut off, as a conversion does";
    EXPECT_EQ(full({1}, -0.5, u8).item<int>(), 0);
    EXPECT_EQ(full({1}, std::numeric_limits<std::int64_t>::min(), i64).item<std::int64_t>(),
              std::numeric_limits<std::int64_t>::min());
    EXPECT_EQ(full({1}, -0x1p63, i64).item<std::int64_t>(), std::numeric_limits<std::int64_t>::min());
}

TEST(Creation, FromBlobUsesTheCallersMemoryAndGivesItBackOnce) {
    float data[4] = {1, 2, 3, 4};
    int deleted = 0;
    {
        const Tensor x = from_blob(data, {2, 2}, {}, [&] { ++deleted; });
        const Tensor view = x(1);
        x(0, 0) = 9.0;
        EXPECT_EQ(data[0], 9);
    }
    EXPECT_EQ(deleted, 1);
}

TEST(Types, PromoteAsPyTorchDoes) {
    EXPECT_EQ((zeros({2}, {.dtype = i32}) + zeros({2}, {.dtype = u8})).dtype(), i32);
    EXPECT_EQ((zeros({2}, {.dtype = i64}) + zeros({2}, {.dtype = f16})).dtype(), f16);
    EXPECT_EQ((zeros({2}, {.dtype = bf16}) + zeros({2}, {.dtype = f16})).dtype(), f32);
    EXPECT_EQ((zeros({2}) + Tensor(0.1)).dtype(), f32);
    EXPECT_EQ((zeros({2}, {.dtype = i32}) * 2).dtype(), i32);
    EXPECT_EQ((zeros({2}, {.dtype = i32}) * 2.5).dtype(), f32);
    EXPECT_EQ((zeros({2}, {.dtype = i32}) / 2).dtype(), f32);
    EXPECT_EQ((full({2}, 200, {.dtype = u8}) + full({2}, 100, {.dtype = u8})).to_vector<double>(),
              (Values{44, 44}));
}

TEST(Types, ConvertWithRounding) {
    const Tensor x = tensor({1.0, -2.7, 65504, 1e-8});
    EXPECT_EQ(x.to(i64).to_vector<double>(), (Values{1, -2, 65504, 0}));
    EXPECT_EQ(x.to(boolean).to_vector<double>(), (Values{1, 1, 1, 1}));
    EXPECT_EQ(tensor({1.0009765625}).to(f16).item(), 1.0009765625);
    EXPECT_EQ(tensor({1.0009765625}).to(bf16).item(), 1.0);
}

TEST(Indexing, BasicIndicesAreViews) {
    const Tensor x = count({3, 4});
    EXPECT_EQ(x(1).to_vector<double>(), (Values{4, 5, 6, 7}));
    EXPECT_EQ(x(-1, 0).item(), 8);
    EXPECT_EQ(x(all, slice(1, 4, 2)).to_vector<double>(), (Values{1, 3, 5, 7, 9, 11}));
    EXPECT_EQ(x(ellipsis, -1).to_vector<double>(), (Values{3, 7, 11}));
    EXPECT_EQ(x(new_axis, 0).shape(), (Shape{1, 4}));
    x(1)(2) = 100.0;
    EXPECT_EQ(x(1, 2).item(), 100);
    x(slice(0, 2), 0) = tensor({-1, -2});
    EXPECT_EQ(x(all, 0).to_vector<double>(), (Values{-1, -2, 8}));
    x(2) += tensor({1, 1, 1, 1});
    EXPECT_EQ(x(2).to_vector<double>(), (Values{9, 10, 11, 12}));
}

TEST(Views, ADetachedViewSeesTheMemoryOfATensorInAnotherWay) {
    const Tensor x = count({3, 4});
    x.set_requires_grad();
    const Tensor column = detached_view(x, {3}, {4}, 1), row = detached_view(x, {1, 4}, {9, 1}, 4);
    EXPECT_EQ(column.to_vector<double>(), (Values{1, 5, 9}));
    EXPECT_FALSE(column.is_contiguous());
    EXPECT_EQ(row.to_vector<double>(), (Values{4, 5, 6, 7}));
    EXPECT_TRUE(row.is_contiguous());
    EXPECT_TRUE(detached_view(x, {0, 2}, {7, 7}).is_contiguous());
    EXPECT_EQ(detached_view(x, {2, 2}, {0, 1}, 2).to_vector<double>(), (Values{2, 3, 2, 3}));
    EXPECT_FALSE(row.requires_grad());
    row.fill_(0);
    EXPECT_EQ(x.detach()(1).to_vector<double>(), (Values{0, 0, 0, 0}));
}

TEST(Indexing, TensorsAndMasksGather) {
    const Tensor x = count({3, 4});
    const Tensor rows = tensor(std::vector<std::int64_t>{2, 0, -1}, {3});
    EXPECT_EQ(x(rows).shape(), (Shape{3, 4}));
    EXPECT_EQ(x(rows, tensor(std::vector<std::int64_t>{1, 1, 3}, {3})).to_vector<double>(),
              (Values{9, 1, 11}));
    EXPECT_EQ(x(all, rows).to_vector<double>(), (Values{2, 0, 3, 6, 4, 7, 10, 8, 11}));
    EXPECT_EQ(x(gt(x, 8)).to_vector<double>(), (Values{9, 10, 11}));
    x(gt(x, 8)) = 0.0;
    EXPECT_EQ(x(2).to_vector<double>(), (Values{8, 0, 0, 0}));
    x(rows(slice(0, 2)), 1) = tensor({50, 60});
    EXPECT_EQ(x(all, 1).to_vector<double>(), (Values{60, 5, 50}));
    const Tensor turned = t(count({2, 3}));
    turned(tensor(std::vector<std::int64_t>{0}, {1})) = 7.0;
    EXPECT_EQ(turned.to_vector<double>(), (Values{7, 7, 1, 4, 2, 5}));
}

TEST(Indexing, OutOfRangeNamesThePlace) {
    const Tensor x = count({3, 4});
    EXPECT_EQ(message_of([&] { x(3); }), "select: index 3 is outside [-3, 3) in dimension 0 of (3, 4)");
    EXPECT_THROW(x(0, 0, 0), IndexError);
    EXPECT_THROW(x(tensor(std::vector<std::int64_t>{5}, {1})), IndexError);
    EXPECT_THROW(x(tensor({0.5})), DTypeError);
    EXPECT_THROW(x(zeros({2}, {.dtype = boolean})), IndexError);
}

TEST(Views, OverlapIsHandled) {
    const Tensor x = count({6});
    x(slice(1, 6)).copy_(x(slice(0, 5)));  // a shift by one must not smear
    EXPECT_EQ(x.to_vector<double>(), (Values{0, 0, 1, 2, 3, 4}));
    EXPECT_THROW(expand(zeros({1}), {4}).copy_(ones({4})), ValueError);
}

TEST(Views, ReshapeOfStridedTensorsKeepsRowMajorOrder) {
    const Tensor x = permute(count({2, 3, 4}), {2, 0, 1});
    const Tensor y = reshape(x, {4, 6});
    EXPECT_EQ(y(1).to_vector<double>(), (Values{1, 5, 9, 13, 17, 21}));
    EXPECT_THROW(reshape(zeros({0, 3}), {-1, 0}), ShapeError);
    EXPECT_THROW(reshape(zeros({4}), {3}), ShapeError);
}

TEST(Random, IsAFunctionOfSeedAndStream) {
    manual_seed(42);
    const Tensor a = rand({1000}), b = rand({1000});
    EXPECT_FALSE(equal(a, b));
    manual_seed(42);
    EXPECT_TRUE(equal(a, rand({1000})));
    const GeneratorState state = generator_state();
    const Tensor c = randn({10});
    set_generator_state(state);
    EXPECT_TRUE(equal(c, randn({10})));
    EXPECT_TRUE(equal(a(slice(0, 100)), [] {
        manual_seed(42);
        return rand({100});
    }()));
    const std::vector<std::int64_t> drawn = randint(-2, 3, {1000}).to_vector<std::int64_t>();
    for (const std::int64_t v : drawn) EXPECT_TRUE(v >= -2 && v < 3);
    EXPECT_NEAR(sum(bernoulli(full({10000}, 0.3))).item(), 3000, 200);
}

TEST(Printing, LooksAtTheShownElementsOnly) {
    // So many elements are neither copied nor read: they would take 2^61 bytes.
    const Tensor one = zeros({1, 1, 1});
    const Tensor many =
        detached_view(one, {std::int64_t{1} << 20, std::int64_t{1} << 20, std::int64_t{1} << 19}, {0, 0, 0});
    const std::string text = to_string(many, {.edge_items = 1});
    EXPECT_EQ(text,
              "[[[0., ..., 0.],\n  ...,\n  [0., ..., 0.]],\n\n ...,\n\n [[0., ..., 0.],\n  ...,\n  "
              "[0., ..., 0.]]] f32");
    // Elements in the gaps decide nothing of the format; rows and columns stay in their places.
    const Tensor x = detached_view(arange(0.0, 2000.0, 1, {.dtype = f64}), {40, 50}, {50, 1});
    x.mutable_data<double>()[1000] = 0.5;
    EXPECT_EQ(to_string(x, {.edge_items = 2}),
              "[[   0.,    1., ...,   48.,   49.],\n [  50.,   51., ...,   98.,   99.],\n ...,\n [1900., "
              "1901., ..., 1948., 1949.],\n [1950., 1951., ..., 1998., 1999.]] f64");
}

TEST(Printing, NanHasNoSign) {
    EXPECT_EQ(to_string(tensor({-std::nan(""), std::nan("")})), "[nan, nan] f32");
}

TEST(Printing, LooksLikeNumPy) {
    EXPECT_EQ(to_string(tensor({{1, 2}, {3, 40}})), "[[ 1.,  2.],\n [ 3., 40.]] f32");
    EXPECT_EQ(to_string(tensor({0.5, -1.25})), "[ 0.5000, -1.2500] f32");
    EXPECT_EQ(to_string(arange(3)), "[0, 1, 2] i64");
    EXPECT_EQ(to_string(zeros({0, 2})), "[] of shape (0, 2) f32");
    EXPECT_EQ(to_string(Tensor(true)), "true bool");
    EXPECT_EQ(to_string(Tensor()), "undefined tensor");
    EXPECT_EQ(to_string(arange(2000)), "[   0,    1,    2, ..., 1997, 1998, 1999] i64");
    EXPECT_EQ(to_string(arange(4), {.threshold = 3, .edge_items = 1}), "[0, ..., 3] i64");
    EXPECT_EQ(to_string(arange(6), {.threshold = 3, .edge_items = 3}), "[0, 1, 2, 3, 4, 5] i64");
    EXPECT_EQ(to_string(arange(2), {.threshold = 1, .edge_items = 0}), "[...] i64");
    EXPECT_EQ(to_string(full({}, 1, {.requires_grad = true}) * 2), "2. f32 grad_fn=mul_scalar");
}

TEST(Printing, ShapesTypesAndDevicesGoIntoStreams) {
    const Tensor x = zeros({2, 3}, {.dtype = bf16});
    std::ostringstream out;
    out << x.shape() << ' ' << x.strides() << ' ' << Shape{5} << ' ' << Shape() << ' ' << x.dtype() << ' '
        << boolean << ' ' << x.device() << ' ' << Device::cuda(1);
    EXPECT_EQ(out.str(), "(2, 3) (3, 1) (5,) () bf16 bool cpu cuda:1");
}

TEST(HostMemory, ReusesBlocksAndGivesThemBack) {
#if ADJOINT_ADDRESS_SANITIZER
    GTEST_SKIP() << "under AddressSanitizer nothing is kept";
#endif
    { const Tensor warm = zeros({12345}); }
    const HostMemoryStats before = host_memory_stats();
    for (int i = 0; i < 100; ++i) zeros({12345});
    EXPECT_EQ(host_memory_stats().system_calls, before.system_calls);
    EXPECT_EQ(host_memory_stats().in_use, before.in_use);
    EXPECT_GT(host_memory_stats().cached, 0);
    empty_cache();
    EXPECT_EQ(host_memory_stats().cached, 0);
    EXPECT_EQ(ones({3}).to_vector<double>(), (Values{1, 1, 1}));
}

TEST(Undefined, IsAnErrorNotACrash) {
    const Tensor nothing;
    EXPECT_THROW(nothing.shape(), ValueError);
    EXPECT_THROW(nothing + nothing, ValueError);
    EXPECT_THROW(Tensor(1.0).data<float>(), DTypeError);
    EXPECT_THROW(zeros({2}).item(), ShapeError);
}

}  // namespace
}  // namespace adjoint
