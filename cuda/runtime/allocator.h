// The memory of a device: a caching allocator over large segments, in the order of one stream.
//
// Nothing here knows CUDA: the two calls to the system stand behind SegmentSource, so that the allocator is
// tested on host memory.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include <adjoint/core/cuda/cuda.h>
#include <adjoint/cuda/runtime/runtime.h>

namespace adjoint::cuda_backend {

/// Memory in the order of one stream: what is released may at once be given to whatever is queued next.
class Memory {
  public:
    Memory() = default;
    Memory(const Memory&) = delete;
    Memory& operator=(const Memory&) = delete;
    virtual ~Memory() = default;

    /// errors: OutOfMemoryError; the allocator is as before then. ValueError if there is no such pool.
    virtual void* allocate(std::size_t bytes, PoolId pool = 0, Use use = Use::tensor) = 0;
    virtual void release(void* memory, std::size_t bytes) noexcept = 0;
    virtual cuda::MemoryStats stats() = 0;
    virtual void empty_cache() = 0;

    /// What is allocated in a pool goes back there. Its memory is not given back or shared before drop_pool,
    /// when it becomes ordinary memory.
    virtual PoolId make_pool() = 0;
    virtual void drop_pool(PoolId pool) = 0;
};

/// The system below the allocator.
class SegmentSource {
  public:
    virtual ~SegmentSource() = default;
    /// Aligned to 512 bytes; null when there is not that much.
    virtual void* take(std::size_t bytes) = 0;
    virtual void give(void* segment) noexcept = 0;
    /// Bytes that are left, for messages; -1 if not known.
    virtual std::int64_t left() = 0;
};

/// Blocks up to 1 MiB are carved from segments of 2 MiB by size class, larger ones by best fit from segments
/// of 32 MiB or more. Neighbours that are free are merged.
class CachingAllocator final : public Memory {
  public:
    CachingAllocator(SegmentSource& source, Device device);
    /// Gives back what is cached. Nothing may be in use.
    ~CachingAllocator() override;

    void* allocate(std::size_t bytes, PoolId pool = 0, Use use = Use::tensor) override;
    void release(void* memory, std::size_t bytes) noexcept override;
    cuda::MemoryStats stats() override;
    void empty_cache() override;

    PoolId make_pool() override;
    void drop_pool(PoolId pool) override;

  private:
    static constexpr int class_count = 40;  // 512 .. 4096 in steps, then four per power of two up to 1 MiB

    struct Pool;
    struct Block {
        char* data;
        std::size_t size;
        Pool* pool;
        bool large;
        bool used = false, binned = false;
        Use use = Use::tensor;                      // where used
        Block *before = nullptr, *after = nullptr;  // neighbours in the segment
        Block* next_binned = nullptr;
    };
    struct BySize {
        using is_transparent = void;
        bool operator()(const Block* a, const Block* b) const noexcept {
            return a->size != b->size ? a->size < b->size : a->data < b->data;
        }
        bool operator()(const Block* a, std::size_t size) const noexcept { return a->size < size; }
    };
    using Tree = std::set<Block*, BySize>;
    // Small free blocks lie in a bin of their exact size, unmerged, until a request finds nothing.
    struct Pool {
        std::array<Block*, class_count> bins{};
        Tree small, large;
        Tree& tree(bool is_large) noexcept { return is_large ? large : small; }
    };

    static int class_of(std::size_t bytes) noexcept;
    static std::size_t size_of_class(int index) noexcept;
    static std::size_t rounded(std::size_t bytes) noexcept;

    Pool& pool_of(PoolId id);
    Block* fit(Pool& pool, std::size_t size, bool large);
    Block* take_segment(Pool& pool, std::size_t size, bool large);
    Block* try_segment(Pool& pool, std::size_t bytes, bool large);
    void split(Block* block, std::size_t size);
    void merge(Block* block);
    void empty_bins(Pool& pool);
    void give_back(Pool& pool);
    void take(Block* block, Use use) noexcept;
    [[noreturn]] void out_of_memory(std::size_t bytes);

    SegmentSource& source_;
    Device device_;
    std::mutex mutex_;
    std::unordered_map<void*, std::unique_ptr<Block>> blocks_;
    Pool shared_;
    std::unordered_map<PoolId, std::unique_ptr<Pool>> pools_;
    PoolId last_pool_ = 0;
    std::int64_t held_ = 0;
    cuda::MemoryStats stats_;
};

}  // namespace adjoint::cuda_backend
