// Reductions: fixed chunks combined pairwise, so that the bits do not depend on the number of threads.
#include <algorithm>
#include <cstring>
#include <memory>
#include <vector>

#include <adjoint/core/contract/math.h>
#include <adjoint/core/memory/host_memory.h>
#include <adjoint/cpu/block.h>
#include <adjoint/cpu/buffer.h>
#include <adjoint/cpu/cpu_backend.h>
#include <adjoint/cpu/kernels/kernels.h>
#include <adjoint/cpu/reduce.h>
#include <adjoint/cpu/tasks.h>

namespace adjoint::cpu {
namespace {

constexpr std::int64_t row_chunk = 4096;               // elements of a row that one kernel call sums
constexpr std::int64_t column_chunk = 64;              // rows that one kernel call adds up
constexpr std::int64_t column_width = 2048;            // columns of one task
constexpr std::int64_t row_group = 16 * column_chunk;  // rows of one task, chunks by a power of two
constexpr std::int64_t task_elements = 32768;

// Pairwise combination of a stream of partial results: part i is combined like
// the digits of a binary counter.
class Pairwise {
  public:
    Pairwise(CombineKernel combine, std::int64_t width, std::size_t element)
        : combine_(combine), width_(width), bytes_(static_cast<std::size_t>(width) * element) {}

    /// Where the next partial result is to be written.
    void* next() {
        if (used_ == parts_.size()) parts_.push_back(std::make_unique<Part>(bytes_));
        return parts_[used_]->memory;
    }
    void push() {
        std::uint64_t carry = count_++;
        ++used_;
        for (; carry & 1; carry >>= 1) merge();
    }
    const void* finish() {
        while (used_ > 1) merge();
        return parts_[0]->memory;
    }

  private:
    struct Part {
        explicit Part(std::size_t n) : memory(host_allocate(n)), bytes(n) {}
        ~Part() { host_release(memory, bytes); }
        Part(const Part&) = delete;
        Part& operator=(const Part&) = delete;
        void* memory;
        std::size_t bytes;
    };
    void merge() {
        combine_(parts_[used_ - 2]->memory, parts_[used_ - 1]->memory, width_);
        --used_;
    }

    CombineKernel combine_;
    std::int64_t width_;
    std::size_t bytes_;
    std::vector<std::unique_ptr<Part>> parts_;
    std::size_t used_ = 0;
    std::uint64_t count_ = 0;
};

// Offset (in elements) of place `flat` of a row-major walk.
std::int64_t offset_of(std::int64_t flat, int rank, const std::int64_t* sizes, const std::int64_t* strides) {
    std::int64_t offset = 0;
    for (int d = rank - 1; d >= 0; --d) {
        offset += flat % sizes[d] * strides[d];
        flat /= sizes[d];
    }
    return offset;
}

Operand shifted(Operand x, std::int64_t elements) {
    x.data = static_cast<char*>(x.data) + elements * static_cast<std::int64_t>(size_of(x.dtype));
    return x;
}

void store_result(const ReductionLoop& r, std::int64_t first, const void* values, std::int64_t n) {
    const std::int64_t size = n, stride = 1;
    const Walk out(1, &size, &stride, shifted(r.out, first), r.compute);
    if (out.direct())
        std::memcpy(out.target(0, nullptr), values, static_cast<std::size_t>(n) * size_of(r.compute));
    else
        out.store(0, n, values);
}

// The elements of one output as chunks that are dense in memory.
class Chunks {
  public:
    Chunks(const ReductionLoop& r, std::int64_t output)
        : r_(r),
          in_(shifted(r.in, offset_of(output, r.kept_rank, r.kept_sizes, r.kept_strides))),
          walk_(r.reduced_rank, r.reduced_sizes, r.reduced_strides, in_, r.compute) {
        const int last = r.reduced_rank - 1;
        if (walk_.direct())
            most_ = row_chunk;
        else if (last >= 0 && r.reduced_strides[last] == 1 && r.reduced_sizes[last] >= least_run &&
                 r.in.dtype == r.compute)
            run_ = r.reduced_sizes[last];
    }
    /// Of the chunk at `start`: how many elements, at most up to `end`, and where they are.
    std::int64_t size(std::int64_t start, std::int64_t end) const {
        return std::min(end - start, run_ > 0 ? std::min(row_chunk, run_ - start % run_) : most_);
    }
    const void* load(std::int64_t start, std::int64_t n) {
        if (run_ == 0) return walk_.load(start, n, buffer_);
        return shifted(in_, offset_of(start, r_.reduced_rank, r_.reduced_sizes, r_.reduced_strides)).data;
    }

  private:
    static constexpr std::int64_t least_run = 256;  // elements that pay for a call without a copy

    const ReductionLoop& r_;
    Operand in_;
    Walk walk_;
    std::int64_t run_ = 0, most_ = block_size;
    alignas(64) char buffer_[block_size * 8];
};

// The same of rows that a source makes: chunks as of rows that are dense in memory.
class MadeChunks {
  public:
    MadeChunks(const ReductionLoop& r, const RowSource& source, std::int64_t output)
        : source_(source), first_(output * r.length) {}
    std::int64_t size(std::int64_t start, std::int64_t end) const { return std::min(end - start, row_chunk); }
    const void* load(std::int64_t start, std::int64_t n) {
        source_(first_ + start, n, buffer_);
        return buffer_;
    }

  private:
    const RowSource& source_;
    std::int64_t first_;
    alignas(64) char buffer_[row_chunk * 8];
};

// One output: its elements as a stream of chunks.
template <class C>
void reduce_one(const ReduceKernels& kernel, const ReductionLoop& r, std::int64_t output, C chunks) {
    alignas(8) char single[8];
    if (r.length == 0 || chunks.size(0, r.length) == r.length) {
        kernel.row(single, r.length > 0 ? chunks.load(0, r.length) : single, r.length);
        store_result(r, output, single, 1);
        return;
    }
    Pairwise partial(kernel.combine, 1, size_of(r.compute));
    for (std::int64_t start = 0, n = 0; start < r.length; start += n) {
        n = chunks.size(start, r.length);
        kernel.row(partial.next(), chunks.load(start, n), n);
        partial.push();
    }
    store_result(r, output, partial.finish(), 1);
}

// Few outputs over many elements: the chunks of one output are the tasks; with_chunks(f)
// calls f with those of a task.
template <class With>
void reduce_long(const ReduceKernels& kernel, const ReductionLoop& r, std::int64_t output, With with_chunks) {
    const std::int64_t tasks = (r.length + task_elements - 1) / task_elements;
    const std::size_t element = size_of(r.compute);
    std::vector<char> partial(static_cast<std::size_t>(tasks) * element);
    parallel_for(tasks, [&](std::int64_t task) {
        const std::int64_t end = std::min((task + 1) * task_elements, r.length);
        Pairwise own(kernel.combine, 1, element);
        with_chunks([&](auto chunks) {
            for (std::int64_t start = task * task_elements, n = 0; start < end; start += n) {
                n = chunks.size(start, end);
                kernel.row(own.next(), chunks.load(start, n), n);
                own.push();
            }
        });
        std::memcpy(partial.data() + static_cast<std::size_t>(task) * element, own.finish(), element);
    });
    Pairwise total(kernel.combine, 1, element);
    for (std::int64_t i = 0; i < tasks; ++i) {
        std::memcpy(total.next(), partial.data() + static_cast<std::size_t>(i) * element, element);
        total.push();
    }
    store_result(r, output, total.finish(), 1);
}

// Some columns of rows, in the type that is computed in.
class RowBlock {
  public:
    RowBlock(const ReduceKernels& kernel, const ReductionLoop& r, std::int64_t first, std::int64_t width)
        : kernel_(kernel),
          r_(r),
          first_(first),
          width_(width),
          is_direct_(r.in.dtype == r.compute),
          converted_(is_direct_ ? 0 : at_once * width * static_cast<std::int64_t>(size_of(r.compute))) {}
    /// `to` becomes the sum of `count` rows, in order.
    void add_up(void* to, std::int64_t row, std::int64_t count) {
        const std::int64_t step = r_.reduced_strides[0];
        const auto from = [&](std::int64_t i) { return shifted(r_.in, first_ + (row + i) * step).data; };
        if (is_direct_) return kernel_.columns(to, from(0), step, count, width_, true);
        const ConvertKernel load =
            kernels().load[static_cast<std::size_t>(r_.in.dtype)][compute_column(r_.compute)];
        const std::int64_t bytes = width_ * static_cast<std::int64_t>(size_of(r_.compute));
        for (std::int64_t i = 0; i < count; i += at_once) {
            const std::int64_t n = std::min(at_once, count - i);
            for (std::int64_t j = 0; j < n; ++j) load(converted_.data() + j * bytes, from(i + j), width_);
            kernel_.columns(to, converted_.data(), width_, n, width_, i == 0);
        }
    }

  private:
    static constexpr std::int64_t at_once = 8;

    const ReduceKernels& kernel_;
    const ReductionLoop& r_;
    const std::int64_t first_, width_;
    const bool is_direct_;
    const Buffer<char> converted_;
};

// The kept dimension is dense in memory and one dimension is reduced: whole rows are added up. A task is a
// block of columns in a group of rows; groups are whole branches of the pairwise tree.
void reduce_columns(const ReduceKernels& kernel, const ReductionLoop& r) {
    const std::size_t element = size_of(r.compute);
    const std::int64_t blocks = ceil_div(r.outputs, column_width), groups = ceil_div(r.length, row_group),
                       row_bytes = r.outputs * static_cast<std::int64_t>(element);
    const Buffer<char> sums(groups > 1 ? groups * row_bytes : 0);
    const auto sum_at = [&](std::int64_t group, std::int64_t column) {
        return sums.data() + group * row_bytes + column * static_cast<std::int64_t>(element);
    };
    const auto store = [&](std::int64_t group, std::int64_t first, const void* values, std::int64_t width) {
        if (groups == 1)
            store_result(r, first, values, width);
        else
            std::memcpy(sum_at(group, first), values, static_cast<std::size_t>(width) * element);
    };
    const auto piece = [&](std::int64_t task) {
        const std::int64_t first = task % blocks * column_width,
                           width = std::min(column_width, r.outputs - first);
        const std::int64_t start = task / blocks * row_group, end = std::min(r.length, start + row_group);
        RowBlock rows(kernel, r, first, width);
        if (r.length <= column_chunk && r.out.dtype == r.compute)
            return rows.add_up(shifted(r.out, first).data, 0, r.length);
        Pairwise partial(kernel.combine, width, element);
        for (std::int64_t row = start; row < end; row += column_chunk) {
            rows.add_up(partial.next(), row, std::min(column_chunk, end - row));
            partial.push();
        }
        store(task / blocks, first, partial.finish(), width);
    };
    if (r.outputs * r.length < task_elements)
        for (std::int64_t task = 0; task < blocks * groups; ++task) piece(task);
    else
        parallel_for(blocks * groups, piece);
    if (groups == 1) return;
    for (std::int64_t first = 0; first < r.outputs; first += column_width) {
        const std::int64_t width = std::min(column_width, r.outputs - first);
        Pairwise total(kernel.combine, width, element);
        for (std::int64_t group = 0; group < groups; ++group) {
            std::memcpy(total.next(), sum_at(group, first), static_cast<std::size_t>(width) * element);
            total.push();
        }
        store_result(r, first, total.finish(), width);
    }
}

template <class T> bool better(bool largest, T candidate, T best) {
    if (math::isnan(best)) return false;  // the first NaN stays
    if (math::isnan(candidate)) return true;
    return largest ? candidate > best : candidate < best;
}

template <class T> std::int64_t best_place(bool largest, const ReductionLoop& r, std::int64_t output) {
    Walk walk(r.reduced_rank, r.reduced_sizes, r.reduced_strides,
              shifted(r.in, offset_of(output, r.kept_rank, r.kept_sizes, r.kept_strides)), r.compute);
    alignas(64) char buffer[block_size * 8];
    std::int64_t place = 0;
    T best{};
    for (std::int64_t start = 0; start < r.length; start += block_size) {
        const std::int64_t n = std::min(block_size, r.length - start);
        const T* x = static_cast<const T*>(walk.load(start, n, buffer));
        for (std::int64_t i = 0; i < n; ++i)
            if ((start == 0 && i == 0) || better(largest, x[i], best)) {
                best = x[i];
                place = start + i;
            }
    }
    return place;
}

// Splits the outputs into tasks of about task_elements elements: f(first, end).
template <class F> void for_outputs(const ReductionLoop& r, F f) {
    const std::int64_t per_task =
        std::max<std::int64_t>(1, task_elements / std::max<std::int64_t>(r.length, 1));
    parallel_for((r.outputs + per_task - 1) / per_task,
                 [&](std::int64_t task) { f(task * per_task, std::min((task + 1) * per_task, r.outputs)); });
}

}  // namespace

void on(CpuBackend& cpu, const call::Reduce& c) {
    const ReductionLoop& r = c.loop;
    const ReduceKernels& kernel = cpu.kernels.reduce[c.op.index()][compute_column(r.compute)];
    const bool columns =
        r.kept_rank == 1 && r.kept_strides[0] == 1 && r.reduced_rank == 1 && r.outputs > 1 && r.length > 0;
    if (columns) {
        reduce_columns(kernel, r);
    } else if (r.length > 2 * task_elements) {
        for (std::int64_t output = 0; output < r.outputs; ++output)
            reduce_long(kernel, r, output, [&](auto f) { f(Chunks(r, output)); });
    } else {
        for_outputs(r, [&](std::int64_t first, std::int64_t end) {
            for (std::int64_t output = first; output < end; ++output)
                reduce_one(kernel, r, output, Chunks(r, output));
        });
    }
}

void reduce_rows(CpuBackend& cpu, const call::Reduce& c, const std::function<RowSource()>& make) {
    const ReductionLoop& r = c.loop;
    const ReduceKernels& kernel = cpu.kernels.reduce[c.op.index()][compute_column(r.compute)];
    if (r.length > 2 * task_elements) {
        for (std::int64_t output = 0; output < r.outputs; ++output)
            reduce_long(kernel, r, output, [&](auto f) {
                const RowSource source = make();
                f(MadeChunks(r, source, output));
            });
        return;
    }
    for_outputs(r, [&](std::int64_t first, std::int64_t end) {
        const RowSource source = make();
        for (std::int64_t output = first; output < end; ++output)
            reduce_one(kernel, r, output, MadeChunks(r, source, output));
    });
}

void on(CpuBackend&, const call::ArgReduce& c) {
    const ReductionLoop& r = c.loop;
    auto* out = r.out.as<std::int64_t>();
    for_outputs(r, [&](std::int64_t first, std::int64_t end) {
        visit_compute(r.compute, [&](auto type) {
            for (std::int64_t output = first; output < end; ++output)
                out[output] = best_place<decltype(type)>(c.largest, r, output);
        });
    });
}

}  // namespace adjoint::cpu
