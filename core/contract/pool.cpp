// Pooling, a tap of all windows at a time.
#include <adjoint/core/contract/window_taps.h>

namespace adjoint::call {
namespace {

using composition::Counting;
using composition::for_taps;
using composition::Grid;
using composition::Tap;
using composition::Three;
using composition::View;
using composition::WorkingMemory;

// An array over all windows of a batch.
Grid grid_of(Backend& backend, const Windows& w, DType compute) {
    return Grid(backend, {w.batch * w.channels, w.output[0], w.output[1]}, compute);
}

// out = x / what each window's average divides by. The places that a window counts are counted by adding
// ones, tap by tap.
void divide(Backend& backend, const Windows& w, const Average& average, const View& out, const View& x) {
    const Grid all = grid_of(backend, w, w.dtype);
    if (average.divisor != 0) {
        all.map(functor::DivScalar{static_cast<double>(average.divisor)}, out, x);
        return;
    }
    // Places of the padding count as if the plane reached as far.
    Windows counted = w;
    for (int axis = 0; axis < 2 && average.count_padding; ++axis) {
        counted.size[axis] += 2 * w.padding[axis];
        counted.padding[axis] = 0;
    }
    counted.batch = counted.channels = 1;
    const WorkingMemory counts(backend, w.outputs(), w.dtype);
    const View count(counts.data(), w.dtype, {0, w.output[1], 1});
    grid_of(backend, counted, w.dtype).fill(count, 0);
    for_taps(backend, counted, [&](const Tap& tap) {
        const View here = tap.result(counts.data(), w.dtype);
        tap.windows.map(functor::AddScalar{1}, here, here);
    });
    all.zip(functor::Div{}, out, x, count);
}

}  // namespace

// A first pass from the last tap to the first leaves in each window the first place that it has; the second,
// in window order, takes what is strictly larger, where NaN is larger than all numbers.
void compose(Backend& backend, const MaxPool& c) {
    const Windows& w = c.windows;
    const DType type = w.dtype, index = DType::i64;
    const Counting numbers(backend, c.indices ? w.plane() : 0);
    const WorkingMemory marks(backend, 2 * w.results(), DType::boolean);
    const auto start = [&](const Tap& tap) {
        tap.windows.map(functor::Copy{}, tap.result(c.y, type), tap.place(c.x, type));
        if (!c.indices) return;
        tap.numbers.map(functor::Copy{}, tap.result(c.indices, index),
                        tap.place_in_plane(numbers.data(), index));
    };
    for_taps(backend, w, start, true);
    for_taps(backend, w, [&](const Tap& tap) {
        const View y = tap.result(c.y, type), x = tap.place(c.x, type),
                   keep = tap.windows.dense(marks.data(), DType::boolean),
                   is_nan = keep.from(tap.windows.places());
        tap.windows.zip(functor::Le{}, keep, x, y);
        tap.windows.map(functor::IsNan{}, is_nan, y);
        tap.windows.zip(functor::LogicalOr{}, keep, keep, is_nan);
        tap.windows.select(y, keep, y, x);
        if (!c.indices) return;
        const View at = tap.result(c.indices, index);
        tap.numbers.select(at, keep, at, tap.place_in_plane(numbers.data(), index));
    });
}

void compose(Backend& backend, const MaxPoolBackward& c) {
    const Windows& w = c.windows;
    const std::int64_t planes = w.batch * w.channels;
    const Grid all(backend, {1, planes, w.plane()}, w.dtype),
        results(backend, {1, planes, w.outputs()}, w.dtype);
    all.fill(all.dense(c.dx, w.dtype), 0);
    results.scatter({.op = MaxPoolBackward::name, .stride = 1, .size = w.plane()}, true,
                    View(c.dx, w.dtype, {0, w.plane(), 0}), results.dense(c.g, w.dtype),
                    results.dense(c.indices, DType::i64));
}

void compose(Backend& backend, const AvgPool& c) {
    const Windows& w = c.windows;
    const Grid all = grid_of(backend, w, w.dtype);
    const View y = all.dense(c.y, w.dtype);
    all.fill(y, 0);
    for_taps(backend, w, [&](const Tap& tap) {
        const View sum = tap.result(c.y, w.dtype);
        tap.windows.zip(functor::Add{}, sum, sum, tap.place(c.x, w.dtype));
    });
    divide(backend, w, c.average, y, y);
}

void compose(Backend& backend, const AvgPoolBackward& c) {
    const Windows& w = c.windows;
    const Grid planes(backend, {1, 1, w.inputs()}, w.dtype), all = grid_of(backend, w, w.dtype);
    const WorkingMemory shares(backend, w.results(), w.dtype);
    divide(backend, w, c.average, all.dense(shares.data(), w.dtype), all.dense(c.g, w.dtype));
    planes.fill(planes.dense(c.dx, w.dtype), 0);
    for_taps(backend, w, [&](const Tap& tap) {
        const View dx = tap.place(c.dx, w.dtype);
        tap.windows.zip(functor::Add{}, dx, dx, tap.result(shares.data(), w.dtype));
    });
}

}  // namespace adjoint::call
