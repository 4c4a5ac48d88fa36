// An image laid out for a convolution: whatever stride, padding and dilation, the pixels that one element of
// the kernel meets lie in a row.
//
// Along each axis with stride s the places are dealt out to s phases; the windows meet an element of the
// kernel in one phase, at neighbouring places. Padding is written out as zeros. So window (i, j) meets tap t
// of a channel at offset(t) + i * width + j.
#pragma once

#include <cstdint>
#include <vector>

#include <adjoint/core/contract/backend.h>

namespace adjoint::cpu {

class PreparedImage {
  public:
    /// For blocks of at most `rows` rows of the output. Padding may be negative: it crops. From each tap's
    /// first pixel on at least `readable` elements can be read.
    PreparedImage(const Windows& windows, std::int64_t channels, std::int64_t rows, std::int64_t readable);

    /// Whether the image itself is laid out like that, and nothing need be copied.
    bool direct() const { return direct_; }
    std::int64_t width() const { return width_; }
    /// Elements of a channel, and of all.
    std::int64_t plane() const { return plane_; }
    std::int64_t size() const { return direct_ ? 0 : plane_ * channels_ + readable_; }
    std::int64_t offset(std::int64_t tap) const { return offsets_[static_cast<std::size_t>(tap)]; }
    const std::int64_t* offsets() const { return offsets_.data(); }

    /// The channels at x for output rows from `first` on: in place, or copied to `memory`.
    template <class T> const T* prepare(T* memory, const T* x, std::int64_t first) const;

  private:
    struct Axis {
        std::vector<std::int64_t> phases;        // those that a tap meets
        std::vector<std::int64_t> phase, shift;  // of each tap: index into phases, places from the start
        std::int64_t start = 0, extent = 0;      // first place (in strides), places besides the windows
    };
    static Axis axis_of(const Windows& windows, int axis);

    Windows windows_;
    std::int64_t channels_, rows_, readable_, width_ = 0, plane_ = 0, phase_size_ = 0;
    bool direct_;
    Axis axes_[2];
    std::vector<std::int64_t> offsets_;
};

}  // namespace adjoint::cpu
