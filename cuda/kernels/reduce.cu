// Reductions and argmax: a block of `outputs` x `lanes` threads, each with a strided share of the elements,
// combined by halving; long reductions are cut into segments whose results are reduced in turn.
//
// The shape of a block and the segments follow from the sizes alone, so the order of each sum is fixed. A
// thread adds up at most some tens of elements before it meets another. Where elements or outputs lie side by
// side a thread takes packs of them, four loads under way at a time.
#include <adjoint/cuda/cuda_backend.h>
#include <adjoint/cuda/kernels/fold.h>
#include <adjoint/cuda/kernels/launch.h>
#include <adjoint/cuda/kernels/packs.h>
#include <adjoint/cuda/kernels/places.h>

namespace adjoint::cuda_backend {

/// Numbers under a functor of functors/reduce.h.
template <class Op, class T> struct Folding {
    using Element = T;
    using State = T;
    ADJOINT_HD static State start() { return Op::template start<T>(); }
    ADJOINT_HD static State one(T x, std::int64_t) { return x; }
    ADJOINT_HD static State combine(State a, State b) { return Op{}.template value<T>(a, b); }
    ADJOINT_HD static T result(State a) { return a; }
    using Result = T;
};

/// The place of the first extreme element; the first NaN wins.
template <bool largest, class T> struct Finding {
    using Element = T;
    using Result = std::int64_t;
    struct State {
        T value;
        std::int64_t place;  // -1: nothing seen
    };
    ADJOINT_HD static State start() { return {T(0), -1}; }
    ADJOINT_HD static State one(T x, std::int64_t place) { return {x, place}; }
    ADJOINT_HD static State combine(State a, State b) {
        if (a.place < 0) return b;
        if (b.place < 0) return a;
        const bool nan_a = a.value != a.value, nan_b = b.value != b.value;
        const bool first = a.place < b.place;
        if (nan_a || nan_b) return nan_a && (!nan_b || first) ? a : b;
        if (a.value == b.value) return first ? a : b;
        return (a.value > b.value) == largest ? a : b;
    }
    ADJOINT_HD static std::int64_t result(State a) { return a.place; }
};

inline constexpr int reduce_threads = warp_size * warp_size, pack_threads = 256;

/// How the threads of a block share the work. Neighbouring threads take neighbouring outputs, or neighbouring
/// elements of one reduction: whatever is adjacent in memory.
struct ReduceShape {
    unsigned outputs = 1, lanes = 1;  // of a block
    bool lanes_adjacent = true;
    std::int64_t segment = 0;  // elements that a block takes of each reduction
};

/// Where offsets come from: 32-bit divisions, or 64-bit ones for what is too large for them.
struct NarrowWalk {
    Places<1> kept, reduced;
    ADJOINT_HD std::int64_t output(std::int64_t i) const { return offset(kept, i); }
    ADJOINT_HD std::int64_t element(std::int64_t i) const { return offset(reduced, i); }
    ADJOINT_HD static std::int64_t offset(const Places<1>& places, std::int64_t i) {
        std::int32_t at[1];
        places.offsets(static_cast<std::uint32_t>(i), at);
        return at[0];
    }
};

struct WideWalk {
    struct Side {
        int rank;
        std::int64_t sizes[max_dims], strides[max_dims];
    };
    Side kept, reduced;
    ADJOINT_HD std::int64_t output(std::int64_t i) const { return offset(kept, i); }
    ADJOINT_HD std::int64_t element(std::int64_t i) const { return offset(reduced, i); }
    ADJOINT_HD static std::int64_t offset(const Side& side, std::int64_t i) {
        std::int64_t at = 0;
        for (int d = side.rank - 1; d >= 0; --d) {
            at += i % side.sizes[d] * side.strides[d];
            i /= side.sizes[d];
        }
        return at;
    }
};

/// Elements of the tensor.
template <class R, class Walk> struct TensorSource {
    Walk walk;
    const void* data;
    DType type;
    ADJOINT_DEVICE typename R::State get(std::int64_t base, std::int64_t i) const {
        return R::one(load<typename R::Element>(data, type, base + walk.element(i)), i);
    }
    ADJOINT_DEVICE std::int64_t base(std::int64_t output) const { return walk.output(output); }
};

/// Results of segments: `count` per output.
template <class R> struct SegmentSource {
    const typename R::State* states;
    std::int64_t count;
    ADJOINT_DEVICE typename R::State get(std::int64_t base, std::int64_t i) const { return states[base + i]; }
    ADJOINT_DEVICE std::int64_t base(std::int64_t output) const { return output * count; }
};

/// What a thread of a block of `outputs` x `lanes` has: output x of the block, of its elements first + lane,
/// first + lane + lanes, ... below end.
struct ReduceShare {
    unsigned x, lane, lanes;
    std::int64_t output, first, end;
    bool mine;  // there is such an output
    ADJOINT_DEVICE ReduceShare(const ReduceShape& shape, std::int64_t outputs, std::int64_t length)
        : x(shape.lanes_adjacent ? threadIdx.x / shape.lanes : threadIdx.x % shape.outputs),
          lane(shape.lanes_adjacent ? threadIdx.x % shape.lanes : threadIdx.x / shape.outputs),
          lanes(shape.lanes),
          output(std::int64_t{blockIdx.x} * shape.outputs + x),
          first(blockIdx.y * shape.segment),
          end(first + shape.segment < length ? first + shape.segment : length),
          mine(x < shape.outputs && output < outputs) {}

    /// Calls f(k, get(i)) for the share's elements i, the k-th of `loads` that are under way together.
    template <int loads, class Get, class F> ADJOINT_DEVICE void for_each(Get get, F f) const {
        std::int64_t i = first + lane;
        for (; i + (loads - 1) * std::int64_t{lanes} < end; i += loads * std::int64_t{lanes}) {
            decltype(get(i)) some[loads];
            ADJOINT_UNROLL
            for (int k = 0; k < loads; ++k) some[k] = get(i + k * std::int64_t{lanes});
            ADJOINT_UNROLL
            for (int k = 0; k < loads; ++k) f(k, i + k * std::int64_t{lanes}, some[k]);
        }
        ADJOINT_UNROLL
        for (int k = 0; k < loads - 1; ++k)
            if (i + k * std::int64_t{lanes} < end)
                f(k, i + k * std::int64_t{lanes}, get(i + k * std::int64_t{lanes}));
    }
};

/// Where results go: states[output * segments + segment], or, if that is null, the results themselves.
template <class R> struct ReduceTarget {
    typename R::State* states;
    void* out;
    DType type;
    ADJOINT_DEVICE void put(std::int64_t output, typename R::State total) const {
        if (states != nullptr)
            states[output * gridDim.y + blockIdx.y] = total;
        else
            store<typename R::Result>(out, type, output, R::result(total));
    }
};

template <class R> ADJOINT_DEVICE typename R::State fold_four(const typename R::State (&partial)[4]) {
    return R::combine(R::combine(partial[0], partial[1]), R::combine(partial[2], partial[3]));
}

/// Over the lanes of a block, for lane 0.
template <class R, int threads>
ADJOINT_DEVICE typename R::State fold_lanes(const ReduceShare& share, const ReduceShape& shape,
                                            typename R::State total) {
    using State = typename R::State;
    if (shape.lanes == 1) return total;
    ADJOINT_SHARED(State, states_of_block, threads);
    return fold_columns(states_of_block, share.x, share.lane, shape.outputs, shape.lanes, total,
                        [](const State& a, const State& b) { return R::combine(a, b); });
}

/// Element by element.
template <class R, class Source>
__global__ void __launch_bounds__(reduce_threads, 1)
    reduce_elements(const Source source, const ReduceShape shape, const std::int64_t outputs,
                    const std::int64_t length, const ReduceTarget<R> target) {
    wait_for_earlier();
    using State = typename R::State;
    const ReduceShare share(shape, outputs, length);
    State partial[4] = {R::start(), R::start(), R::start(), R::start()};
    if (share.mine) {
        const std::int64_t base = source.base(share.output);
        share.for_each<4>(
            [&](std::int64_t i) { return source.get(base, i); },
            [&](int k, std::int64_t, const State& one) { partial[k] = R::combine(partial[k], one); });
    }
    const State total = fold_lanes<R, reduce_threads>(share, shape, fold_four<R>(partial));
    if (share.mine && share.lane == 0) target.put(share.output, total);
}

/// The packs of each reduction, whose elements lie side by side; `length` elements, of which a last lane
/// takes what is no pack.
template <class R>
__global__ void __launch_bounds__(pack_threads)
    reduce_packs(const TensorSource<R, NarrowWalk> source, const ReduceShape shape,
                 const std::int64_t outputs, const std::int64_t length, const ReduceTarget<R> target) {
    wait_for_earlier();
    using State = typename R::State;
    using T = typename R::Element;
    constexpr int width = Pack<T>::size;
    const ReduceShare share(shape, outputs, length / width);
    State partial[4] = {R::start(), R::start(), R::start(), R::start()};
    if (share.mine) {
        const std::int64_t base = source.walk.output(share.output);
        share.for_each<4>(
            [&](std::int64_t i) { return load_pack<T>(source.data, source.type, base + i * width); },
            [&](int k, std::int64_t i, const Pack<T>& some) {
                ADJOINT_UNROLL
                for (int j = 0; j < width; ++j) {
                    State& to = partial[width == 4 ? j : (k % 2) * 2 + j];
                    to = R::combine(to, R::one(some.values[j], i * width + j));
                }
            });
        std::int64_t rest = length / width * width + share.lane;
        if (blockIdx.y + 1 == gridDim.y)
            for (; rest < length; rest += share.lanes)
                partial[0] =
                    R::combine(partial[0], R::one(load<T>(source.data, source.type, base + rest), rest));
    }
    const State total = fold_lanes<R, pack_threads>(share, shape, fold_four<R>(partial));
    if (share.mine && share.lane == 0) target.put(share.output, total);
}

/// A pack of outputs, which lie side by side, for each thread. `outputs` counts packs.
template <class R>
__global__ void __launch_bounds__(pack_threads)
    reduce_packs_of_outputs(const TensorSource<R, NarrowWalk> source, const ReduceShape shape,
                            const std::int64_t outputs, const std::int64_t length,
                            const ReduceTarget<R> target) {
    wait_for_earlier();
    using T = typename R::Element;
    constexpr int width = Pack<T>::size;
    struct States {
        typename R::State of[width];
    };
    const auto combine = [](const States& a, const States& b) {
        States out;
        ADJOINT_UNROLL
        for (int j = 0; j < width; ++j) out.of[j] = R::combine(a.of[j], b.of[j]);
        return out;
    };
    const ReduceShare share(shape, outputs, length);
    States partial[2];
    ADJOINT_UNROLL
    for (int j = 0; j < width; ++j) partial[0].of[j] = partial[1].of[j] = R::start();
    if (share.mine) {
        const std::int64_t base = source.walk.output(share.output * width);
        share.for_each<4>(
            [&](std::int64_t i) {
                return load_pack<T>(source.data, source.type, base + source.walk.element(i));
            },
            [&](int k, std::int64_t i, const Pack<T>& some) {
                ADJOINT_UNROLL
                for (int j = 0; j < width; ++j)
                    partial[k % 2].of[j] = R::combine(partial[k % 2].of[j], R::one(some.values[j], i));
            });
    }
    States total = combine(partial[0], partial[1]);
    if (shape.lanes > 1) {
        ADJOINT_SHARED(States, states_of_block, pack_threads);
        total =
            fold_columns(states_of_block, share.x, share.lane, shape.outputs, shape.lanes, total, combine);
    }
    if (!share.mine || share.lane != 0) return;
    ADJOINT_UNROLL
    for (int j = 0; j < width; ++j) target.put(share.output * width + j, total.of[j]);
}

namespace {

constexpr int most_lanes = 256, most_threads = 256;
constexpr std::int64_t most_per_lane = 64;  // elements, for the accuracy of sums

// `adjacent`: the elements of one reduction lie beside each other, rather than the outputs.
ReduceShape shape_of(std::int64_t outputs, std::int64_t length, bool adjacent) {
    constexpr std::int64_t per_lane = 8;  // below it a thread's start costs more than its elements
    ReduceShape shape;
    shape.lanes_adjacent = adjacent;
    shape.lanes = static_cast<unsigned>(
        length < 2 * per_lane ? 1 : power_of_two(length / per_lane, 2, adjacent ? most_lanes : 32));
    const int room = most_threads / static_cast<int>(shape.lanes);
    shape.outputs = static_cast<unsigned>(power_of_two(outputs, 1, std::max(room, adjacent ? 1 : 32)));
    // Whole warps.
    if (shape.outputs * shape.lanes < warp_size) shape.outputs = warp_size / shape.lanes;
    shape.segment = shape.lanes * most_per_lane;
    return shape;
}

// The same for packs. There are so many segments that all of a chip has work, if there is that much.
ReduceShape pack_shape(std::int64_t outputs, std::int64_t length, bool adjacent, int width) {
    constexpr std::int64_t per_lane = 4, threads_of_chip = 65536;
    constexpr int packs_of_line = 8;
    ReduceShape shape;
    shape.lanes_adjacent = adjacent;
    shape.lanes = static_cast<unsigned>(
        length < 2 * per_lane
            ? 1
            : power_of_two(length / per_lane, 2, adjacent ? pack_threads : pack_threads / packs_of_line));
    const int room = pack_threads / static_cast<int>(shape.lanes);
    shape.outputs = static_cast<unsigned>(power_of_two(outputs, 1, room));
    if (shape.outputs * shape.lanes < warp_size) shape.outputs = warp_size / shape.lanes;
    const std::int64_t most = adjacent ? most_per_lane / width : most_per_lane;
    shape.segment = shape.lanes * std::clamp(outputs * length / threads_of_chip, per_lane, most);
    return shape;
}

template <class R, class Source>
void reduce_stage(DeviceState& device, const char* op, const Source& source, const ReductionLoop& r,
                  std::int64_t length, bool adjacent);

// Starts kernel(source, shape, outputs, length, target) for `count` outputs of `pieces` elements or packs
// each, and the second stage if there are several segments.
template <class R, class Kernel, class Source>
void reduce_by(DeviceState& device, const char* op, Kernel kernel, const Source& source,
               const ReductionLoop& r, ReduceShape shape, std::int64_t count, std::int64_t pieces,
               std::int64_t length) {
    const auto start = [&](std::int64_t segments, typename R::State* states) {
        const dim3 grid(block_count(op, divide_up(count, shape.outputs)), static_cast<unsigned>(segments));
        const dim3 block(shape.outputs * shape.lanes);
        const ReduceTarget<R> target{states, r.out.data, r.out.dtype};
        if (shape.lanes == 1)
            launch_independent(device, op, kernel, grid, block, source, shape, count, length, target);
        else
            launch(device, op, kernel, grid, block, 0, source, shape, count, length, target);
    };
    if (pieces <= shape.segment) {
        start(1, nullptr);
        return;
    }
    // A grid has at most 65535 blocks in this direction.
    while (divide_up(pieces, shape.segment) > 32768) shape.segment *= 2;
    const std::int64_t segments = divide_up(pieces, shape.segment);
    const Scratch scratch(device, static_cast<std::size_t>(r.outputs * segments) * sizeof(typename R::State));
    auto* states = scratch.as<typename R::State>();
    start(segments, states);
    reduce_stage<R>(device, op, SegmentSource<R>{states, segments}, r, segments, true);
}

template <class R, class Source>
void reduce_stage(DeviceState& device, const char* op, const Source& source, const ReductionLoop& r,
                  std::int64_t length, bool adjacent) {
    reduce_by<R>(device, op, &reduce_elements<R, Source>, source, r, shape_of(r.outputs, length, adjacent),
                 r.outputs, length, length);
}

Loop<1> side(const Operand& in, int rank, const std::int64_t* sizes, const std::int64_t* strides) {
    Loop<1> loop;
    loop.rank = rank;
    loop.operands[0] = in;
    for (int d = 0; d < rank; ++d) {
        loop.numel *= sizes[d];
        loop.sizes[d] = sizes[d];
        loop.strides[0][d] = strides[d];
    }
    return loop;
}

bool all_multiples(int rank, const std::int64_t* strides, int width) {
    return std::all_of(strides, strides + rank, [width](std::int64_t stride) { return stride % width == 0; });
}

// Whether packs of the elements of each reduction lie side by side.
template <class R> bool reduces_packs(const ReductionLoop& r, int width) {
    return r.reduced_rank == 1 && r.reduced_strides[0] == 1 && r.length >= 2 * width &&
           begins_packs<typename R::Element>(r.in.data, r.in.dtype) &&
           all_multiples(r.kept_rank, r.kept_strides, width);
}

// Whether packs of outputs do.
template <class R> bool keeps_packs(const ReductionLoop& r, int width) {
    const int inner = r.kept_rank - 1;
    return inner >= 0 && r.kept_strides[inner] == 1 && r.kept_sizes[inner] % width == 0 &&
           begins_packs<typename R::Element>(r.in.data, r.in.dtype) &&
           all_multiples(inner, r.kept_strides, width) &&
           all_multiples(r.reduced_rank, r.reduced_strides, width);
}

template <class R> void run_reduction(DeviceState& device, const char* op, const ReductionLoop& r) {
    if (r.outputs == 0) return;
    const Loop<1> kept = side(r.in, r.kept_rank, r.kept_sizes, r.kept_strides);
    const Loop<1> reduced = side(r.in, r.reduced_rank, r.reduced_sizes, r.reduced_strides);
    const std::int64_t kept_step = r.kept_rank > 0 ? std::abs(r.kept_strides[r.kept_rank - 1]) : 0;
    const std::int64_t reduced_step =
        r.reduced_rank > 0 ? std::abs(r.reduced_strides[r.reduced_rank - 1]) : 0;
    const bool adjacent = r.outputs == 1 || reduced_step <= kept_step;
    if (fits_32_bits(device, kept) && fits_32_bits(device, reduced)) {
        const TensorSource<R, NarrowWalk> source{{places(kept), places(reduced)}, r.in.data, r.in.dtype};
        constexpr int width = Pack<typename R::Element>::size;
        if (reduces_packs<R>(r, width))
            return reduce_by<R>(device, op, &reduce_packs<R>, source, r,
                                pack_shape(r.outputs, r.length / width, true, width), r.outputs,
                                r.length / width, r.length);
        if (keeps_packs<R>(r, width))
            return reduce_by<R>(device, op, &reduce_packs_of_outputs<R>, source, r,
                                pack_shape(r.outputs / width, r.length, false, width), r.outputs / width,
                                r.length, r.length);
        reduce_stage<R>(device, op, source, r, r.length, adjacent);
        return;
    }
    WideWalk walk{};
    const auto copy = [](WideWalk::Side& to, const Loop<1>& from) {
        to.rank = from.rank;
        std::copy_n(from.sizes, from.rank, to.sizes);
        std::copy_n(from.strides[0], from.rank, to.strides);
    };
    copy(walk.kept, kept);
    copy(walk.reduced, reduced);
    reduce_stage<R>(device, op, TensorSource<R, WideWalk>{walk, r.in.data, r.in.dtype}, r, r.length,
                    adjacent);
}

}  // namespace

void on(CudaBackend& cuda, const call::Reduce& c) {
    std::visit(
        [&](auto f) {
            visit_compute(c.loop.compute, [&](auto type) {
                run_reduction<Folding<decltype(f), decltype(type)>>(cuda.device, f.name, c.loop);
            });
        },
        c.op);
}

void on(CudaBackend& cuda, const call::ArgReduce& c) {
    visit_compute(c.loop.compute, [&](auto type) {
        using T = decltype(type);
        if (c.largest)
            run_reduction<Finding<true, T>>(cuda.device, "argmax", c.loop);
        else
            run_reduction<Finding<false, T>>(cuda.device, "argmin", c.loop);
    });
}

}  // namespace adjoint::cuda_backend
