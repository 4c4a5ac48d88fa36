#include "machine.h"

#include <algorithm>
#include <cstdlib>

#include <cuda_fake_runtime/runtime/fake.h>

#include "state.h"

namespace adjoint::ptx {
namespace {

Machine& machine() {
    static auto* const one = new Machine;
    return *one;
}

}  // namespace

Order::Order() {
    const char* const wanted = std::getenv("ADJOINT_PTX_ORDER");
    const std::string text = wanted ? wanted : "forward";
    if (text == "reverse") {
        kind = Kind::reverse;
    } else if (text.starts_with("random")) {
        kind = Kind::random;
        numbers.seed(text.size() > 7 ? std::stoull(text.substr(7)) : 1);
    } else if (text != "forward") {
        cannot("run threads in the order " + text);
    }
}

void Order::arrange(std::vector<std::uint32_t>& all) {
    if (kind == Kind::reverse) std::ranges::reverse(all);
    if (kind == Kind::random) std::ranges::shuffle(all, numbers);
}

void Machine::report(const Instruction& at, const std::string& what) const {
    const dim3 blocks = grid_->blocks, threads = grid_->threads;
    const auto sizes = [](const dim3& d) {
        return std::to_string(d.x) + " x " + std::to_string(d.y) + " x " + std::to_string(d.z);
    };
    fake_cuda::violation(fake_cuda::readable(kernel_->name.c_str()) + ": " + what + "\n  " +
                         Kernels::place(*threads_[current_].function, at) + " `" + at.detail->text +
                         "`\n  thread " + std::to_string(current_) + " of " + sizes(threads) + ", block " +
                         std::to_string(block_) + " of " + sizes(blocks));
}

// A block
// -----------------------------------------------------------------------------

void Machine::miss(const Thread& leader, std::uint32_t lane) const {
    const std::uint32_t n = leader.number / warp * warp + lane;
    const Thread* const other = n < size_ ? &threads_[n] : nullptr;
    report(*leader.at, "an exchange that not all lanes of its mask reach: lane " + std::to_string(lane) +
                           (!other                                   ? " does not exist"
                            : other->state == Thread::State::done    ? " has ended"
                            : other->state == Thread::State::barrier ? " waits at a barrier"
                                                                     : " is at another exchange"));
}

// Of a warp whose lanes have all come as far as they can.
void Machine::exchange(std::uint32_t first) {
    const auto waits = [this](std::uint32_t n) { return threads_[n].state == Thread::State::exchange; };
    const std::uint32_t end = std::min(first + warp, size_);
    std::uint32_t leader = first;
    while (leader < end && !waits(leader)) ++leader;
    if (leader == end) return;
    current_ = leader;
    const Instruction& at = *threads_[leader].at;
    const auto mask_of = [&at](Thread& thread) { return static_cast<std::uint32_t>(thread.r()[at.from[3]]); };
    const std::uint32_t mask = mask_of(threads_[leader]);
    const auto in_mask = [mask](std::uint32_t lane) { return (mask >> lane & 1) != 0; };
    if (!in_mask(leader - first)) report(at, "an exchange by a lane that its mask leaves out");
    Word values[warp] = {};
    for (std::uint32_t lane = 0; lane < warp; ++lane) {
        if (!in_mask(lane)) continue;
        const std::uint32_t n = first + lane;
        if (n >= end || !waits(n) || threads_[n].at != &at || mask_of(threads_[n]) != mask)
            miss(threads_[leader], lane);
        values[lane] = threads_[n].r()[at.from[0]] & 0xffffffff;
    }
    for (std::uint32_t lane = 0; lane < warp; ++lane) {
        if (!in_mask(lane)) continue;
        Thread& thread = threads_[first + lane];
        Word* const r = thread.r();
        const auto control = static_cast<std::uint32_t>(r[at.from[2]]);
        const std::uint32_t segment = control >> 8 & 31, last = (lane & segment) | (control & 31 & ~segment),
                            wanted = lane ^ (static_cast<std::uint32_t>(r[at.from[1]]) & 31);
        const std::uint32_t from = wanted <= last ? wanted : lane;
        if (!in_mask(from)) report(at, "an exchange with a lane that the mask leaves out");
        r[at.to[0]] = values[from];
        r[at.to[1]] = wanted <= last;
        thread.state = Thread::State::ready;
        ++thread.at;
    }
}

// Whether the block goes on: all its threads are at the same barrier, or some are ready.
bool Machine::meet() {
    const Instruction* barrier = nullptr;
    bool ended = false;
    for (std::uint32_t n = 0; n < size_; ++n) {
        const Thread& thread = threads_[n];
        if (thread.state == Thread::State::ready) return true;
        ended = ended || thread.state == Thread::State::done;
        if (thread.state != Thread::State::barrier) continue;
        current_ = n;
        if (barrier && barrier != thread.at)
            report(*thread.at, "threads of a block wait at different barriers");
        barrier = thread.at;
    }
    if (!barrier) return false;
    if (ended) report(*barrier, "a barrier that threads which have ended never reach");
    ++barriers_;
    for (std::uint32_t n = 0; n < size_; ++n) {
        threads_[n].state = Thread::State::ready;
        ++threads_[n].at;
    }
    return true;
}

void Machine::run_block() {
    barriers_ = 0;
    ++blocks_;
    std::ranges::fill(shared_written_, std::uint8_t{0});
    std::vector<std::uint32_t> turns(size_);
    for (std::uint32_t n = 0; n < size_; ++n) {
        begin(threads_[n]);
        turns[n] = n;
    }
    if (order_.kind == Order::Kind::reverse) order_.arrange(turns);
    do {
        for (bool ready = true; ready;) {
            if (order_.kind == Order::Kind::random) order_.arrange(turns);
            ready = false;
            for (const std::uint32_t n : turns) {
                Thread& thread = threads_[n];
                if (thread.state == Thread::State::ready) go(thread, order_.turn());
                ready = ready || thread.state == Thread::State::ready;
            }
        }
        for (std::uint32_t first = 0; first < size_; first += warp) exchange(first);
    } while (meet());
}

// Room for a launch: shared memory, and what its threads and the functions that they call need.
void Machine::prepare() {
    const std::size_t bytes = kernel_->shared_bytes + grid_->dynamic_bytes;
    shared_.assign(bytes, static_cast<char>(0xff));
    shared_written_.assign(bytes, 0);
    shared_exists_.assign(bytes, 0);
    shared_traces_.resize(std::max(bytes, shared_traces_.size()));
    for (const auto& [name, at] : kernel_->shared_offsets) {
        const SharedArray& array = kernel_->module->shared.at(name);
        std::fill_n(shared_exists_.begin() + at, array.dynamic ? grid_->dynamic_bytes : array.bytes,
                    std::uint8_t{1});
    }
    std::size_t registers = kernel_->registers, own = kernel_->frame_bytes();
    for (const auto& [name, function] : kernel_->module->functions) {
        if (function->kernel || !function->assembled) continue;
        registers += function->registers;
        own += function->frame_bytes();
    }
    if (threads_.size() < size_) threads_.resize(size_);
    for (std::uint32_t n = 0; n < size_; ++n) {
        Thread& thread = threads_[n];
        thread.number = n;
        if (thread.registers.size() < registers) thread.registers.resize(registers);
        if (thread.own.size() < own) thread.own.resize(own);
    }
    same_.clear();
    own_.clear();
    Thread& model = threads_[0];
    model.function = kernel_;
    model.registers_at = model.own_at = 0;
    for (const auto& [to, constant] : kernel_->constants) {
        using enum Constant::Kind;
        if (constant.kind == special || constant.kind == local || constant.kind == call_parameter)
            own_.emplace_back(to, &constant);
        else
            same_.emplace_back(to, value_of(model, constant));
    }
}

void Machine::run(const Function& kernel, const Grid& grid) {
    kernel_ = &kernel;
    grid_ = &grid;
    count_ = &counts()[kernel.name];
    size_ = grid.threads.x * grid.threads.y * grid.threads.z;
    executed_ = 0;
    ++launches_;
    prepare();
    std::vector<std::uint32_t> blocks(std::size_t{grid.blocks.x} * grid.blocks.y * grid.blocks.z);
    for (std::uint32_t n = 0; n < blocks.size(); ++n) blocks[n] = n;
    order_.arrange(blocks);
    for (const std::uint32_t n : blocks) {
        block_ = n;
        run_block();
    }
    ++count_->launches;
    count_->instructions += executed_;
}

void finding(const Instruction& at, const std::string& what) { machine().report(at, what); }

void run(const Function& kernel, const Grid& grid) { machine().run(kernel, grid); }

Memory& memory() {
    static auto* const one = new Memory;
    return *one;
}

std::map<std::string, KernelCount>& counts() {
    static auto* const all = new std::map<std::string, KernelCount>;
    return *all;
}

KernelCount KernelCount::operator-(const KernelCount& other) const {
    return {launches - other.launches, instructions - other.instructions, accesses - other.accesses,
            wide - other.wide, bytes - other.bytes};
}

KernelCount& KernelCount::operator+=(const KernelCount& other) {
    launches += other.launches;
    instructions += other.instructions;
    accesses += other.accesses;
    wide += other.wide;
    bytes += other.bytes;
    return *this;
}

}  // namespace adjoint::ptx
