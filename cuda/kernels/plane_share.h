// Channels of planes cut among blocks: block (share, channel) has a share of the channel's
// elements, by sizes alone.
#pragma once

#include <adjoint/cuda/kernels/packs.h>

namespace adjoint::cuda_backend {

inline constexpr int plane_threads = 256;

struct PlaneShare {
    std::uint32_t groups, shares;  // of a channel
    Divisor groups_of_plane;
    std::uint32_t channels;

    ADJOINT_HD std::uint32_t length() const { return (groups + shares - 1) / shares; }
    /// How many groups share number `which` has.
    ADJOINT_HD std::uint32_t count(std::uint32_t which) const {
        const std::uint32_t first = which * length(), rest = first < groups ? groups - first : 0;
        return rest < length() ? rest : length();
    }
    /// Calls f(place) for the groups that the thread has, by their number among those of all planes.
    template <class F> ADJOINT_DEVICE void for_each(F f) const {
        const std::uint32_t first = blockIdx.x * length(), end = first + count(blockIdx.x);
        for (std::uint32_t i = first + threadIdx.x; i < end; i += plane_threads) {
            const std::uint32_t sample = groups_of_plane.divide(i), plane = sample * channels + blockIdx.y,
                                within = i - sample * groups_of_plane.value;
            f(std::int64_t{plane} * groups_of_plane.value + within);
        }
    }
};

/// Calls f(constant<n>) with as many elements at a time as planes of `inner` elements have whole groups of.
template <class T, class F> void with_group_size(std::int64_t inner, F f) {
    constexpr int most = 16 / sizeof(T);
    if (inner % most == 0)
        f(std::integral_constant<int, most>{});
    else
        f(std::integral_constant<int, 1>{});
}

}  // namespace adjoint::cuda_backend
