// Fibers, their scheduler and the memory of a block.
#include "emulator.h"

#include <algorithm>
#include <boost/context/detail/fcontext.hpp>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

namespace adjoint::emulator {

constinit thread_local dim3 threadIdx, blockIdx, blockDim, gridDim;

namespace {

constexpr unsigned warp_size = 32;
constexpr unsigned max_threads = 1024;
constexpr std::size_t max_static_shared = 48 << 10, max_dynamic_shared = 227 << 10;
constexpr std::size_t stack_bytes = 32 << 10;

enum class State { ready, at_barrier, at_exchange, done };

using boost::context::detail::fcontext_t;
using boost::context::detail::transfer_t;

struct Fiber {
    fcontext_t context = nullptr;  // where it goes on; null before it has begun
    std::unique_ptr<char[]> stack;
    State state = State::done;
    dim3 thread;
    std::source_location waits_at;
    // An exchange writes one slot and the next one the other: nobody overwrites what is still to be read.
    std::uint64_t slots[2] = {};
    unsigned exchanges = 0;
};

struct SharedArray {
    const void* site;
    std::size_t bytes;
    std::unique_ptr<char[]> memory;
    std::uint64_t block;
};

std::string text(const dim3& d) {
    return "(" + std::to_string(d.x) + ", " + std::to_string(d.y) + ", " + std::to_string(d.z) + ")";
}

std::string text(const std::source_location& at) {
    const std::string file = at.file_name();
    return file.substr(file.rfind('/') + 1) + ":" + std::to_string(at.line());
}

// The grid that the calling thread runs.
class Grid {
  public:
    void run(const char* op, dim3 grid, dim3 block, std::size_t dynamic_bytes, bool independent,
             const std::function<void()>& thread);
    void meet(detail::Meeting meeting, const std::source_location& at);
    std::uint64_t exchange(std::uint64_t value, unsigned source_lane, const std::source_location& at);
    unsigned lane() const { return current_ % warp_size; }
    void* shared(const void* site, std::size_t bytes);
    void* dynamic_shared();
    Order order = Order::forward;
    std::function<void(const Launch&)> listener;

  private:
    static void trampoline(transfer_t from);
    void run_blocks(bool independent);
    void run_independent_block();
    void run_block();
    void run_warp(unsigned warp);
    void resume(unsigned thread);
    void yield();
    transfer_t jump(fcontext_t to, const void* stack, std::size_t bytes);
    void start(Fiber& fiber);
    [[noreturn]] void fail(const std::string& what);
    unsigned ordered(unsigned i, unsigned n) const { return order == Order::forward ? i : n - 1 - i; }
    dim3 place(std::uint64_t i, const dim3& sizes) const;

    const char* op_ = "";
    const std::function<void()>* thread_ = nullptr;
    bool independent_ = false;
    std::deque<Fiber> fibers_;
    unsigned count_ = 0, current_ = 0;  // threads of the block, and the one that runs
    std::uint64_t block_ = 0;
    std::vector<SharedArray> arrays_;
    std::size_t static_bytes_ = 0;
    SharedArray dynamic_{};
    std::string failure_;  // met inside a fiber
    fcontext_t scheduler_ = nullptr;
    const void* scheduler_bottom_ = nullptr;
    std::size_t scheduler_size_ = 0;
};

Grid& grid() {
    static thread_local Grid current;
    return current;
}

dim3 Grid::place(std::uint64_t i, const dim3& sizes) const {
    return {static_cast<unsigned>(i % sizes.x), static_cast<unsigned>(i / sizes.x % sizes.y),
            static_cast<unsigned>(i / sizes.x / sizes.y)};
}

void Grid::fail(const std::string& what) {
    throw KernelError(std::string(op_) + ": block " + text(blockIdx) + " of " + text(gridDim) + " with " +
                      text(blockDim) + " threads: " + what);
}

// Switching
// -----------------------------------------------------------------------------

// To another stack, which AddressSanitizer is told of; returns when somebody jumps back, and says from where.
transfer_t Grid::jump(fcontext_t to, const void* stack, std::size_t bytes) {
#if defined(__SANITIZE_ADDRESS__)
    void* fake = nullptr;
    __sanitizer_start_switch_fiber(&fake, stack, bytes);
    const transfer_t from = boost::context::detail::jump_fcontext(to, nullptr);
    __sanitizer_finish_switch_fiber(fake, nullptr, nullptr);
    return from;
#else
    static_cast<void>(stack);
    static_cast<void>(bytes);
    return boost::context::detail::jump_fcontext(to, nullptr);
#endif
}

void Grid::trampoline(transfer_t from) {
    Grid& self = grid();
    self.scheduler_ = from.fctx;
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_finish_switch_fiber(nullptr, &self.scheduler_bottom_, &self.scheduler_size_);
#endif
    // One fiber serves block after block.
    for (;;) {
        (*self.thread_)();
        self.fibers_[self.current_].state = State::done;
        self.yield();
    }
}

void Grid::start(Fiber& fiber) {
    if (!fiber.stack) fiber.stack.reset(new char[stack_bytes]);
#if defined(__SANITIZE_ADDRESS__)
    __asan_unpoison_memory_region(fiber.stack.get(), stack_bytes);  // frames that a failed run left behind
#endif
    fiber.context = boost::context::detail::make_fcontext(fiber.stack.get() + stack_bytes, stack_bytes,
                                                          &Grid::trampoline);
}

void Grid::resume(unsigned thread) {
    Fiber& fiber = fibers_[thread];
    if (!fiber.context) start(fiber);
    current_ = thread;
    threadIdx = fiber.thread;
    fiber.context = jump(fiber.context, fiber.stack.get(), stack_bytes).fctx;
    if (!failure_.empty()) fail(failure_);
}

void Grid::yield() { scheduler_ = jump(scheduler_, scheduler_bottom_, scheduler_size_).fctx; }

// Meeting
// -----------------------------------------------------------------------------

void Grid::meet(detail::Meeting meeting, const std::source_location& at) {
    const bool barrier = meeting == detail::Meeting::barrier;
    if (independent_)
        fail(std::string(barrier ? "a barrier" : "a warp exchange") + " at " + text(at) +
             " in a kernel that was launched as independent");
    Fiber& me = fibers_[current_];
    me.state = barrier ? State::at_barrier : State::at_exchange;
    me.waits_at = at;
    yield();
}

std::uint64_t Grid::exchange(std::uint64_t value, unsigned source_lane, const std::source_location& at) {
    if (!independent_) {
        Fiber& me = fibers_[current_];
        me.slots[me.exchanges++ % 2] = value;
    }
    meet(detail::Meeting::exchange, at);
    const Fiber& me = fibers_[current_];
    const Fiber& source = fibers_[current_ / warp_size * warp_size + source_lane % warp_size];
    return source.slots[(me.exchanges - 1) % 2];
}

// Scheduling
// -----------------------------------------------------------------------------

void Grid::run_warp(unsigned warp) {
    const unsigned first = warp * warp_size, end = std::min(first + warp_size, count_), lanes = end - first;
    for (;;) {
        for (unsigned i = 0; i < lanes; ++i) {
            const unsigned thread = first + ordered(i, lanes);
            if (fibers_[thread].state == State::ready) resume(thread);
        }
        unsigned waiting = 0;
        const Fiber* one = nullptr;
        for (unsigned i = first; i < end; ++i)
            if (fibers_[i].state == State::at_exchange) {
                one = &fibers_[i];
                ++waiting;
            }
        if (waiting == 0) return;
        if (waiting < lanes || lanes < warp_size)
            fail("the warp exchange at " + text(one->waits_at) + " is reached by " + std::to_string(waiting) +
                 " of the " + std::to_string(warp_size) + " lanes of warp " + std::to_string(warp));
        for (unsigned i = first; i < end; ++i) {
            if (fibers_[i].waits_at.line() != one->waits_at.line())
                fail("lanes of warp " + std::to_string(warp) + " wait at different exchanges: " +
                     text(one->waits_at) + " and " + text(fibers_[i].waits_at));
            fibers_[i].state = State::ready;
        }
    }
}

void Grid::run_block() {
    for (unsigned i = 0; i < count_; ++i) {
        fibers_[i].state = State::ready;
        fibers_[i].thread = place(i, blockDim);
        fibers_[i].exchanges = 0;
    }
    const unsigned warps = (count_ + warp_size - 1) / warp_size;
    for (;;) {
        for (unsigned w = 0; w < warps; ++w) run_warp(ordered(w, warps));
        unsigned done = 0;
        const Fiber* waiting = nullptr;
        for (unsigned i = 0; i < count_; ++i) {
            if (fibers_[i].state == State::done)
                ++done;
            else
                waiting = &fibers_[i];
        }
        if (waiting == nullptr) return;
        if (done > 0)
            fail("the barrier at " + text(waiting->waits_at) + " is not reached by " + std::to_string(done) +
                 " threads, which have returned");
        for (unsigned i = 0; i < count_; ++i) {
            if (fibers_[i].waits_at.line() != waiting->waits_at.line())
                fail("threads wait at different barriers: " + text(waiting->waits_at) + " and " +
                     text(fibers_[i].waits_at));
            fibers_[i].state = State::ready;
        }
    }
}

void Grid::run_independent_block() {
    for (unsigned i = 0; i < count_; ++i) {
        current_ = ordered(i, count_);
        threadIdx = place(current_, blockDim);
        (*thread_)();
        if (!failure_.empty()) fail(failure_);
    }
}

void Grid::run(const char* op, dim3 grid, dim3 block, std::size_t dynamic_bytes, bool independent,
               const std::function<void()>& thread) {
    op_ = op;
    thread_ = &thread;
    independent_ = independent;
    gridDim = grid;
    blockDim = block;
    blockIdx = {0, 0, 0};
    if (block.count() == 0 || block.count() > max_threads || block.z > 64)
        fail("a block has 1 to 1024 threads");
    if (grid.count() == 0 || grid.y > 65535 || grid.z > 65535 || grid.x > 0x7fffffffu)
        fail("the grid is empty or too large");
    if (dynamic_bytes > max_dynamic_shared) fail("too much shared memory");
    if (listener) return listener({op, grid, block});
    count_ = static_cast<unsigned>(block.count());
    if (!independent && fibers_.size() < count_) fibers_.resize(count_);
    arrays_.clear();
    static_bytes_ = 0;
    failure_.clear();
    dynamic_ = {nullptr, dynamic_bytes, std::unique_ptr<char[]>(new char[dynamic_bytes]), 0};
    try {
        const std::uint64_t blocks = grid.count();
        for (std::uint64_t b = 0; b < blocks; ++b) {
            blockIdx = place(order == Order::forward ? b : blocks - 1 - b, grid);
            ++block_;
            if (independent)
                run_independent_block();
            else
                run_block();
        }
    } catch (...) {
        for (Fiber& fiber : fibers_) fiber.context = nullptr;
        throw;
    }
}

// Shared memory
// -----------------------------------------------------------------------------

void* Grid::shared(const void* site, std::size_t bytes) {
    SharedArray* found = nullptr;
    for (SharedArray& array : arrays_)
        if (array.site == site) found = &array;
    if (found == nullptr) {
        static_bytes_ += bytes;
        if (static_bytes_ > max_static_shared)
            failure_ = std::to_string(static_bytes_) + " bytes of static shared memory";
        arrays_.push_back({site, bytes, std::unique_ptr<char[]>(new char[bytes]), 0});
        found = &arrays_.back();
    }
    if (found->block != block_) {
        std::memset(found->memory.get(), 0xff, bytes);
        found->block = block_;
    }
    return found->memory.get();
}

void* Grid::dynamic_shared() {
    if (dynamic_.block != block_) {
        std::memset(dynamic_.memory.get(), 0xff, dynamic_.bytes);
        dynamic_.block = block_;
    }
    return dynamic_.memory.get();
}

}  // namespace

void count_only(std::function<void(const Launch&)> listener) { grid().listener = std::move(listener); }

void set_order(Order order) { grid().order = order; }
Order order() { return grid().order; }

void run(const char* op, dim3 grid_size, dim3 block, std::size_t dynamic_bytes, bool independent,
         const std::function<void()>& thread) {
    grid().run(op, grid_size, block, dynamic_bytes, independent, thread);
}

namespace detail {
void meet(Meeting meeting, const std::source_location& at) { grid().meet(meeting, at); }
std::uint64_t exchange(std::uint64_t value, unsigned source_lane, const std::source_location& at) {
    return grid().exchange(value, source_lane, at);
}
unsigned lane() { return grid().lane(); }
void* shared(const void* site, std::size_t bytes) { return grid().shared(site, bytes); }
void* dynamic_shared() { return grid().dynamic_shared(); }
}  // namespace detail

}  // namespace adjoint::emulator
