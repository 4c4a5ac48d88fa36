// What the parts of the machine share.
#pragma once

#include <algorithm>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "machine.h"
#include "memory.h"

namespace adjoint::ptx {

using Word = std::uint64_t;

inline constexpr std::uint32_t warp = 32;

/// In which order threads and blocks take their turns.
struct Order {
    enum class Kind { forward, reverse, random } kind = Kind::forward;
    std::mt19937_64 numbers;

    Order();
    void arrange(std::vector<std::uint32_t>& all);
    /// How many instructions a thread has at a time.
    Word turn() { return kind == Kind::random ? 1 + numbers() % 64 : ~Word{0}; }
};

struct Frame {
    const Function* function;
    const Instruction* call;
    std::size_t registers, own;  // where they begin
};

struct Thread {
    enum class State : std::uint8_t { ready, barrier, exchange, done };

    State state = State::done;
    bool has_waited = false;  // for the launches before
    std::uint32_t number = 0;
    const Function* function = nullptr;
    const Instruction* at = nullptr;
    std::vector<Word> registers;
    std::vector<char> own;  // local memory, and parameters of calls
    std::size_t registers_at = 0, own_at = 0;
    std::vector<Frame> callers;

    Word* r() { return registers.data() + registers_at; }
    char* frame() { return own.data() + own_at; }
};

class Machine {
  public:
    void run(const Function& kernel, const Grid& grid);
    [[noreturn]] void report(const Instruction& at, const std::string& what) const;

  private:
    // machine.cpp
    void prepare();
    void run_block();
    void exchange(std::uint32_t first);
    bool meet();
    [[noreturn]] void miss(const Thread& leader, std::uint32_t lane) const;

    // thread.cpp
    void begin(Thread& thread);
    void enter(Thread& thread);
    Word value_of(Thread& thread, const Constant& constant) const;
    Word special_register(const Thread& thread, Word which) const;
    void go(Thread& thread, Word turn);
    void call(Thread& thread);
    bool leave(Thread& thread);

    char* locate(Thread& thread, const Instruction& at, bool writes);
    char* in_device(const Instruction& at, Word address, bool writes);
    char* in_shared(const Instruction& at, Word address, bool writes);
    bool is_own(const Thread& thread, Word address) const;
    char* in_own(Thread& thread, const Instruction& at, Word address);
    void swap_if_equal(Thread& thread, const Instruction& at);
    void check_order(const Thread& thread, const Instruction& at) const;

    const Function* kernel_ = nullptr;
    const Grid* grid_ = nullptr;
    KernelCount* count_ = nullptr;
    Order order_;
    std::vector<std::pair<std::uint32_t, Word>> same_;  // registers of the kernel that all threads begin with
    std::vector<std::pair<std::uint32_t, const Constant*>> own_;  // and those that each has for itself
    std::vector<Thread> threads_;
    std::uint32_t size_ = 0;          // threads of a block
    std::uint32_t block_ = 0;         // number in the grid
    std::uint32_t current_ = 0;       // thread in the block
    Word barriers_ = 0;               // passed in the block
    Word launches_ = 0, blocks_ = 0;  // serial numbers
    Word executed_ = 0;
    std::vector<char> shared_;
    std::vector<std::uint8_t> shared_exists_, shared_written_;
    std::vector<Trace> shared_traces_;
};

}  // namespace adjoint::ptx
