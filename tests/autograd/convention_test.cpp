// Where libraries differ: kinks, ties, zeros, infinities and nothing at all.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include <adjoint/autograd/backward/engine.h>
#include <adjoint/autograd/ops/arithmetic.h>
#include <adjoint/autograd/ops/batch_norm.h>
#include <adjoint/autograd/ops/cross_entropy.h>
#include <adjoint/autograd/ops/elementwise.h>
#include <adjoint/autograd/ops/index.h>
#include <adjoint/autograd/ops/indexed.h>
#include <adjoint/autograd/ops/linalg.h>
#include <adjoint/autograd/ops/loss.h>
#include <adjoint/autograd/ops/reduce.h>
#include <adjoint/autograd/ops/shape.h>
#include <adjoint/autograd/ops/softmax.h>
#include <adjoint/core/base/error.h>
#include <adjoint/core/tensor/creation.h>

namespace adjoint {
namespace {

using Numbers = std::vector<double>;
constexpr double inf = std::numeric_limits<double>::infinity();
const double nan = std::numeric_limits<double>::quiet_NaN();

Tensor vector(const Numbers& values) { return tensor(values, {static_cast<std::int64_t>(values.size())}); }

// The gradient of sum f(x), by an ordinary and by a recorded pass, which must agree.
template <class F> Numbers slope(F f, const Numbers& at) {
    const Tensor x = vector(at).set_requires_grad();
    const Numbers once = grad(sum(f(x)), x).template to_vector<double>();
    const Numbers recorded =
        grad(sum(f(x)), x, {.grad_outputs = {}, .create_graph = true}).template to_vector<double>();
    for (std::size_t i = 0; i < once.size(); ++i)
        EXPECT_TRUE(once[i] == recorded[i] || (std::isnan(once[i]) && std::isnan(recorded[i])))
            << "element " << i << ": " << once[i] << " against " << recorded[i];
    return once;
}

#define SLOPE(expression, ...) slope([](const Tensor& x) { return expression; }, Numbers __VA_ARGS__)

TEST(Convention, SlopesAtKinks) {
    EXPECT_EQ(SLOPE(relu(x), {-1, 0, 1}), (Numbers{0, 0, 1}));
    EXPECT_EQ(SLOPE(abs(x), {-2, 0, 2}), (Numbers{-1, 0, 1}));
    EXPECT_EQ(SLOPE(sign(x), {-2, 0, 2}), (Numbers{0, 0, 0}));
    EXPECT_EQ(SLOPE(clamp(x, -1, 1), {-2, -1, 0, 1, 2}), (Numbers{0, 1, 1, 1, 0}));
    EXPECT_EQ(SLOPE(hardtanh(x), {-2, 0, 2}), (Numbers{0, 1, 0}));
    EXPECT_EQ(SLOPE(leaky_relu(x, 0.5), {-1, 1}), (Numbers{0.5, 1}));
    EXPECT_EQ(SLOPE(relu6(x), {-1, 3, 7}), (Numbers{0, 1, 0}));
}

TEST(Convention, EqualOperandsShare) {
    const Tensor b = vector({1, 2, 3});
    const auto larger = [&](const Tensor& x) { return maximum(x, b); };
    const auto smaller = [&](const Tensor& x) { return minimum(x, b); };
    EXPECT_EQ(slope(larger, {0, 2, 4}), (Numbers{0, 0.5, 1}));
    EXPECT_EQ(slope(smaller, {0, 2, 4}), (Numbers{1, 0.5, 0}));
    EXPECT_EQ(SLOPE(amax(x), {1, 5, 5, 2}), (Numbers{0, 0.5, 0.5, 0}));
    EXPECT_EQ(SLOPE(amin(x, 0), {1, 1, 1, 2}), (Numbers{1.0 / 3, 1.0 / 3, 1.0 / 3, 0}));
    EXPECT_EQ(SLOPE(max(x, 0).values, {1, 5, 5, 2}), (Numbers{0, 1, 0, 0}));
    EXPECT_EQ(SLOPE(min(x, 0).values, {3, 1, 1, 2}), (Numbers{0, 1, 0, 0}));
}

TEST(Convention, NormAndStdAtZero) {
    EXPECT_EQ(SLOPE(norm(x), {0, 0}), (Numbers{0, 0}));
    EXPECT_EQ(SLOPE(norm(x, 3), {0, 0}), (Numbers{0, 0}));
    EXPECT_EQ(SLOPE(norm(x, 1), {0, 0}), (Numbers{0, 0}));
    for (const double p : {0.5, 1.5, 3.5}) {
        const auto p_norm = [p](const Tensor& x) { return norm(x, p); };
        EXPECT_EQ(slope(p_norm, {0, 0}), (Numbers{0, 0})) << p;
        const Numbers beside = slope(p_norm, {0, 2});
        EXPECT_EQ(beside[0], 0) << p;
        EXPECT_NEAR(beside[1], 1, 1e-12) << p;
    }
    EXPECT_EQ(SLOPE(adjoint::std(x), {2, 2}), (Numbers{0, 0}));
    EXPECT_EQ(norm(vector({3, 4})).item(), 5);
}

TEST(Convention, PowAtZero) {
    const Tensor base = vector({0, 0, 2}).set_requires_grad(),
                 exponent = vector({2, 0, 3}).set_requires_grad();
    sum(pow(base, exponent)).backward();
    EXPECT_EQ(base.grad().to_vector<double>(), (Numbers{0, 0, 12}));
    const Numbers by_exponent = exponent.grad().to_vector<double>();
    EXPECT_EQ(by_exponent[0], 0);
    EXPECT_NEAR(by_exponent[2], 8 * std::log(2.0), 1e-12);
    EXPECT_EQ(SLOPE(pow(x, 2), {0, 3}), (Numbers{0, 6}));
    EXPECT_EQ(SLOPE(pow(x, 0), {0, 3}), (Numbers{0, 0}));
    EXPECT_EQ(SLOPE(pow(x, 1), {0, 3}), (Numbers{1, 1}));
    EXPECT_EQ(SLOPE(pow(0.0, x), {-1, 0, 1, 2}), (Numbers{-inf, 0, 0, 0}));
    const auto power_of_zeros = [](const Tensor& x) { return pow(zeros_like(x), x); };
    EXPECT_EQ(slope(power_of_zeros, {-1, -0.5, 0, 1}), (Numbers{-inf, -inf, 0, 0}));
}

TEST(Convention, IntegersToAPowerStayIntegers) {
    const Tensor x = tensor(std::vector<std::int64_t>{257, -3, 0, 1}, {4});
    using Integers = std::vector<std::int64_t>;
    for (const Tensor& cube : {pow(x, 3), pow(x, Tensor(3)), pow(x, full_like(x, 3)), pow(x, 3u)}) {
        EXPECT_EQ(cube.dtype(), i64);
        EXPECT_EQ(cube.to_vector<std::int64_t>(), (Integers{16974593, -27, 0, 1}));
    }
    EXPECT_EQ(pow(3, tensor(Integers{39, 0, 1}, {3})).to_vector<std::int64_t>(),
              (Integers{4052555153018976267, 1, 3}));
    EXPECT_EQ(pow(x, full_like(x, -1)).to_vector<std::int64_t>(), (Integers{0, 0, 0, 1}));
    EXPECT_EQ(pow(full_like(x, -1), tensor(Integers{-1, -2, 3, 4}, {4})).to_vector<std::int64_t>(),
              (Integers{-1, 1, -1, 1}));
    EXPECT_EQ(pow(tensor({2, 3}, {.dtype = i32}), 2).dtype(), i32);
    for (const double power : {2.0, 3.0, 0.5})
        EXPECT_EQ(pow(x, power).dtype(), f32) << "a power that is no integer, " << power;
    EXPECT_EQ(pow(full({1}, 4000000000, i64), 2.0).item(), 1.6e19f) << "beyond i64";
    EXPECT_EQ(pow(ones({2}, {.dtype = boolean}), 2.0).dtype(), f32);
    EXPECT_EQ(pow(ones({2}, {.dtype = boolean}), 2).dtype(), i64);
    EXPECT_EQ(pow(x, 0.5).dtype(), f32);
    EXPECT_EQ(pow(2.0, x).dtype(), f32);
    EXPECT_EQ(pow(tensor({2, 4}, {.dtype = i64}), -1).to_vector<double>(), (Numbers{0.5, 0.25}));
}

// 2^53 + 1 is the first integer that double does not hold.
TEST(Convention, IntegersKeepAllTheirDigits) {
    constexpr std::int64_t n = 9007199254740993, most = std::numeric_limits<std::int64_t>::max();
    const Tensor x = tensor(std::vector<std::int64_t>{0, 1}, {2});
    using Integers = std::vector<std::int64_t>;
    const auto expect = [](const Tensor& y, const Integers& values) {
        EXPECT_EQ(y.to_vector<std::int64_t>(), values);
        EXPECT_EQ(y.dtype(), i64);
    };
    expect(x + n, {n, n + 1});
    expect(n + x, {n, n + 1});
    expect(x - n, {-n, 1 - n});
    expect(n - x, {n, n - 1});
    expect(x * n, {0, n});
    expect(x + (most - 1), {most - 1, most});
    expect(clamp(x * n, 0, static_cast<double>(n - 1)), {0, n - 1});
    expect(masked_fill(x, x == 1, n), {0, n});
    expect(full({2}, n, {.dtype = i64}), {n, n});
    expect(full_like(x, -n), {-n, -n});
    expect(x.clone().fill_(n), {n, n});
    const Tensor y = zeros({2}, {.dtype = i64});
    y(0) = n;
    y(tensor(Integers{1}, {1})) = -most;
    expect(y, {n, -most});
    y += n;
    EXPECT_EQ(y(0).item<std::int64_t>(), 2 * n);
    EXPECT_TRUE(equal(y(0) == 2 * n, Tensor(true)));
    EXPECT_EQ((x.to(f32) + n).dtype(), f32);
    const std::uint64_t beyond = std::uint64_t{1} << 63;
    EXPECT_THROW(x + beyond, ValueError);
    EXPECT_THROW(x.clone().fill_(beyond), ValueError);
    EXPECT_THROW(Tensor{beyond}, ValueError);
    EXPECT_EQ((x.to(f64) + beyond).to_vector<double>()[0], 0x1p63);
}

// Every arithmetic type of C++ on either side of every operator.
template <class T> void expect_operators(const char* type) {
    const Tensor x = tensor({1, 2, 3}, {.dtype = i64});
    const T two{2};
    const auto same = [&](const Tensor& a, const Tensor& b) { EXPECT_TRUE(equal(a, b)) << type; };
    const Tensor below = tensor({1, 0, 0}, {.dtype = boolean}), at = tensor({0, 1, 0}, {.dtype = boolean}),
                 above = tensor({0, 0, 1}, {.dtype = boolean});
    same(x < two, below);
    same(two > x, below);
    same(x == two, at);
    same(two == x, at);
    same(x != two, !at);
    same(x > two, above);
    same(two < x, above);
    same(x >= two, !below);
    same(two >= x, !above);
    same(x <= two, !above);
    same(two <= x, !below);
    same(x + two, tensor({3, 4, 5}));
    same(two * x, tensor({2, 4, 6}));
    same(where(x > two, x, two), tensor({2, 2, 3}));
    const Tensor y = std::is_integral_v<T> ? x.clone() : x.to(f64);
    y += two;
    y *= two;
    y(0) = two;
    same(y, tensor({2, 8, 10}));
    same(Tensor(two), Tensor(2));
    same(full({1}, two), tensor({2}));
    EXPECT_EQ(Tensor(two).dtype(), std::is_integral_v<T> ? i64 : sizeof(T) == 4 ? f32 : f64) << type;
}

TEST(Convention, EveryArithmeticTypeStandsBesideATensor) {
    expect_operators<signed char>("signed char");
    expect_operators<unsigned char>("unsigned char");
    expect_operators<short>("short");
    expect_operators<unsigned short>("unsigned short");
    expect_operators<int>("int");
    expect_operators<unsigned>("unsigned");
    expect_operators<long>("long");
    expect_operators<unsigned long>("unsigned long");
    expect_operators<long long>("long long");
    expect_operators<unsigned long long>("unsigned long long");
    expect_operators<float>("float");
    expect_operators<double>("double");
    expect_operators<long double>("long double");
    const std::vector<int> v(2);
    EXPECT_TRUE(equal(tensor({1, 3}) < v.size(), tensor({1, 0}, {.dtype = boolean})));
}

TEST(Convention, OneIndexMayStandInBrackets) {
    const Tensor x = tensor({{1, 2}, {3, 4}});
    EXPECT_TRUE(equal(x[1], x(1)));
    EXPECT_TRUE(equal(x[slice(0, 1)], x(slice(0, 1))));
    x[0] = 7;
    x[-1][0] = 5;
    EXPECT_EQ(x.to_vector<double>(), (Numbers{7, 7, 5, 4}));
}

TEST(Convention, TheDivergenceIsAMeanOverSamplesOnRequest) {
    const Tensor x = log(tensor({{0.5, 0.5}, {0.25, 0.75}})), t = tensor({{0.25, 0.75}, {0.5, 0.5}});
    EXPECT_NEAR(kl_div(x, t, {.batchmean = true}).item(),
                kl_div(x, t, {.reduction = Reduction::sum}).item() / 2, 1e-7);
    EXPECT_NEAR(kl_div(x, t, {.batchmean = true}).item(), 2 * kl_div(x, t).item(), 1e-7);
}

TEST(Convention, NothingHasASlopeInALogsumexpOfMinusInfinity) {
    EXPECT_EQ(SLOPE(logsumexp(x, 0), {-inf, -inf}), (Numbers{0, 0}));
    EXPECT_EQ(SLOPE(logsumexp(x, 0), {-inf, 3}), (Numbers{0, 1}));
    EXPECT_EQ(logsumexp(vector({-inf, -inf}), 0).item(), -inf);
    EXPECT_EQ(logsumexp(vector({inf, 0}), 0).item(), inf);
    EXPECT_TRUE(std::isnan(logsumexp(vector({nan, 0}), 0).item()));
}

TEST(Convention, WhereKeepsTheBranchNotTakenToItself) {
    const auto guarded = [](const Tensor& x) {
        const Tensor positive = gt(x, Tensor(0.0));
        return where(positive, log(where(positive, x, ones_like(x))), zeros_like(x));
    };
    EXPECT_EQ(slope(guarded, {0, -1, 2}), (Numbers{0, 0, 0.5}));
    const auto infinite = [](const Tensor& x) { return where(gt(x, Tensor(0.0)), x, x.detach() * nan); };
    EXPECT_EQ(slope(infinite, {-1, 1}), (Numbers{0, 1}));
}

TEST(Convention, NanGoesThrough) {
    const Tensor x = vector({1, nan, -1});
    for (const Tensor& y : {relu(x), clamp(x, -2, 2), hardtanh(x), maximum(x, vector({0, 0, 0})), relu6(x),
                            abs(x), leaky_relu(x)})
        EXPECT_TRUE(std::isnan(y.to_vector<double>()[1]));
    EXPECT_TRUE(std::isnan(amax(x).item()));
    EXPECT_TRUE(std::isnan(amin(x).item()));
    EXPECT_TRUE(std::isnan(max(x, 0).values.item()));
    EXPECT_EQ(argmax(x).item<int>(), 1);
    EXPECT_EQ(argmin(vector({3, 1, nan, nan})).item<int>(), 2);
    // Many elements: the vectorised loops too, wherever the NaN stands.
    for (const std::int64_t at : {0, 7, 31, 62, 99}) {
        const Tensor wide = zeros({100}, {.dtype = f32});
        wide.mutable_data<float>()[at] = static_cast<float>(nan);
        EXPECT_TRUE(std::isnan(amax(wide).item())) << at;
        EXPECT_TRUE(std::isnan(amin(wide).item())) << at;
        EXPECT_TRUE(std::isnan(sum(relu(wide)).item())) << at;
        EXPECT_EQ(argmax(wide).item<std::int64_t>(), at);
    }
}

TEST(Convention, OfNothing) {
    const Tensor none = zeros({0}, {.dtype = f64});
    EXPECT_EQ(sum(none).item(), 0);
    EXPECT_EQ(prod(none).item(), 1);
    EXPECT_TRUE(std::isnan(mean(none).item()));
    EXPECT_THROW(amax(none), ShapeError);
    EXPECT_THROW(argmax(none), ShapeError);
    EXPECT_THROW(max(zeros({0, 3}), 0), ShapeError);
    EXPECT_EQ(to_string(max(zeros({0, 3}), 1).values.shape()), "(0,)");
    EXPECT_THROW(reshape(zeros({0, 3}), {0, -1}), ShapeError);
    EXPECT_EQ(logsumexp(none, 0).item(), -inf);
}

// More elements than the CPU converts at a time.
TEST(Convention, AnExpandedNumberIsAsGoodAsItsCopies) {
    for (const DType type : {DType::f16, DType::bf16, DType::f32, DType::f64}) {
        const Tensor x = expand(full({1, 1}, 0.5, {.dtype = type}), {40, 40}), copies = x.clone();
        const Tensor y = arange(0, 40, 1, {.dtype = type}), others = expand(y, {40, 40}).clone();
        const Tensor left = matmul(copies, others), right = matmul(others, copies);
        const auto expect_equal = [&](const Tensor& a, const Tensor& b, const char* what) {
            EXPECT_EQ(a.to(DType::f64).to_vector<double>(), b.to(DType::f64).to_vector<double>())
                << what << " of " << name(type);
        };
        expect_equal(matmul(x, others), left, "the left factor");
        expect_equal(matmul(others, x), right, "the right factor");
        expect_equal(x * y, copies * y, "the product with a row");
        expect_equal(sum(x, {0}), sum(copies, {0}), "the sum of rows");
        expect_equal(sum(x), sum(copies), "the sum");
        expect_equal(exp(x), exp(copies), "the exponential");
    }
}

// Neither the sum nor the squares fit into f16, but the result does.
TEST(Convention, AMeanInSixteenBitsIsRoundedOnce) {
    const Tensor x = full({300}, 256, {.dtype = DType::f16}).set_requires_grad();
    EXPECT_EQ(mean(x).item<double>(), 256);
    EXPECT_EQ(mean(x).dtype(), DType::f16);
    const Tensor y = zeros_like(x);
    EXPECT_TRUE(std::isinf(mse_loss(x, y).item<double>()));
    const Tensor loss = mse_loss(x * 0.5, y);
    EXPECT_EQ(loss.item<double>(), 128 * 128);
    const Numbers slopes = grad(loss, x).to_vector<double>();
    EXPECT_NEAR(slopes[7], 2 * 128 * 0.5 / 300, 1e-3);
}

TEST(Convention, VarianceOfOneSample) {
    EXPECT_TRUE(std::isnan(var(vector({3})).item()));
    EXPECT_TRUE(std::isnan(adjoint::std(vector({3})).item()));
    EXPECT_EQ(var(vector({3}), {}, false, {.unbiased = false}).item(), 0);
}

TEST(Convention, SoftmaxOfInfinities) {
    const Tensor scores = vector({-inf, 0, 1000}).set_requires_grad();
    EXPECT_EQ(softmax(scores, 0).to_vector<double>(), (Numbers{0, 0, 1}));
    EXPECT_EQ(log_softmax(scores, 0).to_vector<double>(), (Numbers{-inf, -1000, 0}));
    EXPECT_EQ(SLOPE(narrow(softmax(x, 0), 0, 1, 1), {-inf, 0, 0}), (Numbers{0, 0.25, -0.25}));
    EXPECT_EQ(SLOPE(narrow(log_softmax(x, 0), 0, 1, 1), {-inf, 0, 0}), (Numbers{0, 0.5, -0.5}));
    EXPECT_EQ(SLOPE(logsumexp(x, 0), {-inf, 0, 0}), (Numbers{0, 0.5, 0.5}));
    EXPECT_EQ(logsumexp(vector({-inf, -inf}), 0).item(), -inf);
    EXPECT_EQ(logsumexp(vector({inf, 0}), 0).item(), inf);
}

TEST(Convention, StableActivations) {
    const Numbers far{-800, -40, 40, 800};
    for (const Tensor& y :
         {sigmoid(vector(far)), logsigmoid(vector(far)), softplus(vector(far)), mish(vector(far)),
          silu(vector(far)), gelu(vector(far)), elu(vector(far)), tanh(vector(far))})
        for (const double v : y.to_vector<double>()) EXPECT_TRUE(std::isfinite(v));
    for (const Numbers& s :
         {SLOPE(sigmoid(x), {-800, 800}), SLOPE(logsigmoid(x), {-800, 800}), SLOPE(softplus(x), {-800, 800}),
          SLOPE(mish(x), {-800, 800}), SLOPE(silu(x), {-800, 800}), SLOPE(gelu(x), {-800, 800}),
          SLOPE(gelu(x, GeluForm::tanh), {-800, 800}), SLOPE(elu(x), {-800, 800}),
          SLOPE(celu(x), {-800, 800}), SLOPE(selu(x), {-800, 800})})
        for (const double v : s) EXPECT_TRUE(std::isfinite(v));
    EXPECT_EQ(logsigmoid(vector({-800})).item(), -800);
    EXPECT_NEAR(softplus(vector({-30})).item() / std::exp(-30.0), 1, 1e-12);
}

TEST(Convention, LossesAtTheEnds) {
    const auto certain = [](const Tensor& x) { return binary_cross_entropy(x, vector({0, 1, 0, 1})); };
    for (const double v : slope(certain, {0, 0, 1, 1})) EXPECT_TRUE(std::isfinite(v));
    const Tensor x = ones({2, 3}, {.dtype = f64, .requires_grad = true});
    const Tensor all_ignored = cross_entropy(x, tensor(std::vector<std::int64_t>{-100, -100}, {2}));
    EXPECT_TRUE(std::isnan(all_ignored.item()));
    EXPECT_THROW(cross_entropy(x, tensor(std::vector<std::int64_t>{0, 3}, {2})), IndexError);
    EXPECT_THROW(nll_loss(x, tensor(std::vector<std::int64_t>{0, -1}, {2})), IndexError);
    EXPECT_THROW(mse_loss(x, ones({3, 2}, {.dtype = f64})), ShapeError);
    EXPECT_THROW(binary_cross_entropy(vector({1.5}), vector({1})), ValueError);
    EXPECT_THROW(batch_norm(ones({1, 3}), {}, {}, {}, {}, {.training = true}), ValueError);
    // An ignored row with infinite scores contributes neither a value nor a gradient.
    const Tensor rows = tensor(Numbers{inf, -inf, 0, 1, 2, 3}, {2, 3}).set_requires_grad();
    nll_loss(rows, tensor(std::vector<std::int64_t>{-100, 1}, {2})).backward();
    EXPECT_EQ(rows.grad().to_vector<double>(), (Numbers{0, 0, 0, 0, -1, 0}));
}

TEST(Convention, ThePaddingRowLearnsNothing) {
    const Tensor table = ones({3, 2}, {.dtype = f64, .requires_grad = true});
    sum(embedding(table, tensor(std::vector<std::int64_t>{0, 1, 1, 2}, {4}), 1)).backward();
    EXPECT_EQ(table.grad().to_vector<double>(), (Numbers{1, 1, 0, 0, 1, 1}));
}

TEST(Convention, IndicesOutOfRangeAreRefused) {
    const Tensor x = ones({3, 2});
    const auto at = [](std::int64_t i) { return tensor(std::vector<std::int64_t>{i}, {1}); };
    EXPECT_THROW(index_select(x, 0, at(3)), IndexError);
    EXPECT_THROW(gather(x, 0, reshape(at(5), {1, 1})), IndexError);
    EXPECT_THROW(gather(x, 0, reshape(at(-4), {1, 1})), IndexError);
    EXPECT_THROW(scatter_add(x, 1, reshape(at(2), {1, 1}), ones({1, 1})), IndexError);
    EXPECT_THROW(embedding(x, at(3)), IndexError);
    EXPECT_THROW(one_hot(at(3), 3), IndexError);
    EXPECT_THROW(select(x, 0, 3), IndexError);
    EXPECT_THROW(sum(x, 2), IndexError);
    EXPECT_THROW(sum(x, {0, -2}), IndexError);
}

TEST(Convention, IntegersAndFractions) {
    const Tensor n = tensor(std::vector<std::int64_t>{1, 2, 3}, {3});
    EXPECT_EQ((n + 1).dtype(), DType::i64);
    EXPECT_EQ((n * 0.5).to_vector<double>(), (Numbers{0.5, 1, 1.5}));
    EXPECT_EQ((n / 2).to_vector<double>(), (Numbers{0.5, 1, 1.5}));
    EXPECT_EQ((n / n).dtype(), DType::f32);
    EXPECT_THROW(mean(n), DTypeError);
    const Tensor bytes = full({1000}, 255, {.dtype = u8});
    EXPECT_EQ(sum(bytes).item<std::int64_t>(), 255000);
    EXPECT_EQ((ones({2}) + Tensor(0.5)).dtype(), DType::f32);
    EXPECT_EQ((2.0 - n).dtype(), DType::f32);
    const Tensor flags = tensor({{1, 0, 1}, {1, 1, 1}}, {.dtype = boolean});
    EXPECT_EQ(matmul(flags, transpose(flags, 0, 1)).to_vector<std::int64_t>(),
              (std::vector<std::int64_t>{2, 2, 2, 3}));
}

}  // namespace
}  // namespace adjoint
