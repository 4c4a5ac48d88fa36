// Walks over the places of a loop, and elements of any type.
#pragma once

#include <adjoint/core/base/convert.h>
#include <adjoint/core/contract/loop.h>

namespace adjoint::toy {

/// Calls f(offsets), in elements of each of N operands, for every place in row-major order.
template <int N, class F>
void for_places(int rank, const std::int64_t* sizes, const std::int64_t (*strides)[max_dims], F f) {
    std::int64_t places = 1;
    for (int d = 0; d < rank; ++d) places *= sizes[d];
    for (std::int64_t i = 0; i < places; ++i) {
        std::int64_t at[N] = {}, rest = i;
        for (int d = rank - 1; d >= 0; rest /= sizes[d--])
            for (int k = 0; k < N; ++k) at[k] += rest % sizes[d] * strides[k][d];
        f(at);
    }
}
template <int N, class F> void for_places(const Loop<N>& loop, F f) {
    for_places<N>(loop.numel == 0 ? 1 : loop.rank, loop.numel == 0 ? &loop.numel : loop.sizes, loop.strides,
                  f);
}

template <class T> T load(const Operand& x, std::int64_t at) {
    return visit_dtype(x.dtype, [&](auto type) { return convert<T>(x.as<decltype(type)>()[at]); });
}
template <class T> void store(const Operand& x, std::int64_t at, T value) {
    visit_dtype(x.dtype, [&](auto type) { x.as<decltype(type)>()[at] = convert<decltype(type)>(value); });
}

}  // namespace adjoint::toy
