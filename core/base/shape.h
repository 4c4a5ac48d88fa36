// The sizes of a tensor: up to eight dimensions held inline, with the arithmetic of broadcasting and strides.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <iosfwd>
#include <span>
#include <string>
#include <vector>

#include <adjoint/core/base/export.h>

namespace adjoint {

/// The most dimensions of a tensor.
inline constexpr int max_dims = 8;

/// A short list of sizes, strides or dimension numbers.
/// errors: ShapeError beyond eight dimensions.
class ADJOINT_API Shape {
  public:
    constexpr Shape() noexcept = default;
    Shape(std::initializer_list<std::int64_t> sizes) { assign({sizes.begin(), sizes.size()}); }
    Shape(std::span<const std::int64_t> sizes) { assign(sizes); }
    Shape(const std::vector<std::int64_t>& sizes) { assign(sizes); }

    /// `rank` dimensions, each of size `value`.
    static Shape filled(int rank, std::int64_t value);

    int size() const noexcept { return rank_; }
    bool empty() const noexcept { return rank_ == 0; }
    std::int64_t operator[](int i) const noexcept { return sizes_[i]; }
    std::int64_t& operator[](int i) noexcept { return sizes_[i]; }
    const std::int64_t* begin() const noexcept { return sizes_; }
    const std::int64_t* end() const noexcept { return sizes_ + rank_; }
    std::int64_t* begin() noexcept { return sizes_; }
    std::int64_t* end() noexcept { return sizes_ + rank_; }
    /// The last size, of which there has to be one.
    std::int64_t back() const noexcept { return sizes_[rank_ - 1]; }

    /// One dimension more, at the end or at a position; one less.
    void push_back(std::int64_t size);
    void insert(int position, std::int64_t size);
    void erase(int position) noexcept;

    /// Product of the sizes, 1 for rank 0.
    /// errors: ShapeError when it exceeds int64.
    std::int64_t numel() const;

    friend bool operator==(const Shape& a, const Shape& b) noexcept {
        if (a.rank_ != b.rank_) return false;
        for (int i = 0; i < a.rank_; ++i)
            if (a.sizes_[i] != b.sizes_[i]) return false;
        return true;
    }
    /// As to_string().
    ADJOINT_API friend std::ostream& operator<<(std::ostream& out, const Shape& shape);

  private:
    void assign(std::span<const std::int64_t> sizes);

    std::int64_t sizes_[max_dims]{};
    int rank_ = 0;
};

/// "(2, 3)", "(5,)", "()".
ADJOINT_API std::string to_string(const Shape& shape);

/// The strides of a dense row-major tensor of these sizes.
inline Shape dense_strides(const Shape& sizes) noexcept {
    Shape strides = sizes;
    std::int64_t step = 1;
    for (int i = sizes.size() - 1; i >= 0; --i) {
        strides[i] = step;
        if (sizes[i] > 1 && __builtin_mul_overflow(step, sizes[i], &step))
            step = 0;  // only where nothing is stored
    }
    return strides;
}

/// Whether elements of these sizes and strides lie in row-major order without gaps.
ADJOINT_API bool is_dense(const Shape& sizes, const Shape& strides) noexcept;

/// The shape two operands broadcast to, as in NumPy.
/// errors: ShapeError naming `op` and both shapes.
ADJOINT_API Shape broadcast_shapes(const char* op, const Shape& a, const Shape& b);

/// A dimension number in [-rank, rank) made non-negative; a 0-d tensor accepts 0 and -1.
/// errors: IndexError.
ADJOINT_API int wrap_dim(const char* op, std::int64_t dim, int rank);

/// a * b.
/// errors: ShapeError when the product exceeds int64.
ADJOINT_API std::int64_t checked_mul(std::int64_t a, std::int64_t b);

}  // namespace adjoint
