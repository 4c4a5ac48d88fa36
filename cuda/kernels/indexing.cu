// Gather and scatter along a dimension.
#include <adjoint/cuda/cuda_backend.h>
#include <adjoint/cuda/kernels/launch.h>
#include <adjoint/cuda/kernels/places.h>

namespace adjoint::cuda_backend {

/// The indexed dimension, and where a wrong index is recorded.
struct Range {
    Fault* fault;
    const char* op;
    std::int64_t stride, size;
    bool labels;

    Range(Fault* where, const Indexing& along)
        : fault(where), op(along.op), stride(along.stride), size(along.size), labels(along.labels) {}

    /// The place that the index at `position` names; -1 if there is no such place.
    ADJOINT_DEVICE std::int64_t wrap(std::int64_t index, std::int64_t position) const {
        const std::int64_t wrapped = index < 0 && !labels ? index + size : index;
        if (wrapped >= 0 && wrapped < size) return wrapped;
        report(fault, op, index, labels ? position : -1, labels ? 0 : -size, size);
        return -1;
    }
};

/// out = source[index]; Word is an unsigned number of the elements' size,
/// since nothing is computed with them.
template <class Word>
__global__ void __launch_bounds__(spread_threads)
    gather_elements(const Range range, const Places<3> places, Word* out, const Word* source,
                    const std::int64_t* index, const std::uint32_t numel) {
    wait_for_earlier();
    const std::uint32_t step = gridDim.x * blockDim.x;
    for (std::uint32_t i = blockIdx.x * blockDim.x + threadIdx.x; i < numel; i += step) {
        std::int32_t at[3];
        places.offsets(i, at);
        const std::int64_t place = range.wrap(index[at[2]], at[2]);
        out[at[0]] = place < 0 ? Word(0) : source[at[1] + place * range.stride];
    }
}

/// The loop of a scatter in two parts: `apart` are the dimensions in which the destination moves, `together`
/// those in which several elements may go to one place.
struct ScatterLoop {
    Places<3> apart, together;
    std::uint32_t apart_count = 1, together_count = 1;
    std::uint32_t shares = 1;  // a power of two
};

/// to = from, or to += from.
template <class T> ADJOINT_DEVICE void put(T& to, T from, bool add) {
    if (!add) {
        to = from;
    } else if constexpr (std::is_same_v<T, bool>) {
        to = to || from;
    } else if constexpr (std::is_same_v<T, half> || std::is_same_v<T, bfloat16>) {
        to = T(static_cast<float>(to) + static_cast<float>(from));
    } else {
        to = static_cast<T>(to + from);
    }
}

/// A thread owns, of one line of the destination, the places whose number modulo `shares` is its own; it
/// walks over all indices of the line in their order. So no two threads meet at a place,
/// and sums have one order.
template <class T>
__global__ void __launch_bounds__(spread_threads)
    scatter_elements(const Range range, const ScatterLoop loop, const bool add, T* destination,
                     const T* source, const std::int64_t* index) {
    wait_for_earlier();
    const std::uint32_t threads = loop.apart_count * loop.shares, step = gridDim.x * blockDim.x;
    for (std::uint32_t t = blockIdx.x * blockDim.x + threadIdx.x; t < threads; t += step) {
        const std::uint32_t share = t / loop.apart_count;
        std::int32_t line[3];
        loop.apart.offsets(t - share * loop.apart_count, line);
        for (std::uint32_t k = 0; k < loop.together_count; ++k) {
            std::int32_t at[3];
            loop.together.offsets(k, at);
            const std::int64_t place = range.wrap(index[line[2] + at[2]], line[2] + at[2]);
            if (place < 0 || (static_cast<std::uint32_t>(place) & (loop.shares - 1)) != share) continue;
            put(destination[line[0] + at[0] + place * range.stride], source[line[1] + at[1]], add);
        }
    }
}

/// The place that each index of a line names; behind all others if there is no such place.
__global__ void __launch_bounds__(spread_threads)
    scatter_keys(const Range range, const Places<3> together, const std::uint32_t count, std::int64_t* keys,
                 const std::int64_t* index) {
    wait_for_earlier();
    const std::uint32_t step = gridDim.x * blockDim.x;
    for (std::uint32_t k = blockIdx.x * blockDim.x + threadIdx.x; k < count; k += step) {
        std::int32_t at[3];
        together.offsets(k, at);
        const std::int64_t place = range.wrap(index[at[2]], at[2]);
        keys[k] = place < 0 ? range.size : place;
    }
}

/// The indices of all lines are the same and have been sorted, `order` being where they stood. A thread for
/// each line and index: that at the first of equal ones goes through them.
template <class T>
__global__ void __launch_bounds__(spread_threads)
    scatter_sorted(const Range range, const ScatterLoop loop, const bool add, T* destination, const T* source,
                   const std::int64_t* keys, const std::int64_t* order) {
    wait_for_earlier();
    const std::uint32_t threads = loop.apart_count * loop.together_count, step = gridDim.x * blockDim.x;
    for (std::uint32_t t = blockIdx.x * blockDim.x + threadIdx.x; t < threads; t += step) {
        const std::uint32_t first = t / loop.apart_count;
        const std::int64_t key = keys[first];
        if (key == range.size || (first > 0 && keys[first - 1] == key)) continue;
        std::int32_t line[3];
        loop.apart.offsets(t - first * loop.apart_count, line);
        T& to = destination[line[0] + key * range.stride];
        T total = to;
        for (std::uint32_t k = first; k < loop.together_count && keys[k] == key; ++k) {
            std::int32_t at[3];
            loop.together.offsets(static_cast<std::uint32_t>(order[k]), at);
            put(total, source[line[1] + at[1]], add);
        }
        to = total;
    }
}

namespace {

// The dimensions of `loop` in which the destination moves (`apart`), or the others, in their order.
Loop<3> part_of(const Loop<3>& loop, bool apart) {
    Loop<3> part;
    for (int d = 0; d < loop.rank; ++d) {
        if ((loop.strides[0][d] != 0) != apart) continue;
        part.sizes[part.rank] = loop.sizes[d];
        for (int k = 0; k < 3; ++k) part.strides[k][part.rank] = loop.strides[k][d];
        part.numel *= loop.sizes[d];
        ++part.rank;
    }
    return part;
}

template <class F> void visit_word(std::size_t bytes, F f) {
    if (bytes == 1)
        f(std::uint8_t{});
    else if (bytes == 2)
        f(std::uint16_t{});
    else if (bytes == 4)
        f(std::uint32_t{});
    else
        f(std::uint64_t{});
}

}  // namespace

void on(CudaBackend& cuda, const call::Gather& c) {
    if (c.loop.numel == 0) return;
    const Range range(cuda.device.fault, c.along);
    for_32_bit_pieces(cuda.device, c.loop, [&](const Loop<3>& piece) {
        visit_word(size_of(piece.operands[0].dtype), [&](auto word) {
            using Word = decltype(word);
            const Spread spread(cuda.device, piece.numel);
            launch_independent(cuda.device, c.along.op, &gather_elements<Word>, spread.grid, spread.block,
                               range, places(piece), piece.operands[0].as<Word>(),
                               piece.operands[1].as<Word>(), piece.operands[2].as<std::int64_t>(),
                               static_cast<std::uint32_t>(piece.numel));
        });
    });
}

namespace {

// Whether all lines of the destination have the same indices.
bool shares_indices(const Loop<3>& apart) {
    return std::all_of(apart.strides[2], apart.strides[2] + apart.rank,
                       [](auto stride) { return stride == 0; });
}

void scatter_in_order(CudaBackend& cuda, const call::Scatter& c, const Loop<3>& piece, const Range& range,
                      const ScatterLoop& walk) {
    const std::int64_t count = walk.together_count;
    const Scratch memory(cuda.device, static_cast<std::size_t>(3 * count) * sizeof(std::int64_t));
    auto *const unsorted = memory.as<std::int64_t>(), *const keys = unsorted + count,
                *const order = keys + count;
    const Spread over_indices(cuda.device, count), spread(cuda.device, walk.apart_count * count);
    launch_independent(cuda.device, c.along.op, &scatter_keys, over_indices.grid, over_indices.block, range,
                       walk.together, walk.together_count, unsorted, piece.operands[2].as<std::int64_t>());
    cuda.run(call::Sort{.values = keys,
                        .indices = order,
                        .x = unsorted,
                        .rows = {.rows = 1, .columns = count, .dtype = DType::i64},
                        .descending = false});
    visit_dtype(piece.operands[0].dtype, [&]<class T>(T) {
        launch_independent(cuda.device, c.along.op, &scatter_sorted<T>, spread.grid, spread.block, range,
                           walk, c.add, piece.operands[0].as<T>(), piece.operands[1].as<T>(), keys, order);
    });
}

}  // namespace

// Cost: an index that all lines share is sorted where there are many; else every index is read by as many
// threads as share its line, at most 65536 of them.
void on(CudaBackend& cuda, const call::Scatter& c) {
    if (c.loop.numel == 0) return;
    const Range range(cuda.device.fault, c.along);
    for_32_bit_pieces(cuda.device, c.loop, [&](const Loop<3>& piece) {
        constexpr std::int64_t wanted_threads = 65536, many_indices = 1024;
        const Loop<3> apart = part_of(piece, true), together = part_of(piece, false);
        ScatterLoop walk;
        walk.apart = places(apart);
        walk.together = places(together);
        walk.apart_count = static_cast<std::uint32_t>(apart.numel);
        walk.together_count = static_cast<std::uint32_t>(together.numel);
        if (together.numel >= many_indices && shares_indices(apart))
            return scatter_in_order(cuda, c, piece, range, walk);
        const std::int64_t most = std::min(c.along.size, together.numel);
        walk.shares = static_cast<std::uint32_t>(
            power_of_two(std::min(most, wanted_threads / std::max<std::int64_t>(apart.numel, 1)), 1, 65536));
        visit_dtype(piece.operands[0].dtype, [&](auto type) {
            using T = decltype(type);
            const Spread spread(cuda.device, apart.numel * walk.shares);
            launch_independent(cuda.device, c.along.op, &scatter_elements<T>, spread.grid, spread.block,
                               range, walk, c.add, piece.operands[0].as<T>(), piece.operands[1].as<T>(),
                               piece.operands[2].as<std::int64_t>());
        });
    });
}

}  // namespace adjoint::cuda_backend
