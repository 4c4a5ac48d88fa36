// A thread of the machine: its memory, its calls, and its way from one meeting to the next.
#include <cstring>

#include "state.h"

namespace adjoint::ptx {
namespace {

using Kind = Instruction::Kind;
using Space = Instruction::Space;

constexpr Word most_instructions = 20'000'000'000;  // of a launch

void load(Word* r, const Instruction& at, const char* from) {
    for (std::size_t k = 0; k < at.elements; ++k) {
        Word word = 0;
        std::memcpy(&word, from + k * at.element, at.element);
        if (at.extend_sign && at.element < 8) {
            const int unused = 64 - 8 * at.element;
            word = static_cast<Word>(static_cast<std::int64_t>(word << unused) >> unused);
            if (at.width < 64) word &= (Word{1} << at.width) - 1;
        }
        r[at.to[k]] = word;
    }
}

void store(const Word* r, const Instruction& at, char* to) {
    for (std::size_t k = 0; k < at.elements; ++k)
        std::memcpy(to + k * at.element, &r[at.from[k + 1]], at.element);
}

}  // namespace

// Memory
// -----------------------------------------------------------------------------

char* Machine::in_device(const Instruction& at, Word address, bool writes) {
    const std::size_t bytes = at.bytes();
    if (address % bytes != 0) report(at, "a misaligned access of " + std::to_string(bytes) + " bytes");
    const Memory& all = memory();
    if (at.met_in != all.version() || !at.met->holds(address, bytes)) {
        at.met = all.find(address);
        at.met_in = all.version();
        if (!at.met || !at.met->holds(address, bytes))
            report(at, std::string(writes ? "a write" : "a read") + " out of bounds" +
                           (at.met ? ", at byte " + std::to_string(address - at.met->first) + " of " +
                                         std::to_string(at.met->bytes)
                                   : ""));
    }
    const Region& region = *at.met;
    const std::size_t place = address - region.first;
    if (writes)
        std::memset(region.written + place, 1, bytes);
    else if (std::memchr(region.written + place, 0, bytes))
        report(at, "a read of device memory that nobody wrote, at byte " + std::to_string(place) + " of " +
                       std::to_string(region.bytes));
    const Visitor visitor{launches_, Word{block_} * size_ + current_, size_, barriers_};
    for (std::size_t i = 0; i < bytes; i += watched_step(bytes))
        if (const char* const wrong = region.traces[place + i].touch(visitor, writes))
            report(at, std::string("a race on device memory: ") + wrong);
    ++count_->accesses;
    count_->wide += bytes == 16;
    count_->bytes += bytes;
    return region.contents + place;
}

char* Machine::in_shared(const Instruction& at, Word address, bool writes) {
    const std::size_t bytes = at.bytes(), place = address & 0xffffffff;
    if (place % bytes != 0) report(at, "a misaligned access to shared memory");
    if (place + bytes > shared_.size() || std::memchr(&shared_exists_[place], 0, bytes))
        report(at, "an access out of bounds of shared memory");
    if (writes)
        std::memset(&shared_written_[place], 1, bytes);
    else if (std::memchr(&shared_written_[place], 0, bytes))
        report(at, "a read of shared memory that nobody wrote");
    const Visitor visitor{blocks_, current_, size_, barriers_};
    for (std::size_t i = 0; i < bytes; i += watched_step(bytes))
        if (const char* const wrong = shared_traces_[place + i].touch(visitor, writes))
            report(at, std::string("a race on shared memory: ") + wrong);
    return &shared_[place];
}

bool Machine::is_own(const Thread& thread, Word address) const {
    const auto within = [address](const void* first, std::size_t bytes) {
        return address - reinterpret_cast<Word>(first) < bytes;
    };
    return within(grid_->arguments.data(), grid_->arguments.size()) ||
           within(thread.own.data(), thread.own.size());
}

char* Machine::in_own(Thread& thread, const Instruction& at, Word address) {
    const auto holds = [&](const void* first, std::size_t size) {
        const auto start = reinterpret_cast<Word>(first);
        return address >= start && address + at.bytes() <= start + size;
    };
    const std::vector<std::byte>& arguments = grid_->arguments;
    const bool argument = holds(arguments.data(), arguments.size());
    if (!argument && !holds(thread.own.data(), thread.own_at + thread.function->frame_bytes()))
        report(at, "an access out of bounds of local memory or parameters");
    if (argument && (address - reinterpret_cast<Word>(arguments.data())) % at.bytes() != 0)
        report(at, "a misaligned access to parameters");
    return reinterpret_cast<char*>(address);
}

// Before it has waited a thread may meet what is still being written, or read.
void Machine::check_order(const Thread& thread, const Instruction& at) const {
    if (grid_->overlaps && !thread.has_waited)
        report(at, "an access to memory before it has waited for earlier launches");
}

char* Machine::locate(Thread& thread, const Instruction& at, bool writes) {
    const Word address = thread.r()[at.from[0]] + static_cast<Word>(at.offset);
    switch (at.space) {
        case Space::device:
            check_order(thread, at);
            return in_device(at, address, writes);
        case Space::shared:
            return in_shared(at, address, writes);
        case Space::generic:
            if (!is_own(thread, address)) {
                check_order(thread, at);
                return in_device(at, address, writes);
            }
            [[fallthrough]];
        default:
            return in_own(thread, at, address);
    }
}

// Atomic accesses race with nobody.
void Machine::swap_if_equal(Thread& thread, const Instruction& at) {
    Word* const r = thread.r();
    const Word address = r[at.from[0]] + static_cast<Word>(at.offset);
    const Region* const region = memory().find(address);
    check_order(thread, at);
    if (address % at.element != 0 || !region || !region->holds(address, at.element))
        report(at, "an atomic access out of bounds");
    char* const place = region->contents + (address - region->first);
    Word old = 0;
    std::memcpy(&old, place, at.element);
    if (old == r[at.from[1]]) std::memcpy(place, &r[at.from[2]], at.element);
    r[at.to[0]] = old;
}

// A thread
// -----------------------------------------------------------------------------

Word Machine::special_register(const Thread& thread, Word which) const {
    const dim3 blocks = grid_->blocks, threads = grid_->threads;
    const std::uint32_t n = thread.number;
    const Word all[] = {
        n % threads.x,
        n / threads.x % threads.y,
        n / threads.x / threads.y,
        threads.x,
        threads.y,
        threads.z,
        block_ % blocks.x,
        block_ / blocks.x % blocks.y,
        block_ / blocks.x / blocks.y,
        blocks.x,
        blocks.y,
        blocks.z,
        n % warp,
    };
    return all[which];
}

Word Machine::value_of(Thread& thread, const Constant& constant) const {
    using enum Constant::Kind;
    const Function& f = *thread.function;
    const auto frame = reinterpret_cast<Word>(thread.frame());
    switch (constant.kind) {
        case special:
            return special_register(thread, constant.value);
        case shared:
            return kernel_->shared_offsets.at(constant.name);
        case global:
            return reinterpret_cast<Word>(f.module->globals.at(constant.name).data());
        case parameter:
            return constant.value + (f.kernel ? reinterpret_cast<Word>(grid_->arguments.data()) : frame);
        case result:
            return constant.value + frame + f.results_at();
        case local:
            return constant.value + frame + f.local_at();
        case call_parameter:
            return constant.value + frame + f.call_parameters_at();
        default:
            return constant.value;
    }
}

void Machine::enter(Thread& thread) {
    Word* const r = thread.r();
    for (const auto& [number, constant] : thread.function->constants) r[number] = value_of(thread, constant);
}

void Machine::begin(Thread& thread) {
    thread.state = Thread::State::ready;
    thread.has_waited = false;
    thread.function = kernel_;
    thread.at = kernel_->code.data();
    thread.registers_at = thread.own_at = 0;
    thread.callers.clear();
    Word* const r = thread.r();
    for (const auto& [number, value] : same_) r[number] = value;
    for (const auto& [number, constant] : own_) r[number] = value_of(thread, *constant);
}

void Machine::call(Thread& thread) {
    const Instruction& at = *thread.at;
    const Function &from = *thread.function, &to = *at.detail->callee;
    thread.callers.push_back({&from, &at, thread.registers_at, thread.own_at});
    const char* const passed = thread.frame() + from.call_parameters_at();
    thread.registers_at += from.registers;
    thread.own_at += from.frame_bytes();
    if (thread.registers_at + to.registers > thread.registers.size() ||
        thread.own_at + to.frame_bytes() > thread.own.size())
        cannot("call functions as deep as that");
    for (std::size_t k = 0; k < at.detail->arguments.size(); ++k)
        std::memcpy(thread.frame() + to.parameters[k].offset, passed + at.detail->arguments[k],
                    to.parameters[k].bytes);
    thread.function = &to;
    thread.at = to.code.data();
    enter(thread);
}

// Whether there is something to come back to.
bool Machine::leave(Thread& thread) {
    if (thread.callers.empty()) return false;
    const Frame caller = thread.callers.back();
    thread.callers.pop_back();
    const Function& from = *thread.function;
    const char* const results = thread.frame() + from.results_at();
    thread.function = caller.function;
    thread.registers_at = caller.registers;
    thread.own_at = caller.own;
    char* const to = thread.frame() + caller.function->call_parameters_at();
    const std::vector<std::uint32_t>& places = caller.call->detail->results;
    for (std::size_t k = 0; k < places.size(); ++k)
        std::memcpy(to + places[k], results + from.results[k].offset, from.results[k].bytes);
    thread.at = caller.call + 1;
    return true;
}

// Until the thread waits, ends, or has had its turn.
void Machine::go(Thread& thread, Word turn) {
    current_ = thread.number;
    Word left = turn;
    Word* r = thread.r();
    while (left-- > 0) {
        const Instruction& at = *thread.at;
        if (at.predicate >= 0 && ((r[at.predicate] & 1) != 0) == at.unless) {
            ++thread.at;
            continue;
        }
        switch (at.kind) {
            case Kind::compute:
                at.operation(r, at);
                ++thread.at;
                continue;
            case Kind::branch:
                thread.at = thread.function->code.data() + at.target;
                continue;
            case Kind::load:
                load(r, at, locate(thread, at, false));
                ++thread.at;
                continue;
            case Kind::store:
                store(r, at, locate(thread, at, true));
                ++thread.at;
                continue;
            case Kind::swap_if_equal:
                swap_if_equal(thread, at);
                ++thread.at;
                continue;
            case Kind::wait_for_earlier:
                thread.has_waited = true;
                ++thread.at;
                continue;
            case Kind::call:
                call(thread);
                r = thread.r();
                continue;
            case Kind::end:
                if (leave(thread)) {
                    r = thread.r();
                    continue;
                }
                thread.state = Thread::State::done;
                break;
            case Kind::barrier:
                thread.state = Thread::State::barrier;
                break;
            case Kind::exchange:
                thread.state = Thread::State::exchange;
                break;
        }
        break;
    }
    executed_ += turn - left;
    if (executed_ > most_instructions) report(*thread.at, "a kernel that does not end");
}

}  // namespace adjoint::ptx
