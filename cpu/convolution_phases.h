// What a convolution takes apart for its gradients: channels, and the phases of a stride.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include <adjoint/cpu/cpu_backend.h>
#include <adjoint/cpu/kernels/kernels.h>
#include <adjoint/cpu/tasks.h>

namespace adjoint::cpu {

// Calls f(group, channel, channels) for a few channels at a time, so that what is transposed goes from and
// to whole lines of the cache.
template <class F> void for_channels(const Convolution& c, std::int64_t elements, F f) {
    constexpr std::int64_t few = 16;
    const std::int64_t channels = c.group_channels(), pieces = (channels + few - 1) / few;
    for_pieces(c.groups * pieces, std::min(few, channels) * elements, [&](std::int64_t piece) {
        const std::int64_t first = piece % pieces * few;
        f(piece / pieces, first, std::min(few, channels - first));
    });
}

// With a stride the places of the input fall into phases, which meet every stride-th element of the kernel:
// each phase is a convolution with stride 1.
struct Phase {
    std::int64_t places = 0;                 // of the input
    std::int64_t element = 0, elements = 0;  // of the kernel: the first, and how many
    std::int64_t padding = 0;
};

// Of the input's places first, first + stride ..
inline Phase phase_of(const Windows& w, int axis, std::int64_t first) {
    const std::int64_t stride = w.stride[axis], kernel = w.kernel[axis];
    Phase p;
    p.places = std::max<std::int64_t>(0, (w.size[axis] - first + stride - 1) / stride);
    p.element = (first + w.padding[axis]) % stride;
    p.elements = std::max<std::int64_t>(0, (kernel - p.element + stride - 1) / stride);
    p.padding = p.elements - 1 - (first + w.padding[axis] - p.element) / stride;
    return p;
}

// The elements of the kernel that two phases meet, turned round: of each channel a row for each filter.
template <class T> void turn(T* to, const Convolution& c, const T* w, const Phase (&phases)[2]) {
    const Windows& windows = c.windows;
    const std::int64_t channels = c.group_channels(), filters = c.group_filters(), taps = windows.taps();
    const Phase &down = phases[0], &across = phases[1];
    const std::int64_t elements = down.elements * across.elements;
    for_channels(c, filters * taps, [&](std::int64_t group, std::int64_t channel, std::int64_t some) {
        const T* const of_group = w + group * filters * channels * taps;
        T* out = to + (group * channels + channel) * filters * elements;
        if (taps == 1)
            return kernels().transpose[sizeof(T) == 8]({.to = out,
                                                        .from = of_group + channel,
                                                        .rows = filters,
                                                        .columns = some,
                                                        .to_row = filters,
                                                        .from_row = channels});
        for (std::int64_t one = channel; one < channel + some; ++one)
            for (std::int64_t f = 0; f < filters; ++f) {
                const T* const from = of_group + (f * channels + one) * taps;
                for (std::int64_t i = down.elements; i-- > 0;)
                    for (std::int64_t j = across.elements; j-- > 0;)
                        *out++ = from[(down.element + i * windows.stride[0]) * windows.kernel[1] +
                                      across.element + j * windows.stride[1]];
            }
    });
}

// A row of `size` places from its phases, in which it is number `row`.
template <class T>
void interleave(T* to, std::int64_t size, std::int64_t stride, const std::vector<const T*>& phases,
                std::int64_t row) {
    const std::int64_t pairs = size / 2;
    if (stride == 2) {  // a loop that the compiler makes vectors of
        const T* const even = phases[0] + row * (size - pairs);
        const T* const odd = phases[1] + row * pairs;
        for (std::int64_t i = 0; i < pairs; ++i) {
            to[2 * i] = even[i];
            to[2 * i + 1] = odd[i];
        }
        if (size > 2 * pairs) to[2 * pairs] = even[pairs];
        return;
    }
    for (std::int64_t first = 0; first < std::min(stride, size); ++first) {
        const std::int64_t places = (size - first + stride - 1) / stride;
        const T* const from = phases[static_cast<std::size_t>(first)] + row * places;
        for (std::int64_t i = 0; i < places; ++i) to[first + i * stride] = from[i];
    }
}

}  // namespace adjoint::cpu
