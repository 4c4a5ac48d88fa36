// Gather and scatter along a dimension.
#include <cstring>

#include <adjoint/core/base/index_error.h>
#include <adjoint/cpu/cpu_backend.h>

namespace adjoint::cpu {
namespace {

// Calls f(offset 0, offset 1, offset 2) in elements for each place of the loop,
// the innermost dimension fastest.
template <class F> void for_places(const Loop<3>& loop, F f) {
    std::int64_t place[max_dims] = {}, offset[3] = {};
    for (std::int64_t i = 0; i < loop.numel; ++i) {
        f(offset[0], offset[1], offset[2]);
        for (int d = loop.rank - 1; d >= 0; --d) {
            for (int k = 0; k < 3; ++k) offset[k] += loop.strides[k][d];
            if (++place[d] < loop.sizes[d]) break;
            for (int k = 0; k < 3; ++k) offset[k] -= loop.strides[k][d] * loop.sizes[d];
            place[d] = 0;
        }
    }
}

// The index that stands at `position`.
std::int64_t checked(const Indexing& along, const std::int64_t* index, std::int64_t position) {
    const std::int64_t value = index[position];
    const std::int64_t wrapped = value < 0 && !along.labels ? value + along.size : value;
    if (wrapped < 0 || wrapped >= along.size) [[unlikely]] {
        if (along.labels) throw_index_error(along.op, value, position, 0, along.size);
        throw_index_error(along.op, value, -1, -along.size, along.size);
    }
    return wrapped;
}

// Whole rows: the innermost dimension is dense in both tensors and shares one index.
bool row_wise(const Loop<3>& loop, int dense_a, int dense_b) {
    const int last = loop.rank - 1;
    return loop.rank > 0 && loop.strides[dense_a][last] == 1 && loop.strides[dense_b][last] == 1 &&
           loop.strides[2][last] == 0;
}

Loop<3> without_last(Loop<3> loop) {
    loop.numel /= loop.sizes[loop.rank - 1];
    --loop.rank;
    return loop;
}

template <typename T> T sum_of(T a, T b) {
    if constexpr (std::is_same_v<T, bool>)
        return a || b;
    else if constexpr (std::is_same_v<T, half> || std::is_same_v<T, bfloat16>)
        return T(static_cast<float>(a) + static_cast<float>(b));
    else
        return static_cast<T>(a + b);
}

}  // namespace

void on(CpuBackend&, const call::Gather& c) {
    const Loop<3>& loop = c.loop;
    const auto* index = loop.operands[2].as<const std::int64_t>();
    const std::size_t bytes = size_of(loop.operands[0].dtype);
    char* out = loop.operands[0].as<char>();
    const char* source = loop.operands[1].as<const char>();
    const auto copy = [&](const Loop<3>& places, std::size_t run) {
        for_places(places, [&](std::int64_t to, std::int64_t from, std::int64_t at) {
            const std::int64_t place = from + checked(c.along, index, at) * c.along.stride;
            std::memcpy(out + to * static_cast<std::int64_t>(bytes),
                        source + place * static_cast<std::int64_t>(bytes), run);
        });
    };
    if (row_wise(loop, 0, 1))
        copy(without_last(loop), static_cast<std::size_t>(loop.sizes[loop.rank - 1]) * bytes);
    else
        copy(loop, bytes);
}

void on(CpuBackend&, const call::Scatter& c) {
    const Loop<3>& loop = c.loop;
    const auto* index = loop.operands[2].as<const std::int64_t>();
    visit_dtype(loop.operands[0].dtype, [&](auto type) {
        using T = decltype(type);
        T* destination = loop.operands[0].as<T>();
        const T* source = loop.operands[1].as<const T>();
        for_places(loop, [&](std::int64_t to, std::int64_t from, std::int64_t at) {
            T& place = destination[to + checked(c.along, index, at) * c.along.stride];
            place = c.add ? sum_of(place, source[from]) : source[from];
        });
    });
}

}  // namespace adjoint::cpu
