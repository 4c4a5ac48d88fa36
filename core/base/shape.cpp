// Sizes, strides and broadcasting.
#include <adjoint/core/base/shape.h>

#include <algorithm>
#include <ostream>

#include <adjoint/core/base/format.h>

namespace adjoint {

void Shape::assign(std::span<const std::int64_t> sizes) {
    check<ShapeError>(sizes.size() <= max_dims, "shape: {} dimensions, at most {} are supported",
                      sizes.size(), max_dims);
    std::copy(sizes.begin(), sizes.end(), sizes_);
    rank_ = static_cast<int>(sizes.size());
}

Shape Shape::filled(int rank, std::int64_t value) {
    Shape shape;
    for (int i = 0; i < rank; ++i) shape.push_back(value);
    return shape;
}

void Shape::push_back(std::int64_t size) { insert(rank_, size); }

void Shape::insert(int position, std::int64_t size) {
    check<ShapeError>(rank_ < max_dims, "shape: more than {} dimensions are not supported", max_dims);
    for (int i = rank_; i > position; --i) sizes_[i] = sizes_[i - 1];
    sizes_[position] = size;
    ++rank_;
}

void Shape::erase(int position) noexcept {
    for (int i = position; i + 1 < rank_; ++i) sizes_[i] = sizes_[i + 1];
    --rank_;
}

std::int64_t Shape::numel() const {
    std::int64_t product = 1;
    bool zero = false, overflow = false;
    for (const std::int64_t size : *this) {
        zero = zero || size == 0;
        overflow = __builtin_mul_overflow(product, size, &product) || overflow;
    }
    if (zero) return 0;
    check<ShapeError>(!overflow, "shape: the number of elements of {} exceeds 2^63", *this);
    return product;
}

std::string to_string(const Shape& shape) {
    if (shape.size() == 1) return fmt::format("({},)", shape[0]);
    return fmt::format("({})", fmt::join(shape.begin(), shape.end(), ", "));
}

std::ostream& operator<<(std::ostream& out, const Shape& shape) { return out << to_string(shape); }

bool is_dense(const Shape& sizes, const Shape& strides) noexcept {
    if (std::find(sizes.begin(), sizes.end(), 0) != sizes.end()) return true;
    std::int64_t step = 1;
    for (int d = sizes.size() - 1; d >= 0; --d) {
        if (sizes[d] != 1 && strides[d] != step) return false;
        step *= sizes[d];
    }
    return true;
}

Shape broadcast_shapes(const char* op, const Shape& a, const Shape& b) {
    if (a == b) return a;
    const Shape& longer = a.size() >= b.size() ? a : b;
    const Shape& shorter = a.size() >= b.size() ? b : a;
    Shape out = longer;
    const int shift = longer.size() - shorter.size();
    for (int i = 0; i < shorter.size(); ++i) {
        const std::int64_t x = longer[i + shift], y = shorter[i];
        check<ShapeError>(
            x == y || x == 1 || y == 1,
            "{}: shapes {} and {} do not broadcast: {} against {} in dimension {} from the right", op, a, b,
            x, y, shorter.size() - i);
        if (x == 1) out[i + shift] = y;
    }
    return out;
}

int wrap_dim(const char* op, std::int64_t dim, int rank) {
    const std::int64_t limit = std::max(rank, 1);
    check<IndexError>(dim >= -limit && dim < limit, "{}: dimension {} is outside [{}, {}) of a {}-d tensor",
                      op, dim, -limit, limit, rank);
    return static_cast<int>(dim < 0 ? dim + limit : dim);
}

std::int64_t checked_mul(std::int64_t a, std::int64_t b) {
    std::int64_t product = 0;
    check<ShapeError>(!__builtin_mul_overflow(a, b, &product), "shape: {} x {} exceeds 2^63", a, b);
    return product;
}

}  // namespace adjoint
