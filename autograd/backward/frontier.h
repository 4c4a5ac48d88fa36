// Nodes of a backward pass that have received a gradient and not run yet, the deepest first. Private.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include <adjoint/autograd/record/function.h>
#include <adjoint/core/memory/pool_allocator.h>

namespace adjoint::detail {

// The memory of a pass comes from the pool, like the nodes': a training step asks the system for nothing.
template <class T> using PooledVector = std::vector<T, PoolAllocator<T>>;

// Where the nodes wait: from a node to its slot, by open addressing with linear probing.
class SlotTable {
  public:
    SlotTable() : entries_(std::size_t{1} << bits_) {}

    // The node's slot, and whether it is new: then the caller fills it in.
    std::pair<std::uint32_t&, bool> find_or_insert(const Producer* node) {
        if (2 * (count_ + 1) > entries_.size()) [[unlikely]]
            grow();
        Entry& entry = entries_[place_of(node)];
        const bool fresh = entry.node == nullptr;
        entry.node = node;
        count_ += fresh;
        return {entry.slot, fresh};
    }

    // The entries behind move up, so that no probe meets a gap before its goal.
    void erase(const Producer* node) {
        const std::size_t mask = entries_.size() - 1;
        std::size_t gap = place_of(node);
        for (std::size_t i = (gap + 1) & mask; entries_[i].node; i = (i + 1) & mask)
            if (((i - home_of(entries_[i].node)) & mask) >= ((i - gap) & mask)) {
                entries_[gap] = entries_[i];
                gap = i;
            }
        entries_[gap].node = nullptr;
        --count_;
    }

  private:
    struct Entry {
        const Producer* node = nullptr;
        std::uint32_t slot = 0;
    };

    std::size_t home_of(const Producer* node) const {
        constexpr std::uint64_t golden = 0x9E3779B97F4A7C15;
        return static_cast<std::size_t>((reinterpret_cast<std::uintptr_t>(node) * golden) >> (64 - bits_));
    }
    std::size_t place_of(const Producer* node) const {
        const std::size_t mask = entries_.size() - 1;
        std::size_t i = home_of(node);
        while (entries_[i].node && entries_[i].node != node) i = (i + 1) & mask;
        return i;
    }
    void grow() {
        const PooledVector<Entry> before = std::exchange(entries_, PooledVector<Entry>(entries_.size() * 2));
        ++bits_;
        for (const Entry& entry : before)
            if (entry.node) entries_[place_of(entry.node)] = entry;
    }

    int bits_ = 4;
    std::size_t count_ = 0;
    PooledVector<Entry> entries_;
};

// Nodes that wait to run with what they have received so far.
class Frontier {
  public:
    struct Waiting {
        Ref<Producer> node;
        Grads grads;
        std::uint64_t order = 0;
    };

    bool empty() const noexcept { return heap_.empty(); }

    Tensor& slot(const Ref<Producer>& producer, std::uint32_t index) {
        const auto [at, fresh] = slots_.find_or_insert(producer.get());
        if (fresh) {
            at = take_free();
            Waiting& waiting = waiting_[at];
            waiting.node = producer;
            waiting.order = ++arrivals_;
            for (std::size_t i = node_of(producer)->output_count(); i > 0; --i) waiting.grads.push_back({});
            heap_.push_back(at);
            if (heap_.size() > 1) std::push_heap(heap_.begin(), heap_.end(), Shallower{waiting_});
        }
        return waiting_[at].grads[index];
    }

    Waiting pop() {
        if (heap_.size() > 1) std::pop_heap(heap_.begin(), heap_.end(), Shallower{waiting_});
        const std::uint32_t at = heap_.back();
        heap_.pop_back();
        free_.push_back(at);
        Waiting next = std::move(waiting_[at]);
        slots_.erase(next.node.get());
        return next;
    }

  private:
    // The deepest node is on top of the heap; among equals the one that came first.
    struct Shallower {
        const PooledVector<Waiting>& waiting;
        bool operator()(std::uint32_t a, std::uint32_t b) const {
            const std::uint32_t depth_a = node_of(waiting[a].node)->depth();
            const std::uint32_t depth_b = node_of(waiting[b].node)->depth();
            return depth_a != depth_b ? depth_a < depth_b : waiting[a].order > waiting[b].order;
        }
    };

    // A slot that was moved from is as empty as a new one.
    std::uint32_t take_free() {
        if (free_.empty()) {
            waiting_.emplace_back();
            return static_cast<std::uint32_t>(waiting_.size() - 1);
        }
        const std::uint32_t at = free_.back();
        free_.pop_back();
        return at;
    }

    PooledVector<Waiting> waiting_;
    PooledVector<std::uint32_t> heap_, free_;
    SlotTable slots_;
    std::uint64_t arrivals_ = 0;
};

}  // namespace adjoint::detail
