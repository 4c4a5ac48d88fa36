// Ranges of memory, from what calls say of themselves.
#include <adjoint/core/capture/effects.h>

#include <algorithm>

namespace adjoint {
namespace {

MemoryRange range_of(const void* data, std::int64_t numel, DType type) {
    const char* begin = static_cast<const char*>(data);
    return {begin, begin + numel * static_cast<std::int64_t>(size_of(type))};
}

// The visitor of a call's memory.
class Collector {
  public:
    explicit Collector(Effects& effects) : effects_(effects) {}

    void writes(const void* data, std::int64_t numel, DType type) {
        add(effects_.writes, data, range_of(data, numel, type));
    }
    void reads(const void* data, std::int64_t numel, DType type) {
        add(effects_.reads, data, range_of(data, numel, type));
    }
    void updates(const void* data, std::int64_t numel, DType type) {
        reads(data, numel, type);
        writes(data, numel, type);
    }
    void writes(const Operand& x, std::int64_t numel) { writes(x.data, numel, x.dtype); }
    void reads(const Operand& x, std::int64_t numel) { reads(x.data, numel, x.dtype); }

    template <int N> void writes(const Loop<N>& loop, int i) { effects_.writes.push_back(range_of(loop, i)); }
    template <int N> void reads(const Loop<N>& loop, int i, std::int64_t more = 0) {
        effects_.reads.push_back(range_of(loop, i, more));
    }
    template <int N> void updates(const Loop<N>& loop, int i, std::int64_t more) {
        reads(loop, i, more);
        effects_.writes.push_back(range_of(loop, i, more));
    }
    template <int N> void loop(const Loop<N>& loop) {
        writes(loop, 0);
        for (int i = 1; i < N; ++i) reads(loop, i);
    }
    void reduction(const ReductionLoop& r) {
        writes(r.out, r.outputs);
        if (r.outputs == 0 || r.length == 0) return;
        Loop<1> in;
        in.operands[0] = r.in;
        for (int d = 0; d < r.kept_rank; ++d) append(in, r.kept_sizes[d], r.kept_strides[d]);
        for (int d = 0; d < r.reduced_rank; ++d) append(in, r.reduced_sizes[d], r.reduced_strides[d]);
        reads(in, 0);
    }

  private:
    static void append(Loop<1>& loop, std::int64_t size, std::int64_t stride) {
        loop.sizes[loop.rank] = size;
        loop.strides[0][loop.rank++] = stride;
    }
    static void add(std::vector<MemoryRange>& to, const void* data, const MemoryRange& range) {
        if (data && range.begin != range.end) to.push_back(range);
    }

    Effects& effects_;
};

bool any_overlap(const std::vector<MemoryRange>& a, const std::vector<MemoryRange>& b) {
    return std::any_of(a.begin(), a.end(), [&](const MemoryRange& x) {
        return std::any_of(b.begin(), b.end(), [&](const MemoryRange& y) { return x.overlaps(y); });
    });
}

}  // namespace

Effects::Effects(const AnyCall& call) {
    Collector collector(*this);
    std::visit([&](const auto& one) { one.memory(collector); }, call);
}

void Effects::add(const Effects& more) {
    reads.insert(reads.end(), more.reads.begin(), more.reads.end());
    writes.insert(writes.end(), more.writes.begin(), more.writes.end());
}

bool Effects::conflicts(const Effects& other) const {
    return any_overlap(writes, other.writes) || any_overlap(writes, other.reads) ||
           any_overlap(reads, other.writes);
}

bool Effects::writes_at(const void* place) const {
    const char* const byte = static_cast<const char*>(place);
    return std::any_of(writes.begin(), writes.end(),
                       [&](const MemoryRange& w) { return w.begin <= byte && byte < w.end; });
}

bool Effects::reads_what(const Effects& other) const { return any_overlap(reads, other.writes); }

Lifetimes::Lifetimes(const std::vector<Lifetime>& all) {
    for (const Lifetime& one : all) {
        by_start_[one.memory.begin].push_back(one);
        longest_ = std::max(longest_, one.memory.end - one.memory.begin);
    }
}

const Lifetime* Lifetimes::find(const MemoryRange& range, std::size_t at) const {
    // Memory is cut anew when it is taken again, so that the one which is meant may begin far before.
    for (auto place = by_start_.upper_bound(range.begin); place != by_start_.begin();) {
        --place;
        if (range.end - place->first > longest_) break;
        for (const Lifetime& one : place->second)
            if (one.first <= at && at < one.last && range.end <= one.memory.end) return &one;
    }
    return nullptr;
}

}  // namespace adjoint
