// Best fit over what the device gave, with splitting and merging.
#include <adjoint/core/capture/arena.h>

#include <algorithm>
#include <new>

namespace adjoint {

Arena::~Arena() {
    for (const auto& [piece, bytes] : pieces_) backend_.release(piece, bytes);
}

Ref<Storage> Arena::allocate(const std::shared_ptr<Arena>& arena, std::size_t bytes) {
    constexpr std::size_t unit = 64;
    const std::size_t whole = std::max(unit, (bytes + unit - 1) / unit * unit);
    const Place block = arena->take(whole);
    return Storage::borrow(arena->pieces_[block.first].first + block.second, bytes, arena->device_,
                           [arena, block, whole] { arena->give(block, whole); });
}

Arena::Place Arena::take(std::size_t bytes) {
    auto best = free_.end();
    for (auto one = free_.begin(); one != free_.end(); ++one)
        if (one->second >= bytes && (best == free_.end() || one->second < best->second)) best = one;
    if (best == free_.end()) {
        pieces_.reserve(pieces_.size() + 1);
        pieces_.emplace_back(static_cast<char*>(backend_.allocate(bytes)), bytes);
        return {pieces_.size() - 1, 0};
    }
    const auto [block, size] = *best;
    free_.erase(best);
    if (size > bytes) free_.emplace(Place{block.first, block.second + bytes}, size - bytes);
    return block;
}

void Arena::give(Place block, std::size_t bytes) noexcept {
    Free::iterator here;
    try {
        here = free_.emplace(block, bytes).first;
    } catch (const std::bad_alloc&) {
        return;  // the block lies idle until the arena goes
    }
    const auto joins = [](Free::iterator a, Free::iterator b) {
        return a->first.first == b->first.first && a->first.second + a->second == b->first.second;
    };
    if (const auto next = std::next(here); next != free_.end() && joins(here, next)) {
        here->second += next->second;
        free_.erase(next);
    }
    if (here == free_.begin()) return;
    if (const auto before = std::prev(here); joins(before, here)) {
        before->second += here->second;
        free_.erase(here);
    }
}

}  // namespace adjoint
