// Reductions and argmax: a block of `outputs` x `lanes` threads, each with a strided share of the elements,
// combined by halving; long reductions are cut into segments whose results are reduced in turn.
//
// The shape of a block and the segments follow from the sizes alone, so the order of each sum is fixed. A
// thread adds up at most some tens of elements before it meets another.
#include <adjoint/cuda/cuda_backend.h>
#include <adjoint/cuda/kernels/fold.h>
#include <adjoint/cuda/kernels/launch.h>
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

inline constexpr int reduce_threads = warp_size * warp_size;

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

/// Writes states[output * segments + segment], or, if `states` is null, the results.
template <class R, class Source>
__global__ void __launch_bounds__(reduce_threads, 1)
    reduce_elements(const Source source, const ReduceShape shape, const std::int64_t outputs,
                    const std::int64_t length, typename R::State* states, void* out, const DType out_type) {
    using State = typename R::State;
    constexpr int unroll = 4;
    const unsigned x = shape.lanes_adjacent ? threadIdx.x / shape.lanes : threadIdx.x % shape.outputs;
    const unsigned lane = shape.lanes_adjacent ? threadIdx.x % shape.lanes : threadIdx.x / shape.outputs;
    const std::int64_t output = std::int64_t{blockIdx.x} * shape.outputs + x;
    const std::int64_t first = blockIdx.y * shape.segment;
    const std::int64_t end = first + shape.segment < length ? first + shape.segment : length;

    State partial[unroll];
    ADJOINT_UNROLL
    for (int j = 0; j < unroll; ++j) partial[j] = R::start();
    const bool mine = x < shape.outputs && output < outputs;
    if (mine) {
        const std::int64_t base = source.base(output);
        std::int64_t i = first + lane;
        for (; i + (unroll - 1) * shape.lanes < end; i += unroll * shape.lanes) {
            ADJOINT_UNROLL
            for (int j = 0; j < unroll; ++j)
                partial[j] = R::combine(partial[j], source.get(base, i + j * shape.lanes));
        }
        ADJOINT_UNROLL
        for (int j = 0; j < unroll - 1; ++j)
            if (i + j * shape.lanes < end)
                partial[j] = R::combine(partial[j], source.get(base, i + j * shape.lanes));
    }
    State total = R::combine(R::combine(partial[0], partial[1]), R::combine(partial[2], partial[3]));

    if (shape.lanes > 1) {
        ADJOINT_SHARED(State, states_of_block, reduce_threads);
        total = fold_columns(states_of_block, x, lane, shape.outputs, shape.lanes, total,
                             [](const State& a, const State& b) { return R::combine(a, b); });
    }
    if (!mine || lane != 0) return;
    if (states != nullptr)
        states[output * gridDim.y + blockIdx.y] = total;
    else
        store<typename R::Result>(out, out_type, output, R::result(total));
}

namespace {

constexpr int most_lanes = 256, most_threads = 256;

// `adjacent`: the elements of one reduction lie beside each other, rather than the outputs.
ReduceShape shape_of(std::int64_t outputs, std::int64_t length, bool adjacent) {
    constexpr std::int64_t per_lane = 8;        // below it a thread's start costs more than its elements
    constexpr std::int64_t most_per_lane = 64;  // for the accuracy of sums
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

template <class R, class Source>
void reduce_stage(DeviceState& device, const char* op, const Source& source, const ReductionLoop& r,
                  std::int64_t length, bool adjacent) {
    const ReduceShape shape = shape_of(r.outputs, length, adjacent);
    const std::int64_t segments = std::max<std::int64_t>(divide_up(length, shape.segment), 1);
    const auto start = [&](const ReduceShape& with, std::int64_t pieces, typename R::State* states) {
        const dim3 grid(block_count(op, divide_up(r.outputs, with.outputs)), static_cast<unsigned>(pieces));
        const dim3 block(with.outputs * with.lanes);
        const auto kernel = &reduce_elements<R, Source>;
        if (with.lanes == 1)
            launch_independent(device, op, kernel, grid, block, source, with, r.outputs, length, states,
                               r.out.data, r.out.dtype);
        else
            launch(device, op, kernel, grid, block, 0, source, with, r.outputs, length, states, r.out.data,
                   r.out.dtype);
    };
    if (segments == 1) {
        start(shape, 1, nullptr);
        return;
    }
    // A grid has at most 65535 blocks in this direction.
    ReduceShape longer = shape;
    while (divide_up(length, longer.segment) > 32768) longer.segment *= 2;
    const std::int64_t pieces = divide_up(length, longer.segment);
    const Scratch scratch(device, static_cast<std::size_t>(r.outputs * pieces) * sizeof(typename R::State));
    auto* states = scratch.as<typename R::State>();
    start(longer, pieces, states);
    reduce_stage<R>(device, op, SegmentSource<R>{states, pieces}, r, pieces, true);
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

template <class R> void run_reduction(DeviceState& device, const char* op, const ReductionLoop& r) {
    if (r.outputs == 0) return;
    const Loop<1> kept = side(r.in, r.kept_rank, r.kept_sizes, r.kept_strides);
    const Loop<1> reduced = side(r.in, r.reduced_rank, r.reduced_sizes, r.reduced_strides);
    const std::int64_t kept_step = r.kept_rank > 0 ? std::abs(r.kept_strides[r.kept_rank - 1]) : 0;
    const std::int64_t reduced_step =
        r.reduced_rank > 0 ? std::abs(r.reduced_strides[r.reduced_rank - 1]) : 0;
    const bool adjacent = r.outputs == 1 || reduced_step <= kept_step;
    if (fits_32_bits(device, kept) && fits_32_bits(device, reduced)) {
        using Source = TensorSource<R, NarrowWalk>;
        reduce_stage<R>(device, op, Source{{places(kept), places(reduced)}, r.in.data, r.in.dtype}, r,
                        r.length, adjacent);
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
