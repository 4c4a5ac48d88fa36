// What a call does to memory, and which calls have to stay in their order. Private.
#pragma once

#include <cstddef>
#include <map>
#include <vector>

#include <adjoint/core/contract/calls.h>

namespace adjoint {

/// Bytes from `begin` up to `end`.
struct MemoryRange {
    const char* begin = nullptr;
    const char* end = nullptr;

    bool contains(const MemoryRange& other) const { return begin <= other.begin && other.end <= end; }
    bool overlaps(const MemoryRange& other) const { return begin < other.end && other.begin < end; }
};

/// From the first to the last element of operand i, each followed by `more` elements.
template <int N> MemoryRange range_of(const Loop<N>& loop, int i, std::int64_t more = 0) {
    std::int64_t low = 0, high = more;
    for (int d = 0; d < loop.rank; ++d) {
        const std::int64_t reach = (loop.sizes[d] - 1) * loop.strides[i][d];
        (reach < 0 ? low : high) += reach;
    }
    const auto bytes = static_cast<std::int64_t>(size_of(loop.operands[i].dtype));
    const char* data = static_cast<const char*>(loop.operands[i].data);
    return {data + low * bytes, data + (high + 1) * bytes};
}

/// The memory that calls read and write; what is updated is both.
struct Effects {
    std::vector<MemoryRange> reads, writes;

    Effects() = default;
    explicit Effects(const AnyCall& call);
    void add(const Effects& more);
    /// Whether one writes what the other touches: then their order counts.
    bool conflicts(const Effects& other) const;
    /// Whether it writes this byte.
    bool writes_at(const void* place) const;
    /// Whether it reads something that `other` writes.
    bool reads_what(const Effects& other) const;
};

/// Memory that a step takes and gives back: what lies there is nobody's outside of calls first .. last - 1.
struct Lifetime {
    MemoryRange memory;
    std::size_t first = 0, last = 0;
};

/// The lifetimes of a step, to be asked by place and time.
class Lifetimes {
  public:
    explicit Lifetimes(const std::vector<Lifetime>& all);
    /// That of the memory which call `at` touches; null where it is there before or after the step.
    const Lifetime* find(const MemoryRange& range, std::size_t at) const;

  private:
    std::map<const char*, std::vector<Lifetime>> by_start_;
    std::ptrdiff_t longest_ = 0;
};

}  // namespace adjoint
