// From strides to leading dimensions and transposes.
#include <adjoint/cuda/libraries/product_key.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <type_traits>

namespace adjoint::cuda_backend {
namespace {

static_assert(std::has_unique_object_representations_v<ProductKey>);

struct Layout {
    bool transposed;
    std::int64_t leading;
};

// How a row-major rows x columns matrix enters a product as its column-major transpose.
std::optional<Layout> layout(std::int64_t rows, std::int64_t columns, std::int64_t row, std::int64_t column) {
    if ((column == 1 || columns == 1) && (row >= columns || rows == 1))
        return Layout{false, rows == 1 ? columns : row};
    if ((row == 1 || rows == 1) && (column >= rows || columns == 1))
        return Layout{true, columns == 1 ? rows : column};
    return std::nullopt;
}

std::uint8_t lowest_bit(std::uintptr_t bits) { return static_cast<std::uint8_t>(bits & (~bits + 1)); }

}  // namespace

bool ProductKey::operator==(const ProductKey& other) const noexcept {
    return std::memcmp(this, &other, sizeof(ProductKey)) == 0;
}

std::size_t ProductKeyHash::operator()(const ProductKey& key) const noexcept {
    std::uint64_t words[sizeof(ProductKey) / 8];
    static_assert(sizeof(ProductKey) % 8 == 0);
    std::memcpy(words, &key, sizeof(ProductKey));
    std::uint64_t hash = 0;
    for (const std::uint64_t word : words) {
        hash = (hash ^ word) * 0x9E3779B97F4A7C15ULL;
        hash ^= hash >> 29;
    }
    return hash;
}

std::optional<ProductPlan> plan_product(const call::MatMul& p, MatmulPrecision precision) {
    if (!is_floating(p.a.dtype) || p.k == 0) return std::nullopt;
    const auto left = layout(p.m, p.k, p.a_row, p.a_column);
    const auto right = layout(p.k, p.n, p.b_row, p.b_column);
    if (!left || !right) return std::nullopt;

    ProductPlan plan;
    ProductKey& key = plan.key;
    key.rows = p.n;
    key.columns = p.m;
    key.inner = p.k;
    key.a_leading = right->leading;
    key.b_leading = left->leading;
    key.d_leading = p.m == 1 ? p.n : p.out_row;
    key.a_transposed = right->transposed;
    key.b_transposed = left->transposed;
    key.type = p.a.dtype;
    if (p.a.dtype == DType::f32) key.precision = static_cast<std::uint8_t>(precision);
    key.bias = p.epilogue.bias != nullptr && reinterpret_cast<std::uintptr_t>(p.epilogue.bias) % 16 == 0;

    // From the innermost dimension outwards: merged with the one inside it where all strides allow.
    for (int d = p.batch_rank - 1; d >= 0; --d) {
        if (p.batch_sizes[d] == 1) continue;
        if (plan.rank > 0) {
            const int inside = plan.rank - 1;
            const std::int64_t size = plan.sizes[inside];
            if (p.b_batch[d] == plan.a_strides[inside] * size &&
                p.a_batch[d] == plan.b_strides[inside] * size &&
                p.out_batch[d] == plan.d_strides[inside] * size) {
                plan.sizes[inside] *= p.batch_sizes[d];
                continue;
            }
        }
        plan.sizes[plan.rank] = p.batch_sizes[d];
        plan.a_strides[plan.rank] = p.b_batch[d];
        plan.b_strides[plan.rank] = p.a_batch[d];
        plan.d_strides[plan.rank] = p.out_batch[d];
        ++plan.rank;
    }
    // Negative alignment is none: every address of the batch is a multiple of what is left.
    const std::uintptr_t size = size_of(p.a.dtype);
    std::uintptr_t a_bits = reinterpret_cast<std::uintptr_t>(p.b.data) | 16;
    std::uintptr_t b_bits = reinterpret_cast<std::uintptr_t>(p.a.data) | 16;
    std::uintptr_t d_bits = reinterpret_cast<std::uintptr_t>(p.out.data) | 16;
    for (int d = 0; d < plan.rank; ++d) {
        a_bits |= static_cast<std::uintptr_t>(plan.a_strides[d]) * size;
        b_bits |= static_cast<std::uintptr_t>(plan.b_strides[d]) * size;
        d_bits |= static_cast<std::uintptr_t>(plan.d_strides[d]) * size;
    }
    key.a_alignment = lowest_bit(a_bits);
    key.b_alignment = lowest_bit(b_bits);
    key.d_alignment = lowest_bit(d_bits);

    // The largest dimension is the batch of one call; the others are looped over.
    if (plan.rank > 0) {
        const int most = static_cast<int>(std::max_element(plan.sizes, plan.sizes + plan.rank) - plan.sizes);
        if (plan.sizes[most] <= std::numeric_limits<std::int32_t>::max()) {
            key.batch = static_cast<std::int32_t>(plan.sizes[most]);
            key.a_stride = plan.a_strides[most];
            key.b_stride = plan.b_strides[most];
            key.d_stride = plan.d_strides[most];
            --plan.rank;
            for (auto* values : {plan.sizes, plan.a_strides, plan.b_strides, plan.d_strides})
                values[most] = values[plan.rank];
        }
    }
    return plan;
}

}  // namespace adjoint::cuda_backend
