// The memory of a recorded step: blocks that its tensors take and give back while it is recorded. Private.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include <adjoint/core/contract/backend.h>
#include <adjoint/core/memory/storage.h>

namespace adjoint {

/// What a tensor of the step gives back goes to a later one of the step, in the replays as in the recorded
/// run, and to nobody else: the smallest free block that is large enough, whose rest stays free; neighbours
/// that are free are one. What compositions take for themselves is no part of it: they run anew each time.
class Arena {
  public:
    Arena(Backend& backend, Device device) : backend_(backend), device_(device) {}
    Arena(const Arena&) = delete;
    Arena& operator=(const Arena&) = delete;
    ~Arena();

    /// The tensor's memory keeps `arena` alive.
    static Ref<Storage> allocate(const std::shared_ptr<Arena>& arena, std::size_t bytes);

  private:
    // By the number of the piece and the offset in it: where the pieces lie decides nothing.
    using Place = std::pair<std::size_t, std::size_t>;
    using Free = std::map<Place, std::size_t>;

    Place take(std::size_t bytes);
    void give(Place block, std::size_t bytes) noexcept;

    Backend& backend_;
    const Device device_;
    Free free_;
    std::vector<std::pair<char*, std::size_t>> pieces_;  // from the device
};

}  // namespace adjoint
