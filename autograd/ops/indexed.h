// Indexing with parentheses: x(0, slice(1, 5), all), x(mask) = 0.
#pragma once

#include <cstdint>
#include <limits>
#include <type_traits>
#include <utility>
#include <vector>

#include <adjoint/autograd/ops/reduce.h>
#include <adjoint/core/tensor/tensor.h>

namespace adjoint {

/// A range of places with Python's meaning: slice(1, 5), slice(0, to_end, 2).
struct Slice {
    std::int64_t start = 0;
    std::int64_t stop = std::numeric_limits<std::int64_t>::max();
    std::int64_t step = 1;
};
/// The end of a dimension, whatever its size.
inline constexpr std::int64_t to_end = std::numeric_limits<std::int64_t>::max();
/// Places start, start + step, .. before stop; negative ones count from the end.
constexpr Slice slice(std::int64_t start, std::int64_t stop = to_end, std::int64_t step = 1) {
    return {start, stop, step};
}
/// As many whole dimensions as are not named.
struct Ellipsis {};
/// A dimension of size 1.
struct NewAxis {};
inline constexpr Ellipsis ellipsis{};  ///< as many whole dimensions as are left
inline constexpr NewAxis new_axis{};   ///< a dimension of size 1

/// One index between the parentheses.
class ADJOINT_API Index {
  public:
    enum class Kind { at, range, whole, rest, axis, tensor };

    template <class T>
    requires(std::is_integral_v<T> && !std::is_same_v<T, bool>) Index(T at)
        : kind_(Kind::at), slice_{static_cast<std::int64_t>(at), 0, 1} {}
    Index(Slice range) : kind_(Kind::range), slice_(range) {}
    Index(All) : kind_(Kind::whole) {}
    Index(Ellipsis) noexcept : kind_(Kind::rest) {}
    Index(NewAxis) : kind_(Kind::axis) {}
    Index(Tensor places) : kind_(Kind::tensor), places_(std::move(places)) {}

    /// What it is, and the value of that kind.
    Kind kind() const noexcept { return kind_; }
    std::int64_t integer() const noexcept { return slice_.start; }
    Slice range() const noexcept { return slice_; }
    const Tensor& places() const noexcept { return places_; }

  private:
    Kind kind_;
    Slice slice_;
    Tensor places_;
};

/// What x(indices...) gives: a tensor (a view unless index tensors or masks are involved)
/// that can be assigned to.
class ADJOINT_API Indexed : public Tensor {
  public:
    Indexed(const Tensor& base, std::vector<Index> indices);

    /// Writes into the base, with broadcasting.
    /// errors: as the in-place members of Tensor.
    const Indexed& operator=(const Tensor& source) const;
    const Indexed& operator=(const Indexed& source) const {
        return *this = static_cast<const Tensor&>(source);
    }
    const Indexed& operator=(Number auto value) const { return assign(value); }
    const Indexed& operator+=(const Tensor& other) const;
    const Indexed& operator-=(const Tensor& other) const;
    const Indexed& operator*=(const Tensor& other) const;
    const Indexed& operator/=(const Tensor& other) const;
    Indexed(const Indexed&) = default;

  private:
    const Indexed& assign(const Scalar& value) const;

    Tensor base_;
    std::vector<Index> indices_;
    bool is_view_ = true;
};

template <class... Indices> Indexed Tensor::operator()(const Indices&... indices) const {
    return Indexed(*this, {Index(indices)...});
}
template <class I> Indexed Tensor::operator[](const I& index) const { return (*this)(index); }

}  // namespace adjoint
