// What runs along a dimension: scans and sorting.
#include <adjoint/core/contract/functors/order.h>
#include <adjoint/cuda/cuda_backend.h>
#include <adjoint/cuda/kernels/launch.h>

namespace adjoint::cuda_backend {

// Scans
// -----------------------------------------------------------------------------

/// Sums of floats are kept in double, as on the CPU.
template <class T> using ScanTotal = std::conditional_t<std::is_same_v<T, float>, double, T>;

/// Where element i of a line lies.
struct LinePlaces {
    std::int64_t length, inner;
    bool reverse;
    ADJOINT_HD std::int64_t first(std::int64_t line) const {
        return line / inner * length * inner + line % inner;
    }
    ADJOINT_HD std::int64_t offset(std::int64_t i) const { return (reverse ? length - 1 - i : i) * inner; }
};

/// A thread for each line.
template <class Op, class T>
__global__ void __launch_bounds__(spread_threads)
    scan_short_lines(const LinePlaces places, const std::int64_t lines, T* out, const T* x) {
    wait_for_earlier();
    using Total = ScanTotal<T>;
    const std::int64_t step = std::int64_t{gridDim.x} * blockDim.x;
    for (std::int64_t line = std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x; line < lines;
         line += step) {
        const std::int64_t base = places.first(line);
        Total total = Op::template start<Total>();
        for (std::int64_t i = 0; i < places.length; ++i) {
            const std::int64_t at = base + places.offset(i);
            total = Op{}.template value<Total>(total, static_cast<Total>(x[at]));
            out[at] = static_cast<T>(total);
        }
    }
}

inline constexpr int scan_threads = 256, scan_items = 4;

/// A block for each line: it takes pieces of threads x items elements and carries
/// the total from one to the next.
template <class Op, class T>
__global__ void __launch_bounds__(scan_threads)
    scan_long_lines(const LinePlaces places, const std::int64_t lines, T* out, const T* x) {
    wait_for_earlier();
    using Total = ScanTotal<T>;
    ADJOINT_SHARED(Total, totals, scan_threads);
    const Op op{};
    const int thread = static_cast<int>(threadIdx.x);
    for (std::int64_t line = blockIdx.x; line < lines; line += gridDim.x) {
        const std::int64_t base = places.first(line);
        Total carried = Op::template start<Total>();
        for (std::int64_t piece = 0; piece < places.length; piece += scan_threads * scan_items) {
            const std::int64_t first = piece + thread * scan_items;
            Total own[scan_items];
            Total total = Op::template start<Total>();
            for (int k = 0; k < scan_items; ++k) {
                if (first + k < places.length)
                    total = op.template value<Total>(total,
                                                     static_cast<Total>(x[base + places.offset(first + k)]));
                own[k] = total;
            }
            // Each thread adds what stands 1, 2, 4 ... places before it.
            totals[thread] = total;
            for (int distance = 1; distance < scan_threads; distance *= 2) {
                __syncthreads();
                const Total before = thread >= distance ? totals[thread - distance] : total;
                __syncthreads();
                if (thread >= distance) totals[thread] = total = op.template value<Total>(before, total);
            }
            __syncthreads();
            const Total before = thread > 0 ? op.template value<Total>(carried, totals[thread - 1]) : carried;
            for (int k = 0; k < scan_items; ++k)
                if (first + k < places.length)
                    out[base + places.offset(first + k)] =
                        static_cast<T>(op.template value<Total>(before, own[k]));
            carried = op.template value<Total>(carried, totals[scan_threads - 1]);
            __syncthreads();
        }
    }
}

// Sorting
// -----------------------------------------------------------------------------

/// Rows of keys with the places they came from.
template <class T> struct Sortable {
    T* keys;
    std::int64_t* places;
};

inline constexpr std::int64_t sorted_run = 128;

/// Runs of sorted_run elements, each put in order: an element's rank is the number of those before it.
template <class T>
__global__ void __launch_bounds__(spread_threads)
    sort_runs(const bool descending, const std::int64_t columns, const std::int64_t elements,
              const Sortable<T> to, const T* x) {
    wait_for_earlier();
    const std::int64_t step = std::int64_t{gridDim.x} * blockDim.x;
    for (std::int64_t e = std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x; e < elements; e += step) {
        const std::int64_t row = e / columns * columns, place = e - row;
        const std::int64_t first = place / sorted_run * sorted_run;
        const std::int64_t end = first + sorted_run < columns ? first + sorted_run : columns;
        const T key = x[e];
        std::int64_t rank = 0;
        for (std::int64_t i = first; i < end; ++i)
            rank += sorts_before(x[row + i], i, key, place, descending);
        to.keys[row + first + rank] = key;
        to.places[row + first + rank] = place;
    }
}

/// Pairs of neighbouring runs of `run` elements become one: an element moves by the number of those before it
/// in the other run.
template <class T>
__global__ void __launch_bounds__(spread_threads)
    merge_runs(const bool descending, const std::int64_t columns, const std::int64_t elements,
               const std::int64_t run, const Sortable<T> to, const Sortable<T> from) {
    wait_for_earlier();
    const std::int64_t step = std::int64_t{gridDim.x} * blockDim.x;
    for (std::int64_t e = std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x; e < elements; e += step) {
        const std::int64_t row = e / columns * columns, at = e - row;
        const std::int64_t number = at / run, first = number * run, pair = number / 2 * 2 * run;
        const std::int64_t other = (number % 2 == 0 ? number + 1 : number - 1) * run;
        const T key = from.keys[e];
        const std::int64_t place = from.places[e];
        std::int64_t low = other < columns ? other : columns;
        const std::int64_t start = low;
        std::int64_t high = other + run < columns ? other + run : columns;
        while (low < high) {
            const std::int64_t middle = (low + high) / 2;
            if (sorts_before(from.keys[row + middle], from.places[row + middle], key, place, descending))
                low = middle + 1;
            else
                high = middle;
        }
        const std::int64_t target = row + pair + (at - first) + (low - start);
        to.keys[target] = key;
        to.places[target] = place;
    }
}

void on(CudaBackend& cuda, const call::Scan& c) {
    const std::int64_t count = c.lines.outer * c.lines.inner;
    if (count * c.lines.length == 0) return;
    const LinePlaces places{c.lines.length, c.lines.inner, c.reverse};
    const auto run = [&](auto step, auto type) {
        using Op = decltype(step);
        using T = decltype(type);
        constexpr std::int64_t short_line = 64, many_lines = 65536;
        if (c.lines.length <= short_line || count >= many_lines) {
            const Spread spread(cuda.device, count);
            launch_independent(cuda.device, "scan", &scan_short_lines<Op, T>, spread.grid, spread.block,
                               places, count, static_cast<T*>(c.out), static_cast<const T*>(c.x));
        } else {
            launch(cuda.device, "scan", &scan_long_lines<Op, T>, dim3(static_cast<unsigned>(count)),
                   dim3(scan_threads), 0, places, count, static_cast<T*>(c.out), static_cast<const T*>(c.x));
        }
    };
    std::visit([&](auto step) { visit_compute(c.lines.dtype, [&](auto type) { run(step, type); }); }, c.op);
}

void on(CudaBackend& cuda, const call::Sort& c) {
    const std::int64_t elements = c.rows.rows * c.rows.columns;
    if (elements == 0) return;
    int merges = 0;
    for (std::int64_t run = sorted_run; run < c.rows.columns; run *= 2) ++merges;
    visit_compute(c.rows.dtype, [&](auto type) {
        using T = decltype(type);
        const auto count = static_cast<std::size_t>(merges > 0 ? elements : 0);
        const Scratch keys(cuda.device, count * sizeof(T)), places(cuda.device, count * sizeof(std::int64_t));
        // The last pass writes the result, so the first one's target depends on how many there are.
        const Sortable<T> results{static_cast<T*>(c.values), c.indices};
        const Sortable<T> working{keys.template as<T>(), places.template as<std::int64_t>()};
        Sortable<T> to = merges % 2 == 0 ? results : working, from = merges % 2 == 0 ? working : results;
        const Spread spread(cuda.device, elements);
        launch_independent(cuda.device, "sort", &sort_runs<T>, spread.grid, spread.block, c.descending,
                           c.rows.columns, elements, to, static_cast<const T*>(c.x));
        for (std::int64_t run = sorted_run; run < c.rows.columns; run *= 2) {
            std::swap(to, from);
            launch_independent(cuda.device, "sort", &merge_runs<T>, spread.grid, spread.block, c.descending,
                               c.rows.columns, elements, run, to, from);
        }
    });
}

}  // namespace adjoint::cuda_backend
