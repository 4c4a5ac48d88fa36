// Phases, shifts and the copy.
#include <adjoint/cpu/prepared_image.h>

#include <algorithm>
#include <cstring>

namespace adjoint::cpu {
namespace {

std::int64_t floor_div(std::int64_t a, std::int64_t b) { return a >= 0 ? a / b : -((-a + b - 1) / b); }

// Rows are short: calls of memcpy would cost more than the copies.
template <class T> void copy_row(T* to, const T* from, std::int64_t count) {
    constexpr std::int64_t piece = 8;
    if (count < piece) {
        std::copy_n(from, count, to);
        return;
    }
    for (std::int64_t v = 0; v < count; v += piece) {
        // The last piece ends with the row.
        const std::int64_t at = std::min(v, count - piece);
        std::memcpy(to + at, from + at, piece * sizeof(T));
    }
}

}  // namespace

PreparedImage::Axis PreparedImage::axis_of(const Windows& windows, int axis) {
    Axis out;
    const std::int64_t stride = windows.stride[axis];
    out.start = floor_div(-windows.padding[axis], stride);
    for (std::int64_t tap = 0; tap < windows.kernel[axis]; ++tap) {
        const std::int64_t place = tap * windows.dilation[axis] - windows.padding[axis];
        const std::int64_t turn = floor_div(place, stride), phase = place - turn * stride;
        auto known = std::find(out.phases.begin(), out.phases.end(), phase);
        if (known == out.phases.end()) known = out.phases.insert(known, phase);
        out.phase.push_back(known - out.phases.begin());
        out.shift.push_back(turn - out.start);
        out.extent = std::max(out.extent, out.shift.back());
    }
    return out;
}

PreparedImage::PreparedImage(const Windows& windows, std::int64_t channels, std::int64_t rows,
                             std::int64_t readable)
    : windows_(windows),
      channels_(channels),
      rows_(rows),
      readable_(readable),
      axes_{axis_of(windows, 0), axis_of(windows, 1)} {
    const std::int64_t last_rows = windows.output[0] - (windows.output[0] - 1) / rows * rows;
    direct_ = (last_rows - 1) * windows.size[1] + windows.output[1] >= readable;
    for (int axis = 0; axis < 2; ++axis)
        direct_ =
            direct_ && windows.stride[axis] == 1 && windows.padding[axis] == 0 &&
            windows.output[axis] + windows.dilation[axis] * (windows.kernel[axis] - 1) <= windows.size[axis];
    width_ = direct_ ? windows.size[1] : windows.output[1] + axes_[1].extent;
    phase_size_ = (rows + axes_[0].extent) * width_;
    const auto phases = static_cast<std::int64_t>(axes_[0].phases.size() * axes_[1].phases.size());
    plane_ = direct_ ? windows.plane() : phases * phase_size_;
    // Planes a multiple of a page apart would fall into the same few lines of the cache.
    if (!direct_ && plane_ * static_cast<std::int64_t>(size_of(windows.dtype)) % 1024 == 0) plane_ += 16;
    const auto across = static_cast<std::int64_t>(axes_[1].phases.size());
    for (std::size_t i = 0; i < axes_[0].shift.size(); ++i)
        for (std::size_t j = 0; j < axes_[1].shift.size(); ++j)
            offsets_.push_back((axes_[0].phase[i] * across + axes_[1].phase[j]) *
                                   (direct_ ? 0 : phase_size_) +
                               axes_[0].shift[i] * width_ + axes_[1].shift[j]);
}

template <class T> const T* PreparedImage::prepare(T* memory, const T* x, std::int64_t first) const {
    if (direct_) return x + first * width_;
    const std::int64_t stride = windows_.stride[1];
    for (std::int64_t c = 0; c < channels_; ++c, x += windows_.plane()) {
        T* to = memory + c * plane_;
        for (const std::int64_t down : axes_[0].phases) {
            for (const std::int64_t across : axes_[1].phases) {
                // The part of a row that lies in the image.
                const std::int64_t begin = axes_[1].start * stride + across;
                const std::int64_t low = std::min(width_, begin < 0 ? (-begin + stride - 1) / stride : 0);
                const std::int64_t high = std::clamp(
                    begin < windows_.size[1] ? (windows_.size[1] - begin + stride - 1) / stride : 0, low,
                    width_);
                const bool padded = low > 0 || high < width_;
                if (padded) std::fill_n(to, phase_size_, T(0));
                for (std::int64_t row = 0; row < rows_ + axes_[0].extent; ++row, to += width_) {
                    const std::int64_t place = (axes_[0].start + first + row) * windows_.stride[0] + down;
                    if (place < 0 || place >= windows_.size[0]) {
                        if (!padded) std::fill_n(to, width_, T(0));
                        continue;
                    }
                    const T* from = x + place * windows_.size[1] + begin;
                    if (stride == 1)
                        copy_row(to + low, from + low, high - low);
                    else if (stride == 2)  // a loop that the compiler makes vectors of
                        for (std::int64_t v = low; v < high; ++v) to[v] = from[v * 2];
                    else
                        for (std::int64_t v = low; v < high; ++v) to[v] = from[v * stride];
                }
            }
        }
    }
    return memory;
}

template const float* PreparedImage::prepare(float*, const float*, std::int64_t) const;
template const double* PreparedImage::prepare(double*, const double*, std::int64_t) const;

}  // namespace adjoint::cpu
