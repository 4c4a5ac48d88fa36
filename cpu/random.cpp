// Random fills: fixed tasks, so that any number of threads draws the same numbers.
#include <algorithm>

#include <adjoint/core/contract/random.h>
#include <adjoint/cpu/block.h>
#include <adjoint/cpu/cpu_backend.h>
#include <adjoint/cpu/kernels/kernels.h>
#include <adjoint/cpu/thread_pool.h>

namespace adjoint::cpu {
namespace {

constexpr std::int64_t random_task = 8192;  // a multiple of 4 and of block_size

template <class F> void for_tasks(std::int64_t numel, F f) {
    parallel_for((numel + random_task - 1) / random_task, [&](std::int64_t task) {
        const std::int64_t first = task * random_task;
        f(first, std::min(random_task, numel - first));
    });
}

// Calls write(place, first element, count) for blocks of `out` in the compute type, and carries them over.
template <class T, class Write> void fill_blocks(const Operand& out, std::int64_t numel, Write write) {
    for_tasks(numel, [&](std::int64_t first, std::int64_t n) {
        alignas(64) T buffer[block_size];
        const std::int64_t stride = 1;
        const Walk walk(1, &numel, &stride, out, dtype_of<T>);
        for (std::int64_t start = first; start < first + n; start += block_size) {
            const std::int64_t count = std::min(block_size, first + n - start);
            write(static_cast<T*>(walk.target(start, buffer)), start, count);
            walk.store(start, count, buffer);
        }
    });
}

void fill_real(const RandomKernel (&kernel)[2], const Operand& out, std::int64_t numel,
               GeneratorState state) {
    const auto write = [&](auto* to, std::int64_t start, std::int64_t count) {
        kernel[sizeof(*to) == sizeof(double)](to, start, count, state.seed, state.stream);
    };
    if (compute_type(out.dtype) == DType::f64)
        fill_blocks<double>(out, numel, write);
    else
        fill_blocks<float>(out, numel, write);
}

void fill_integers(const Integers& range, const Operand& out, std::int64_t numel, GeneratorState state) {
    fill_blocks<std::int64_t>(out, numel, [&](std::int64_t* to, std::int64_t start, std::int64_t count) {
        for (std::int64_t i = 0; i < count; ++i) {
            const auto element = static_cast<std::uint64_t>(start + i);
            const Philox4 words = philox(state.seed, state.stream, element / 2);
            to[i] = uniform_integer(words.v[element % 2 * 2], words.v[element % 2 * 2 + 1], range.low,
                                    range.high);
        }
    });
}

void fill_permutation(const Operand& out, std::int64_t numel, GeneratorState state) {
    const IndexShuffle shuffle(static_cast<std::uint64_t>(numel), state.seed, state.stream);
    fill_blocks<std::int64_t>(out, numel, [&](std::int64_t* to, std::int64_t start, std::int64_t count) {
        for (std::int64_t i = 0; i < count; ++i)
            to[i] = static_cast<std::int64_t>(shuffle(static_cast<std::uint64_t>(start + i)));
    });
}

}  // namespace

void on(CpuBackend& cpu, const call::Random& c) {
    if (std::holds_alternative<Uniform>(c.op))
        fill_real(cpu.kernels.uniform, c.out, c.numel, c.state);
    else if (std::holds_alternative<Normal>(c.op))
        fill_real(cpu.kernels.normal, c.out, c.numel, c.state);
    else if (const auto* range = std::get_if<Integers>(&c.op))
        fill_integers(*range, c.out, c.numel, c.state);
    else
        fill_permutation(c.out, c.numel, c.state);
}

void on(CpuBackend& cpu, const call::Dropout& c) {
    const DType compute = compute_type(c.x.dtype);
    const DropoutKernel kernel = cpu.kernels.dropout[compute == DType::f64];
    for_tasks(c.numel, [&](std::int64_t first, std::int64_t n) {
        alignas(64) char from[block_size * 8], to[block_size * 8];
        const std::int64_t stride = 1;
        Walk source(1, &c.numel, &stride, c.x, compute);
        const Walk target(1, &c.numel, &stride, c.out, compute);
        for (std::int64_t start = first; start < first + n; start += block_size) {
            const std::int64_t count = std::min(block_size, first + n - start);
            kernel(target.target(start, to), source.load(start, count, from), start, count, c.p, c.state.seed,
                   c.state.stream);
            target.store(start, count, to);
        }
    });
}

}  // namespace adjoint::cpu
