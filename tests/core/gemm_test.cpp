// Tests of the matrix product against a plain loop in long double: shapes around the tile bounds, strides,
// epilogues, and the same bits for any number of threads. Built for the compiler's own instruction set.
#include <algorithm>
#include <cmath>
#include <limits>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#define ADJOINT_ISA test_isa
#include <adjoint/core/base/parallel.h>
#include <adjoint/core/contract/backend.h>
#include <adjoint/cpu/gemm.h>

namespace adjoint::cpu {
namespace {

using test_isa::Gemm;

template <typename T> std::vector<T> numbers(std::int64_t count, unsigned seed) {
    std::vector<T> v(static_cast<std::size_t>(count));
    for (auto& x : v) {
        seed = seed * 1664525u + 1013904223u;
        x = static_cast<T>(static_cast<int>(seed >> 8) % 2001 - 1000) / T(500);
    }
    return v;
}

struct Layout {
    bool transpose_a, transpose_b;
    std::int64_t stride;  // elements between neighbours in the dense direction
};

template <typename T>
void check(std::int64_t m, std::int64_t n, std::int64_t k, Layout layout = {false, false, 1}, T beta = 0,
           bool with_bias = false, Activation activation = Activation::none) {
    const auto [ta, tb, s] = layout;
    const std::int64_t pad = 3;  // C's rows are further apart than its columns need
    const auto a = numbers<T>(m * k * s + 1, 1);
    const auto b = numbers<T>(k * n * s + 1, 2);
    const auto bias = numbers<T>(n, 3);
    const auto before = numbers<T>(m * (n + pad), 4);
    auto c = before;
    Gemm<T> g{m,
              n,
              k,
              a.data(),
              (ta ? 1 : k) * s,
              (ta ? m : 1) * s,
              b.data(),
              (tb ? 1 : n) * s,
              (tb ? k : 1) * s,
              c.data(),
              n + pad};
    g.beta = beta;
    g.epilogue.bias = with_bias ? bias.data() : nullptr;
    g.epilogue.activation = activation;
    // ReLU is done in registers unless its sums are wanted; the functions of what is kept are another path.
    auto sums = before;
    const bool keeps = activation == Activation::silu;
    if (keeps) g.epilogue.sums = sums.data();
    test_isa::gemm(g);
    const auto at = [](const std::vector<T>& v, std::int64_t i) { return v[static_cast<std::size_t>(i)]; };
    for (std::int64_t i = 0; i < m; ++i) {
        for (std::int64_t j = 0; j < n; ++j) {
            long double sum = 0;
            long double size = 0;
            for (std::int64_t p = 0; p < k; ++p) {
                const long double x = static_cast<long double>(at(a, i * g.a_row + p * g.a_column)) *
                                      static_cast<long double>(at(b, p * g.b_row + j * g.b_column));
                sum += x;
                size += std::abs(x);
            }
            sum += beta != T(0) ? static_cast<long double>(beta * at(before, i * (n + pad) + j)) : 0;
            if (with_bias) sum += static_cast<long double>(at(bias, j));
            if (keeps) {
                ASSERT_NEAR(static_cast<double>(at(sums, i * (n + pad) + j)), static_cast<double>(sum),
                            static_cast<double>((size + 10) * std::numeric_limits<T>::epsilon() * 8));
                sum /= 1 + std::exp(-sum);
            }
            if (activation == Activation::relu) sum = std::max(sum, 0.0L);
            if (activation == Activation::tanh) sum = std::tanh(sum);
            const auto bound = static_cast<double>((size + 10) * std::numeric_limits<T>::epsilon() * 8);
            ASSERT_NEAR(static_cast<double>(at(c, i * (n + pad) + j)), static_cast<double>(sum), bound)
                << m << 'x' << n << 'x' << k << " at " << i << ',' << j;
        }
        for (std::int64_t j = n; j < n + pad; ++j) {
            ASSERT_EQ(at(c, i * (n + pad) + j), at(before, i * (n + pad) + j)) << "wrote beyond the row";
        }
    }
}

template <typename T> class GemmTest : public ::testing::Test {};
using Types = ::testing::Types<float, double>;
TYPED_TEST_SUITE(GemmTest, Types);

TYPED_TEST(GemmTest, shapes_around_the_tile_bounds) {
    for (const std::int64_t m : {1, 2, 3, 5, 7, 13, 14, 15, 28, 29}) {
        for (const std::int64_t n : {1, 4, 8, 10, 16, 17, 31, 32, 33, 65}) {
            for (const std::int64_t k : {1, 2, 15, 16, 17, 40}) {
                check<TypeParam>(m, n, k);
                check<TypeParam>(m, n, k, {true, false, 1});
                check<TypeParam>(m, n, k, {false, true, 1});
            }
        }
    }
}

TYPED_TEST(GemmTest, blocks_in_every_direction) {
    for (const bool ta : {false, true}) {
        for (const bool tb : {false, true}) check<TypeParam>(261, 523, 301, {ta, tb, 1});
    }
    check<TypeParam>(9, 33, 1100, {false, true, 1}, TypeParam(1), true, Activation::relu);
    check<TypeParam>(261, 2100, 410, {false, true, 1}, TypeParam(0), true, Activation::silu);
    check<TypeParam>(600, 10, 70);
}

TYPED_TEST(GemmTest, strides_that_are_contiguous_nowhere) {
    for (const bool ta : {false, true}) {
        for (const bool tb : {false, true}) check<TypeParam>(37, 45, 29, {ta, tb, 3});
    }
}

TYPED_TEST(GemmTest, epilogues) {
    for (const std::int64_t n : {10, 32, 70}) {
        for (const TypeParam beta : {TypeParam(0), TypeParam(1), TypeParam(-0.5)}) {
            for (const bool bias : {false, true}) {
                for (const Activation then :
                     {Activation::none, Activation::relu, Activation::tanh, Activation::silu}) {
                    // With its sums kept elsewhere C is written only.
                    const TypeParam old = then == Activation::silu ? TypeParam(0) : beta;
                    check<TypeParam>(30, n, 20, {false, true, 1}, old, bias, then);
                    check<TypeParam>(3, n, 600, {false, false, 1}, old, bias, then);
                    check<TypeParam>(4, n, 0, {false, false, 1}, old, bias, then);
                    check<TypeParam>(3, 4, n / 10, {true, false, 1}, old, bias, then);
                }
            }
        }
    }
}

TYPED_TEST(GemmTest, beta_zero_does_not_read_c_and_relu_keeps_nan) {
    const auto nan = std::numeric_limits<TypeParam>::quiet_NaN();
    for (const std::int64_t n : {2, 40}) {
        std::vector<TypeParam> a(4, 1), b, c(static_cast<std::size_t>(2 * n), nan), expected;
        for (std::int64_t row = 0; row < 2; ++row)
            for (std::int64_t j = 0; j < n; ++j) b.push_back(TypeParam(row == 0 ? 2 - j : -1));
        for (std::int64_t j = 0; j < n; ++j) expected.push_back(TypeParam(std::max<std::int64_t>(1 - j, 0)));
        expected.insert(expected.end(), expected.begin(), expected.begin() + n);
        Gemm<TypeParam> g{2, n, 2, a.data(), 2, 1, b.data(), n, 1, c.data(), n};
        g.epilogue.activation = Activation::relu;
        test_isa::gemm(g);
        EXPECT_EQ(c, expected);
        a[0] = nan;
        test_isa::gemm(g);
        EXPECT_TRUE(std::all_of(c.begin(), c.begin() + n, [](TypeParam x) { return std::isnan(x); }));
        EXPECT_TRUE(std::equal(c.begin() + n, c.end(), expected.begin() + n));
    }
}

TYPED_TEST(GemmTest, same_bits_for_any_number_of_threads) {
    for (const auto& [m, n, k] :
         {std::tuple{300, 700, 500}, {1000, 40, 700}, {64, 800, 784}, {2000, 10, 2000}}) {
        const auto a = numbers<TypeParam>(m * k, 1);
        const auto b = numbers<TypeParam>(k * n, 2);
        std::vector<TypeParam> results[3];
        int i = 0;
        for (const int threads : {1, 2, 5}) {
            set_num_threads(threads);
            auto& c = results[i++];
            c.resize(static_cast<std::size_t>(m) * static_cast<std::size_t>(n));
            test_isa::gemm(Gemm<TypeParam>{m, n, k, a.data(), k, 1, b.data(), n, 1, c.data(), n});
        }
        EXPECT_EQ(results[0], results[1]) << m;
        EXPECT_EQ(results[0], results[2]) << m;
    }
}

// Whatever tile an element falls into, and also where no kernel is called; with the machine's instructions.
TYPED_TEST(GemmTest, a_part_has_the_bits_of_the_whole) {
    if (cpu_blas() != std::string_view("own")) GTEST_SKIP() << cpu_blas() << " does not promise it";
    const std::int64_t m = 40, n = 70, k = 9;
    const auto a = numbers<TypeParam>(m * k, 1), b = numbers<TypeParam>(k * n, 2);
    const auto product_of = [&](std::int64_t i, std::int64_t j, std::int64_t rows, std::int64_t columns) {
        std::vector<TypeParam> c(static_cast<std::size_t>(rows * columns));
        const DType type = dtype_of<TypeParam>;
        call::MatMul product;
        product.a = {const_cast<TypeParam*>(a.data() + i * k), type};
        product.b = {const_cast<TypeParam*>(b.data() + j), type};
        product.out = {c.data(), type};
        product.m = rows, product.n = columns, product.k = k, product.out_row = columns;
        product.a_row = k, product.a_column = 1, product.b_row = n, product.b_column = 1;
        cpu_backend().run(product);
        return c;
    };
    const auto whole = product_of(0, 0, m, n);
    for (const auto& [i, j, rows, columns] : {std::tuple{0, 0, 1, 1},
                                              {3, 5, 2, 3},
                                              {17, 33, 1, 7},
                                              {20, 8, 7, 1},
                                              {5, 60, 30, 10},
                                              {38, 2, 2, 64}}) {
        const auto part = product_of(i, j, rows, columns);
        for (int row = 0; row < rows; ++row)
            for (int column = 0; column < columns; ++column)
                ASSERT_EQ(part[static_cast<std::size_t>(row * columns + column)],
                          whole[static_cast<std::size_t>((i + row) * n + j + column)])
                    << rows << 'x' << columns << " at " << row << ',' << column;
    }
}

// Through whatever library the build has chosen: rows and columns at any distance, also 0 and overlapping.
TYPED_TEST(GemmTest, strides_of_every_kind) {
    const std::int64_t m = 3, n = 4, k = 5;
    const auto a = numbers<TypeParam>(64, 1), b = numbers<TypeParam>(64, 2);
    const std::pair<std::int64_t, std::int64_t> strides[] = {{7, 1}, {1, 7}, {0, 1}, {1, 0}, {1, 1},
                                                             {0, 0}, {2, 1}, {1, 2}, {9, 2}};
    const DType type = dtype_of<TypeParam>;
    for (const auto& [a_row, a_column] : strides)
        for (const auto& [b_row, b_column] : strides) {
            std::vector<TypeParam> c(static_cast<std::size_t>(m * n));
            call::MatMul product;
            product.a = {const_cast<TypeParam*>(a.data()), type};
            product.b = {const_cast<TypeParam*>(b.data()), type};
            product.out = {c.data(), type};
            product.m = m, product.n = n, product.k = k, product.out_row = n;
            product.a_row = a_row, product.a_column = a_column;
            product.b_row = b_row, product.b_column = b_column;
            cpu_backend().run(product);
            for (std::int64_t i = 0; i < m; ++i)
                for (std::int64_t j = 0; j < n; ++j) {
                    double sum = 0;
                    for (std::int64_t p = 0; p < k; ++p)
                        sum += static_cast<double>(a[static_cast<std::size_t>(i * a_row + p * a_column)]) *
                               static_cast<double>(b[static_cast<std::size_t>(p * b_row + j * b_column)]);
                    ASSERT_NEAR(static_cast<double>(c[static_cast<std::size_t>(i * n + j)]), sum, 1e-5)
                        << a_row << ' ' << a_column << ", " << b_row << ' ' << b_column;
                }
        }
}

}  // namespace
}  // namespace adjoint::cpu
