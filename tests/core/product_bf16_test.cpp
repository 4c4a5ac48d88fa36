// Products of bf16 against sums in f64: shapes around the bounds of tiles, blocks and pairs, transposed and
// strided operands, a bias. By the instructions of the level: AMX, pairs in vectors, or f32.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>
#include <limits>
#include <string_view>
#include <vector>

#include <adjoint/autograd/ops/linalg.h>
#include <adjoint/autograd/ops/shape.h>
#include <adjoint/core/base/parallel.h>
#include <adjoint/core/contract/generator.h>
#include <adjoint/core/tensor/creation.h>

namespace adjoint {
namespace {

// A matrix of m x n as it may come: dense, transposed, or every second number of a longer row.
enum class Layout { dense, transposed, strided };
Tensor matrix(std::int64_t m, std::int64_t n, Layout layout) {
    if (layout == Layout::transposed) return transpose(randn({n, m}).to(bf16), 0, 1);
    if (layout == Layout::strided) return slice(randn({m, 2 * n}).to(bf16), 1, 0, 2 * n, 2);
    return randn({m, n}).to(bf16);
}

// One rounding to bf16, and those of a sum in f32.
void expect_product(const Tensor& a, const Tensor& b, const Tensor& bias, const Tensor& c) {
    const std::int64_t m = a.size(0), n = b.size(1), k = a.size(1);
    ASSERT_EQ(c.shape(), Shape({m, n}));
    ASSERT_EQ(c.dtype(), bf16);
    const std::vector<double> x = a.to_vector<double>(), y = b.to_vector<double>(), z = c.to_vector<double>(),
                              offset = bias.defined() ? bias.to_vector<double>() : std::vector<double>();
    const auto at = [](const std::vector<double>& v, std::int64_t i) {
        return v[static_cast<std::size_t>(i)];
    };
    for (std::int64_t i = 0; i < m; ++i)
        for (std::int64_t j = 0; j < n; ++j) {
            double sum = bias.defined() ? at(offset, j) : 0, size = std::abs(sum);
            for (std::int64_t p = 0; p < k; ++p) {
                const double product = at(x, i * k + p) * at(y, p * n + j);
                sum += product;
                size += std::abs(product);
            }
            const double bound = std::abs(sum) / 256 + size * static_cast<double>(k + 1) * 0x1p-24;
            ASSERT_NEAR(at(z, i * n + j), sum, bound)
                << m << " x " << n << " x " << k << " at " << i << ", " << j;
        }
}

TEST(ProductBf16, OfAnyShape) {
    const std::string_view level = cpu_level();
    if (level != "v4-bf16" && level != "v4-amx")
        std::printf("by f32: this processor, level or build has no instructions for bf16\n");
    manual_seed(1);
    const std::int64_t shapes[][3] = {{1, 1, 1},     {1, 1, 0},       {3, 5, 2},      {14, 32, 16},
                                      {15, 33, 17},  {13, 31, 15},    {1, 70, 33},    {70, 1, 31},
                                      {29, 16, 64},  {28, 17, 801},   {5, 40, 1601},  {260, 20, 9},
                                      {3, 530, 65},  {2, 1030, 3},    {70, 130, 129}, {16, 16, 512},
                                      {17, 17, 513}, {300, 48, 1025}, {64, 64, 63}};
    for (const auto& [m, n, k] : shapes)
        for (const Layout of_a : {Layout::dense, Layout::transposed, Layout::strided})
            for (const Layout of_b : {Layout::dense, Layout::transposed, Layout::strided}) {
                const Tensor a = matrix(m, k, of_a), b = matrix(k, n, of_b);
                expect_product(a, b, {}, matmul(a, b));
            }
    const Tensor x = matrix(20, 65, Layout::dense), w = matrix(40, 65, Layout::dense),
                 bias = randn({40}).to(bf16);
    expect_product(x, transpose(w, 0, 1), bias, linear(x, w, bias));
}

TEST(ProductBf16, HasTheSameBitsForAnyNumberOfThreads) {
    manual_seed(2);
    const Tensor a = randn({150, 900}).to(bf16), b = randn({900, 200}).to(bf16);
    const int before = num_threads();
    std::vector<Tensor> results;
    for (const int threads : {1, 2, 5}) {
        set_num_threads(threads);
        results.push_back(matmul(a, b));
    }
    set_num_threads(before);
    for (const Tensor& c : results) EXPECT_EQ(c.to_vector<double>(), results[0].to_vector<double>());
}

TEST(ProductBf16, KeepsWhatIsNotFinite) {
    const double infinity = std::numeric_limits<double>::infinity();
    const Tensor a = full({16, 32}, 1).to(bf16), b = full({32, 40}, 1).to(bf16);
    const Tensor bad = b.clone();
    select(select(bad, 0, 3), 0, 0).fill_(infinity);
    select(select(bad, 0, 3), 0, 1).fill_(std::nan(""));
    const std::vector<double> c = matmul(a, bad).to_vector<double>();
    EXPECT_EQ(c[0], infinity);
    EXPECT_TRUE(std::isnan(c[1]));
    EXPECT_EQ(c[2], 32);
}

}  // namespace
}  // namespace adjoint
