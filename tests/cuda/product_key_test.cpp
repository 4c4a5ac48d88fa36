// Products as cuBLAS sees them, carried out on the host by the letter of its definition.
#include <gtest/gtest.h>

#include <adjoint/cuda/libraries/product_key.h>

#include <random>
#include <unordered_set>
#include <vector>

using namespace adjoint;
using cuda_backend::plan_product;
using cuda_backend::ProductKey;
using cuda_backend::ProductPlan;

namespace {

// d = op(a) op(b) + bias for column-major matrices, as cuBLAS documents it.
void carry_out(const ProductKey& key, const double* a, const double* b, const double* bias, double* d) {
    EXPECT_GE(key.a_leading, key.a_transposed ? key.inner : key.rows);
    EXPECT_GE(key.b_leading, key.b_transposed ? key.columns : key.inner);
    EXPECT_GE(key.d_leading, key.rows);
    for (int n = 0; n < key.batch; ++n)
        for (std::int64_t i = 0; i < key.rows; ++i)
            for (std::int64_t j = 0; j < key.columns; ++j) {
                double total = key.bias ? bias[i] : 0;
                for (std::int64_t p = 0; p < key.inner; ++p) {
                    const double left = a[n * key.a_stride +
                                          (key.a_transposed ? p + i * key.a_leading : i + p * key.a_leading)];
                    const double right = b[n * key.b_stride + (key.b_transposed ? j + p * key.b_leading
                                                                                : p + j * key.b_leading)];
                    total += left * right;
                }
                d[n * key.d_stride + i + j * key.d_leading] = total;
            }
}

void carry_out(const ProductPlan& plan, int dimension, const double* a, const double* b, const double* bias,
               double* d) {
    if (dimension == plan.rank) return carry_out(plan.key, a, b, bias, d);
    for (std::int64_t i = 0; i < plan.sizes[dimension]; ++i)
        carry_out(plan, dimension + 1, a + i * plan.a_strides[dimension], b + i * plan.b_strides[dimension],
                  bias, d + i * plan.d_strides[dimension]);
}

struct Case {
    call::MatMul product;
    std::vector<double> a, b, bias, out, expected;
};

std::vector<double> numbers(std::int64_t count, std::mt19937& random) {
    std::vector<double> values(static_cast<std::size_t>(count));
    for (double& value : values) value = static_cast<int>(random() % 17) - 8;
    return values;
}

// A product of dense operands, each plain or transposed, whose batch is in order, swapped or broadcast.
Case make_case(std::int64_t m, std::int64_t n, std::int64_t k, std::vector<std::int64_t> batch,
               unsigned seed) {
    std::mt19937 random(seed);
    Case c;
    call::MatMul& p = c.product;
    p.m = m, p.n = n, p.k = k;
    p.out_row = n;
    const bool a_transposed = random() % 2, b_transposed = random() % 2;
    p.a_row = a_transposed ? 1 : k + static_cast<std::int64_t>(random() % 3);
    p.a_column = a_transposed ? m + static_cast<std::int64_t>(random() % 3) : 1;
    p.b_row = b_transposed ? 1 : n + static_cast<std::int64_t>(random() % 3);
    p.b_column = b_transposed ? k + static_cast<std::int64_t>(random() % 3) : 1;
    if (k == 1) p.a_column = p.b_row = 7;  // the stride of one element says nothing
    const std::int64_t a_size = (m - 1) * p.a_row + (k - 1) * p.a_column + 1;
    const std::int64_t b_size = (k - 1) * p.b_row + (n - 1) * p.b_column + 1;
    std::int64_t a_step = a_size, b_step = b_size, out_step = m * n;
    p.batch_rank = static_cast<int>(batch.size());
    for (int d = p.batch_rank - 1; d >= 0; --d) {
        const std::int64_t size = p.batch_sizes[d] = batch[static_cast<std::size_t>(d)];
        const unsigned broadcast = random() % 4;
        p.a_batch[d] = broadcast == 0 ? 0 : a_step;
        p.b_batch[d] = broadcast == 1 ? 0 : b_step;
        p.out_batch[d] = out_step;
        if (broadcast != 0) a_step *= size;
        if (broadcast != 1) b_step *= size;
        out_step *= size;
    }
    c.a = numbers(a_step, random);
    c.b = numbers(b_step, random);
    c.bias = numbers(n, random);
    c.out.assign(static_cast<std::size_t>(out_step), -1000);
    c.expected = c.out;
    const bool with_bias = random() % 2;
    std::int64_t products = 1;
    for (std::int64_t size : batch) products *= size;
    for (std::int64_t i = 0; i < products; ++i) {
        std::int64_t rest = i, a = 0, b = 0, out = 0;
        for (int d = p.batch_rank - 1; d >= 0; --d) {
            a += rest % p.batch_sizes[d] * p.a_batch[d];
            b += rest % p.batch_sizes[d] * p.b_batch[d];
            out += rest % p.batch_sizes[d] * p.out_batch[d];
            rest /= p.batch_sizes[d];
        }
        for (std::int64_t row = 0; row < m; ++row)
            for (std::int64_t column = 0; column < n; ++column) {
                double total = with_bias ? c.bias[static_cast<std::size_t>(column)] : 0;
                for (std::int64_t x = 0; x < k; ++x)
                    total += c.a[static_cast<std::size_t>(a + row * p.a_row + x * p.a_column)] *
                             c.b[static_cast<std::size_t>(b + x * p.b_row + column * p.b_column)];
                c.expected[static_cast<std::size_t>(out + row * p.out_row + column)] = total;
            }
    }
    p.a = {c.a.data(), DType::f64};
    p.b = {c.b.data(), DType::f64};
    p.out = {c.out.data(), DType::f64};
    if (with_bias) p.epilogue.bias = c.bias.data();
    return c;
}

}  // namespace

TEST(ProductPlan, ComputesTheProduct) {
    const std::int64_t sizes[] = {1, 2, 3, 5};
    const std::vector<std::vector<std::int64_t>> batches = {{}, {1}, {4}, {3, 2}, {2, 1, 3}};
    unsigned seed = 0;
    for (std::int64_t m : sizes)
        for (std::int64_t n : sizes)
            for (std::int64_t k : sizes)
                for (const auto& batch : batches)
                    for (int repeat = 0; repeat < 8; ++repeat) {
                        Case c = make_case(m, n, k, batch, ++seed);
                        const auto plan = plan_product(c.product, MatmulPrecision::highest);
                        ASSERT_TRUE(plan) << m << " " << n << " " << k;
                        carry_out(*plan, 0, c.b.data(), c.a.data(), c.bias.data(), c.out.data());
                        ASSERT_EQ(c.out, c.expected) << m << " " << n << " " << k << ", case " << seed;
                    }
}

TEST(ProductPlan, RegularBatchesAreOneCall) {
    Case c = make_case(3, 4, 5, {}, 1);
    call::MatMul& p = c.product;
    p.batch_rank = 2;
    p.batch_sizes[0] = 6, p.batch_sizes[1] = 7;
    p.a_batch[0] = 7 * 15, p.a_batch[1] = 15;
    p.b_batch[0] = p.b_batch[1] = 0;
    p.out_batch[0] = 7 * 12, p.out_batch[1] = 12;
    const auto plan = plan_product(p, MatmulPrecision::highest);
    ASSERT_TRUE(plan);
    EXPECT_EQ(plan->rank, 0);
    EXPECT_EQ(plan->key.batch, 42);
    EXPECT_EQ(plan->key.a_stride, 0);
    EXPECT_EQ(plan->key.b_stride, 15);
    p.a_batch[0] = 7 * 15 + 1;
    const auto irregular = plan_product(p, MatmulPrecision::highest);
    ASSERT_TRUE(irregular);
    EXPECT_EQ(irregular->rank, 1);
    EXPECT_EQ(irregular->key.batch, 7);
    EXPECT_EQ(irregular->sizes[0], 6);
    p.a_batch[0] = 7 * 15;
    p.out_batch[0] = 7 * 12 + 4;
    EXPECT_EQ(plan_product(p, MatmulPrecision::highest)->rank, 1) << "gaps in the result";
}

TEST(ProductPlan, LeavesTheRestToOurKernel) {
    Case c = make_case(3, 4, 5, {}, 1);
    call::MatMul p = c.product;
    p.a_row = 20, p.a_column = 2;
    EXPECT_FALSE(plan_product(p, MatmulPrecision::highest)) << "no stride is 1";
    p = c.product;
    p.a_row = 0, p.a_column = 1;
    EXPECT_FALSE(plan_product(p, MatmulPrecision::highest)) << "rows that overlap";
    p = c.product;
    p.k = 0;
    EXPECT_FALSE(plan_product(p, MatmulPrecision::highest)) << "nothing to add";
    p = c.product;
    p.a.dtype = p.b.dtype = p.out.dtype = DType::i64;
    EXPECT_FALSE(plan_product(p, MatmulPrecision::highest)) << "integers";
}

TEST(ProductPlan, KeysTellProductsApart) {
    Case c = make_case(8, 8, 8, {}, 3);
    call::MatMul p = c.product;
    p.a_row = p.b_row = p.out_row = 8;
    p.a_column = p.b_column = 1;
    p.epilogue = {};
    std::vector<ProductKey> keys;
    const auto add = [&](const call::MatMul& product, MatmulPrecision precision) {
        keys.push_back(plan_product(product, precision)->key);
    };
    add(p, MatmulPrecision::highest);
    for (DType type : {DType::f32, DType::f16, DType::bf16}) {
        p.a.dtype = p.b.dtype = p.out.dtype = type;
        add(p, MatmulPrecision::highest);
    }
    p.a.dtype = p.b.dtype = p.out.dtype = DType::f32;
    add(p, MatmulPrecision::high);
    add(p, MatmulPrecision::medium);
    p.out.data = static_cast<char*>(p.out.data) + 4;
    add(p, MatmulPrecision::highest);
    p.b_row = 1, p.b_column = 8;
    add(p, MatmulPrecision::highest);
    p.epilogue.bias = c.bias.data();
    add(p, MatmulPrecision::highest);
    EXPECT_EQ(keys[6].d_alignment, 4);
    EXPECT_EQ(keys[6].a_alignment, 16);
    const std::unordered_set<ProductKey, cuda_backend::ProductKeyHash> distinct(keys.begin(), keys.end());
    EXPECT_EQ(distinct.size(), keys.size());

    // The precision of f32 says nothing of other types.
    p.a.dtype = p.b.dtype = p.out.dtype = DType::f64;
    EXPECT_EQ(plan_product(p, MatmulPrecision::high)->key, plan_product(p, MatmulPrecision::highest)->key);
}
