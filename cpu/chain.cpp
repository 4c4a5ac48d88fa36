// Programs over elements: block by block through all the steps, so that what is between
// them stays in the cache.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>
#include <memory>
#include <new>
#include <type_traits>

#include <adjoint/cpu/block.h>
#include <adjoint/cpu/cpu_backend.h>
#include <adjoint/cpu/reduce.h>
#include <adjoint/cpu/scratch.h>
#include <adjoint/cpu/thread_pool.h>

namespace adjoint::cpu {
namespace {

constexpr std::int64_t chain_task = 32768;  // elements

// The steps of a program as functions of blocks.
class StepKernels {
  public:
    StepKernels(const Kernels& kernels, const ElementProgram& p) : program(p) {
        const Compute column = compute_column(p.compute);
        for (std::size_t i = 0; i < p.steps.size(); ++i)
            if (const auto* unary = std::get_if<UnaryOp>(&p.steps[i].op))
                steps_[i] = {kernels.map[unary->index()][column], nullptr, payload(*unary)};
            else if (const auto* binary = std::get_if<BinaryOp>(&p.steps[i].op))
                steps_[i] = {nullptr, kernels.zip[binary->index()][column], payload(*binary)};
            else
                steps_[i] = {nullptr, nullptr, nullptr};
    }
    void run(std::size_t i, void* to, const void* const* values, std::int64_t n) const {
        const ElementProgram::Step& step = program.steps[i];
        if (steps_[i].map)
            steps_[i].map(steps_[i].functor, to, values[step.from[0]], n);
        else if (steps_[i].zip)
            steps_[i].zip(steps_[i].functor, to, values[step.from[0]], values[step.from[1]], n);
        else if (const auto* constant = std::get_if<ElementProgram::Constant>(&step.op))
            fill_block(program.compute, to, constant->value, n);
        else
            select_block(program.compute, to, values[step.from[0]], values[step.from[1]],
                         values[step.from[2]], n);
    }

    const ElementProgram& program;

  private:
    struct Kernel {
        MapKernel map;
        ZipKernel zip;
        const void* functor;
    };
    // As many as there are steps: a small program is done before the rest would be filled in.
    std::array<Kernel, ElementProgram::most_steps> steps_;
};

// A walk of one thread through blocks of a program.
class ProgramWalk {
  public:
    explicit ProgramWalk(const StepKernels& steps)
        : steps_(steps),
          p_(steps.program),
          element_(size_of(p_.compute)),
          block_(std::min(block_size, p_.numel)) {
        for (std::size_t i = 0; i < p_.inputs.size(); ++i)
            new (&input(i)) Walk(p_.rank, p_.sizes, p_.inputs[i].strides, p_.inputs[i].x, p_.compute);
        memory_ = static_cast<char*>(scratch((p_.inputs.size() + p_.buffers) * buffer_step()));
        std::fill_n(place_.begin(), p_.steps.size(), nullptr);
        for (const ElementProgram::Output& out : p_.outputs)
            if (out.value >= p_.inputs.size() && out.apart && out.to.dtype == p_.compute)
                place_[out.value - p_.inputs.size()] = static_cast<char*>(out.to.data);
    }

    /// All steps for elements start .. start + n - 1, at most block_size. The outputs are written, the values
    /// stand in blocks until the next call.
    void block(std::int64_t start, std::int64_t n) {
        const std::size_t inputs = p_.inputs.size();
        for (std::size_t i = 0; i < inputs; ++i)
            values_[i] = input(i).load(start, n, memory_ + i * buffer_step());
        for (std::size_t i = 0; i < p_.steps.size(); ++i) {
            void* const to =
                place_[i] ? place_[i] + bytes(start) : memory_ + (inputs + p_.steps[i].to) * buffer_step();
            steps_.run(i, to, values_.data(), n);
            values_[inputs + i] = to;
        }
        for (const ElementProgram::Output& out : p_.outputs) write(out, start, n);
    }
    const void* value(std::size_t i) const { return values_[i]; }

  private:
    static_assert(std::is_trivially_destructible_v<Walk>);
    Walk& input(std::size_t i) { return reinterpret_cast<Walk*>(inputs_)[i]; }
    std::size_t bytes(std::int64_t elements) const { return static_cast<std::size_t>(elements) * element_; }

    // From one buffer to the next: not a power of two, or stores to one would stand in the
    // way of loads from another.
    std::size_t buffer_step() const { return bytes(block_) + 320; }

    void write(const ElementProgram::Output& out, std::int64_t start, std::int64_t n) const {
        const std::int64_t dense = 1;
        const Walk walk(1, &p_.numel, &dense, out.to, p_.compute);
        if (!walk.direct()) return walk.store(start, n, values_[out.value]);
        void* const to = walk.target(start, nullptr);
        if (to != values_[out.value]) std::memcpy(to, values_[out.value], bytes(n));
    }

    const StepKernels& steps_;
    const ElementProgram& p_;
    const std::size_t element_;
    const std::int64_t block_;
    char* memory_;
    alignas(Walk) std::byte inputs_[ElementProgram::most_inputs * sizeof(Walk)];
    std::array<char*, ElementProgram::most_steps>
        place_;  // of steps that write their result where it belongs
    std::array<const void*, ElementProgram::most_inputs + ElementProgram::most_steps> values_;
};

}  // namespace

void on(CpuBackend& cpu, const call::Chain& c) {
    const StepKernels steps(cpu.kernels, *c.program);
    const std::int64_t numel = c.program->numel;
    const auto piece = [&](std::int64_t task) {
        ProgramWalk walk(steps);
        const std::int64_t end = std::min(numel, (task + 1) * chain_task);
        for (std::int64_t at = task * chain_task; at < end; at += block_size)
            walk.block(at, std::min(block_size, end - at));
    };
    if (numel <= chain_task)
        piece(0);
    else
        parallel_for((numel + chain_task - 1) / chain_task, piece);
}

void on(CpuBackend& cpu, const call::ChainReduce& c) {
    const StepKernels steps(cpu.kernels, *c.program);
    const std::size_t element = size_of(c.program->compute);
    reduce_rows(cpu, call::row_reduction(c, {nullptr, c.program->compute}), [&]() -> RowSource {
        return
            [&, walk = std::make_shared<ProgramWalk>(steps)](std::int64_t start, std::int64_t n, void* to) {
                for (std::int64_t done = 0; done < n; done += block_size) {
                    const std::int64_t part = std::min(block_size, n - done);
                    walk->block(start + done, part);
                    std::memcpy(static_cast<char*>(to) + static_cast<std::size_t>(done) * element,
                                walk->value(c.value), static_cast<std::size_t>(part) * element);
                }
            };
    });
}

}  // namespace adjoint::cpu
