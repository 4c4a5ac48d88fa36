// Size classes, best fit, splitting and merging; private pools; what to say when memory runs out.
#include <adjoint/cuda/runtime/allocator.h>

#include <algorithm>
#include <bit>

#include <adjoint/core/base/format.h>

namespace adjoint::cuda_backend {
namespace {

constexpr std::size_t granularity = 512;
constexpr std::size_t stepped = 4096;  // classes up to here are multiples of the granularity
constexpr std::size_t small_limit = std::size_t{1} << 20;
constexpr std::size_t small_segment = std::size_t{2} << 20;
constexpr std::size_t large_segment = std::size_t{32} << 20;
// More cannot be addressed, so it is not asked for.
constexpr std::size_t address_space = std::size_t{1} << 47;

constexpr std::size_t round_up(std::size_t bytes, std::size_t unit) noexcept {
    return (bytes + unit - 1) / unit * unit;
}

std::string size_text(std::int64_t bytes) {
    constexpr const char* units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    double value = static_cast<double>(bytes);
    int unit = 0;
    for (; value >= 1024 && unit < 4; ++unit) value /= 1024;
    return unit == 0 ? fmt::format("{} B", bytes) : fmt::format("{:.1f} {}", value, units[unit]);
}

}  // namespace

int CachingAllocator::class_of(std::size_t bytes) noexcept {
    if (bytes <= stepped) return bytes == 0 ? 0 : static_cast<int>((bytes - 1) / granularity);
    const int octave = static_cast<int>(std::bit_width(bytes - 1)) - 1;  // 2^octave < bytes <= 2^(octave + 1)
    const int quarter = static_cast<int>((bytes - 1) >> (octave - 2)) - 4;
    return 8 + (octave - 12) * 4 + quarter;
}

std::size_t CachingAllocator::size_of_class(int index) noexcept {
    if (index < 8) return static_cast<std::size_t>(index + 1) * granularity;
    const int octave = (index - 8) / 4 + 12;
    return (std::size_t{1} << octave) +
           static_cast<std::size_t>((index - 8) % 4 + 1) * (std::size_t{1} << (octave - 2));
}

std::size_t CachingAllocator::rounded(std::size_t bytes) noexcept {
    return bytes <= small_limit ? size_of_class(class_of(bytes)) : round_up(bytes, granularity);
}

CachingAllocator::CachingAllocator(SegmentSource& source, Device device) : source_(source), device_(device) {}

CachingAllocator::~CachingAllocator() {
    for (auto& [id, pool] : pools_) {
        empty_bins(*pool);
        give_back(*pool);
    }
    empty_bins(shared_);
    give_back(shared_);
}

CachingAllocator::Pool& CachingAllocator::pool_of(PoolId id) {
    if (id == 0) [[likely]]
        return shared_;
    const auto found = pools_.find(id);
    check<ValueError>(found != pools_.end(), "allocator of {}: there is no pool {}", device_, id);
    return *found->second;
}

void* CachingAllocator::allocate(std::size_t bytes, PoolId id, Use use) {
    const std::scoped_lock lock(mutex_);
    if (bytes > address_space) out_of_memory(bytes);
    Pool& pool = pool_of(id);
    const bool large = bytes > small_limit;
    if (!large) {
        if (Block*& first = pool.bins[static_cast<std::size_t>(class_of(bytes))]) [[likely]] {
            Block* block = first;
            first = block->next_binned;
            block->binned = false;
            take(block, use);
            return block->data;
        }
    }
    const std::size_t size = rounded(bytes);
    Block* block = fit(pool, size, large);
    if (!block && !large) {
        empty_bins(pool);
        block = fit(pool, size, false);
    }
    if (!block) block = take_segment(pool, size, large);
    if (!block) out_of_memory(bytes);
    // A large block keeps a rest that only small ones could use.
    if (block->size - size > (large ? small_limit : 0)) split(block, size);
    take(block, use);
    return block->data;
}

void CachingAllocator::take(Block* block, Use use) noexcept {
    block->used = true;
    block->use = use;
    std::int64_t& held = use == Use::tensor ? stats_.in_use : stats_.workspace;
    held += static_cast<std::int64_t>(block->size);
    stats_.peak = std::max(stats_.peak, stats_.in_use);
}

void CachingAllocator::release(void* memory, std::size_t) noexcept {
    if (!memory) return;
    const std::scoped_lock lock(mutex_);
    Block* block = blocks_.find(memory)->second.get();
    block->used = false;
    (block->use == Use::tensor ? stats_.in_use : stats_.workspace) -= static_cast<std::int64_t>(block->size);
    if (block->large) {
        merge(block);
        return;
    }
    Block*& first = block->pool->bins[static_cast<std::size_t>(class_of(block->size))];
    block->next_binned = first;
    block->binned = true;
    first = block;
}

/// The smallest free block that is large enough, taken out of its tree.
CachingAllocator::Block* CachingAllocator::fit(Pool& pool, std::size_t size, bool large) {
    Tree& tree = pool.tree(large);
    const auto place = tree.lower_bound(size);
    if (place == tree.end()) return nullptr;
    Block* block = *place;
    tree.erase(place);
    return block;
}

CachingAllocator::Block* CachingAllocator::take_segment(Pool& pool, std::size_t size, bool large) {
    const std::size_t exact = round_up(size, small_segment);
    const std::size_t wanted = large ? std::max(exact, large_segment) : small_segment;
    if (Block* block = try_segment(pool, wanted, large)) return block;
    empty_bins(shared_);
    give_back(shared_);
    if (Block* block = try_segment(pool, wanted, large)) return block;
    return exact < wanted ? try_segment(pool, exact, large) : nullptr;
}

CachingAllocator::Block* CachingAllocator::try_segment(Pool& pool, std::size_t bytes, bool large) {
    char* data = static_cast<char*>(source_.take(bytes));
    if (!data) return nullptr;
    auto block = std::make_unique<Block>(Block{data, bytes, &pool, large});
    Block* result = block.get();
    blocks_.emplace(data, std::move(block));
    held_ += static_cast<std::int64_t>(bytes);
    ++stats_.segments;
    ++stats_.system_allocations;
    return result;
}

/// Cuts a block that lies in no tree and puts the rest into one.
void CachingAllocator::split(Block* block, std::size_t size) {
    auto rest =
        std::make_unique<Block>(Block{block->data + size, block->size - size, block->pool, block->large});
    rest->before = block;
    rest->after = block->after;
    if (block->after) block->after->before = rest.get();
    block->after = rest.get();
    block->size = size;
    block->pool->tree(block->large).insert(rest.get());
    void* place = rest->data;
    blocks_.emplace(place, std::move(rest));
}

/// Puts a free block that lies in no tree and no bin into its tree, together with its free neighbours.
void CachingAllocator::merge(Block* block) {
    Tree& tree = block->pool->tree(block->large);
    const auto absorb = [&](Block* left, Block* right) {
        left->size += right->size;
        left->after = right->after;
        if (right->after) right->after->before = left;
        blocks_.erase(right->data);
    };
    const auto joins = [](const Block* neighbour) {
        return neighbour && !neighbour->used && !neighbour->binned;
    };
    if (joins(block->after)) {
        tree.erase(block->after);
        absorb(block, block->after);
    }
    if (joins(block->before)) {
        Block* before = block->before;
        tree.erase(before);
        absorb(before, block);
        block = before;
    }
    tree.insert(block);
}

void CachingAllocator::empty_bins(Pool& pool) {
    for (Block*& first : pool.bins)
        while (first) {
            Block* block = first;
            first = block->next_binned;
            block->binned = false;
            merge(block);
        }
}

/// Gives every segment of the pool that is free from end to end back to the system.
void CachingAllocator::give_back(Pool& pool) {
    for (const bool large : {false, true}) {
        Tree& tree = pool.tree(large);
        for (auto place = tree.begin(); place != tree.end();) {
            Block* block = *place;
            if (block->before || block->after) {
                ++place;
                continue;
            }
            place = tree.erase(place);
            source_.give(block->data);
            held_ -= static_cast<std::int64_t>(block->size);
            --stats_.segments;
            blocks_.erase(block->data);
        }
    }
}

cuda::MemoryStats CachingAllocator::stats() {
    const std::scoped_lock lock(mutex_);
    cuda::MemoryStats stats = stats_;
    stats.cached = held_ - stats.in_use - stats.workspace;
    return stats;
}

void CachingAllocator::empty_cache() {
    const std::scoped_lock lock(mutex_);
    empty_bins(shared_);
    give_back(shared_);
}

PoolId CachingAllocator::make_pool() {
    const std::scoped_lock lock(mutex_);
    pools_.emplace(++last_pool_, std::make_unique<Pool>());
    return last_pool_;
}

void CachingAllocator::drop_pool(PoolId id) {
    const std::scoped_lock lock(mutex_);
    check<ValueError>(id != 0, "allocator of {}: pool 0 is not dropped", device_);
    Pool& pool = pool_of(id);
    empty_bins(pool);
    shared_.small.merge(pool.small);
    shared_.large.merge(pool.large);
    for (auto& [data, block] : blocks_)
        if (block->pool == &pool) block->pool = &shared_;
    pools_.erase(id);
}

void CachingAllocator::out_of_memory(std::size_t bytes) {
    std::vector<std::size_t> sizes;
    for (const auto& [data, block] : blocks_)
        if (block->used && block->use == Use::tensor) sizes.push_back(block->size);
    const std::size_t shown = std::min<std::size_t>(sizes.size(), 5);
    std::partial_sort(sizes.begin(), sizes.begin() + static_cast<std::ptrdiff_t>(shown), sizes.end(),
                      std::greater<>());
    std::string largest;
    for (std::size_t i = 0; i < shown; ++i)
        largest += (i == 0 ? "; largest: " : ", ") + size_text(static_cast<std::int64_t>(sizes[i]));
    const std::int64_t left = source_.left();
    const std::string workspaces =
        stats_.workspace > 0 ? fmt::format("; calls and graphs hold {}", size_text(stats_.workspace)) : "";
    fail<OutOfMemoryError>(
        "allocate: {} is out of memory: {} asked for; {} tensors hold {}{}{}; {} cached in pieces that do "
        "not "
        "fit or belong to captured graphs{}; smaller batches need less, and evaluation under NoGrad keeps "
        "nothing",
        device_, size_text(static_cast<std::int64_t>(bytes)), sizes.size(), size_text(stats_.in_use), largest,
        workspaces, size_text(held_ - stats_.in_use - stats_.workspace),
        left < 0 ? std::string() : fmt::format("; the device has {} left", size_text(left)));
}

}  // namespace adjoint::cuda_backend
