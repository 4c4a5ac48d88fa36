// What compositions are written with: a device's working memory, and calls over grids
// of three dimensions. Private.
#pragma once

#include <array>
#include <cstdint>

#include <adjoint/core/contract/backend.h>

// A number of operands is an int, and GCC takes it for a conversion that it sizes an array.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wsign-conversion"

namespace adjoint::composition {

/// Working memory of a device for the length of a composition.
class WorkingMemory {
  public:
    WorkingMemory(Backend& backend, std::int64_t elements, DType type);
    ~WorkingMemory() { backend_.release(data_, bytes_); }
    WorkingMemory(const WorkingMemory&) = delete;
    WorkingMemory& operator=(const WorkingMemory&) = delete;
    void* data() const noexcept { return data_; }

  private:
    Backend& backend_;
    std::size_t bytes_;
    void* data_;
};

/// A number for each dimension of a grid, the outermost first.
using Three = std::array<std::int64_t, 3>;

/// What a place of a grid reads or writes: an element at `strides` from the first; 0 where it moves not.
struct View {
    void* data = nullptr;
    DType dtype = DType::f32;
    Three strides{};

    View() = default;
    View(const void* start, DType type, const Three& steps)
        : data(const_cast<void*>(start)), dtype(type), strides(steps) {}
    /// The same from another element on.
    View from(std::int64_t element) const {
        return {static_cast<const char*>(data) + element * static_cast<std::int64_t>(size_of(dtype)), dtype,
                strides};
    }
    Operand operand() const { return {data, dtype}; }
};

/// Calls over the places of a grid. What is written may also be read, at the same places.
class Grid {
  public:
    Grid(Backend& backend, const Three& sizes, DType compute)
        : backend_(backend), sizes_(sizes), compute_(compute) {}

    std::int64_t places() const { return sizes_[0] * sizes_[1] * sizes_[2]; }
    /// An element for each place, in their order.
    View dense(const void* data, DType type) const {
        return {data, type, {sizes_[1] * sizes_[2], sizes_[2], 1}};
    }

    void fill(const View& out, double value) const;
    void map(const UnaryOp& op, const View& out, const View& x) const;
    void zip(const BinaryOp& op, const View& out, const View& a, const View& b) const;
    void select(const View& out, const View& condition, const View& a, const View& b) const;
    /// x over the dimensions that `reduced` names into `out`, which is dense over the others.
    void reduce(const ReduceOp& op, const View& out, const View& x, std::array<bool, 3> reduced) const;
    /// Operands as in call::Gather and call::Scatter.
    void gather(const Indexing& along, const View& out, const View& source, const View& index) const;
    void scatter(const Indexing& along, bool add, const View& destination, const View& source,
                 const View& index) const;

  private:
    template <int N> Loop<N> loop(const View (&views)[N]) const;

    Backend& backend_;
    Three sizes_;
    DType compute_;
};

/// A number that every place of a grid reads.
class Constant {
  public:
    Constant(Backend& backend, DType type, double value);
    const View& view() const noexcept { return view_; }

  private:
    WorkingMemory memory_;
    View view_;
};

/// The numbers 0 .. n - 1 (i64), in working memory of a device.
class Counting {
  public:
    Counting(Backend& backend, std::int64_t n);
    const void* data() const noexcept { return memory_.data(); }

  private:
    WorkingMemory memory_;
};

}  // namespace adjoint::composition

#pragma GCC diagnostic pop
