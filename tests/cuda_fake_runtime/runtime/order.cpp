// Whether work of several streams keeps its order: every access to memory is held against those of other
// streams that neither an event nor the host has waited for.
#include "state.h"

namespace adjoint::fake_cuda {
namespace {

Clock& waited_for() {
    static auto* const clock = new Clock;
    return *clock;
}

bool meet(const Access& a, const Access& b) {
    if (a.kind != Access::writes && b.kind != Access::writes) return false;
    const auto *first = static_cast<const char*>(a.data), *second = static_cast<const char*>(b.data);
    return first < second + b.bytes && second < first + a.bytes;
}

}  // namespace

std::vector<CUstream_st*>& streams() {
    static auto* const all = new std::vector<CUstream_st*>;
    return *all;
}

const Clock& host_clock() { return waited_for(); }

void host_waited(const Clock& clock) {
    waited_for().join(clock);
    for (CUstream_st* stream : streams())
        std::erase_if(stream->accesses, [&](const CUstream_st::Done& done) {
            return done.tick <= waited_for().of(stream->number);
        });
}

void check_order(CUstream_st& stream, const Work& work) {
    stream.clock.join(waited_for());
    for (const CUstream_st* other : streams()) {
        if (other == &stream) continue;
        for (const CUstream_st::Done& done : other->accesses) {
            if (done.tick <= stream.clock.of(other->number)) continue;
            for (const Access& access : work.accesses)
                if (meet(access, done.access))
                    violation(work.name + " on stream " + std::to_string(stream.number) +
                              " does not wait for " + done.by + " on stream " +
                              std::to_string(other->number) + ", which uses the same memory");
        }
    }
    const std::uint64_t tick = stream.clock.tick(stream.number);
    for (const Access& access : work.accesses) stream.accesses.push_back({access, tick, work.name});
}

}  // namespace adjoint::fake_cuda
