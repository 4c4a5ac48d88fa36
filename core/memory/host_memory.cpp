// Size classes, per-thread free lists, the shared list.
#include <adjoint/core/memory/host_memory.h>

#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cstdlib>
#include <limits>
#include <memory>
#include <mutex>
#include <new>
#include <vector>

#include <adjoint/core/base/format.h>
#include <adjoint/core/base/sanitizer.h>

namespace adjoint {
namespace {

// Else every block comes from and goes to malloc, so that the sanitizer sees it.
constexpr bool caching = !ADJOINT_ADDRESS_SANITIZER;

constexpr std::size_t smallest = 64;
// More cannot be addressed, so it is not asked for.
constexpr int size_bits = std::numeric_limits<std::size_t>::digits;
constexpr std::size_t address_space = std::size_t{1} << std::min(size_bits - 1, 47);
constexpr int class_count = 4 * (size_bits - 6);
constexpr std::size_t thread_limit = std::size_t{256} << 20;  // bytes of one class a thread keeps for itself
constexpr std::size_t huge_page = std::size_t{2} << 20;

// Four classes per power of two: 64, 80, 96, 112, 128, 160 ...
constexpr int computed_class_of(std::size_t bytes) noexcept {
    if (bytes <= smallest) return 0;
    const int octave = static_cast<int>(std::bit_width(bytes - 1)) - 1;  // 2^octave < bytes <= 2^(octave + 1)
    const std::size_t quarter = ((bytes - 1) >> (octave - 2)) - 3;       // 1 .. 4
    return (octave - 6) * 4 + static_cast<int>(quarter);
}

// What tensors and nodes are made of is small: their classes, for each multiple of 16 bytes, are in a table.
constexpr std::size_t largest_in_table = 1024;
constexpr auto small_classes = [] {
    std::array<std::uint8_t, largest_in_table / 16 + 1> classes{};
    for (std::size_t i = 0; i < classes.size(); ++i)
        classes[i] = static_cast<std::uint8_t>(computed_class_of(i * 16));
    return classes;
}();

inline int class_of(std::size_t bytes) noexcept {
    return bytes <= largest_in_table ? small_classes[(bytes + 15) / 16] : computed_class_of(bytes);
}

constexpr std::size_t size_of_class(int index) noexcept {
    const int octave = index / 4 + 6;
    return (std::size_t{1} << octave) +
           static_cast<std::size_t>(index % 4) * (std::size_t{1} << (octave - 2));
}

struct FreeBlock {
    FreeBlock* next;
};

// Counters are written by their thread alone and read by anyone, hence relaxed loads and stores
// without a read-modify-write.
struct Counter {
    std::atomic<std::int64_t> value{0};
    void add(std::int64_t n) noexcept {
        value.store(value.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
    }
    std::int64_t get() const noexcept { return value.load(std::memory_order_relaxed); }
};

// The free blocks of one size class.
struct FreeList {
    FreeBlock* head = nullptr;
    Counter blocks;

    void push(void* memory) noexcept {
        auto* block = static_cast<FreeBlock*>(memory);
        block->next = head;
        head = block;
        blocks.add(1);
    }
    void* pop() noexcept {
        FreeBlock* block = head;
        if (block) [[likely]] {
            head = block->next;
            blocks.add(-1);
        }
        return block;
    }
};

using FreeLists = FreeList[class_count];

std::int64_t bytes_in(const FreeLists& lists) noexcept {
    std::int64_t bytes = 0;
    for (int i = 0; i < class_count; ++i)
        bytes += lists[i].blocks.get() * static_cast<std::int64_t>(size_of_class(i));
    return bytes;
}

// What tensors hold is what came from the system and lies in no list: the fast paths count one thing only.
struct ThreadCache {
    FreeLists lists;
    Counter system_calls, from_system;  // blocks asked for, and bytes less those given back
};

struct SharedCache {
    std::mutex mutex;
    FreeLists lists;
    std::int64_t system_calls = 0, from_system = 0;  // of threads that have ended
    std::vector<ThreadCache*> threads;
};

// Never destroyed: tensors with static storage duration give their memory back after
// every destructor has run.
SharedCache& shared() {
    static SharedCache* cache = new SharedCache;
    return *cache;
}

// A sanitizer is to see the exact end of a block; otherwise it is as long as its class.
void* system_allocate(std::size_t bytes, int index) noexcept {
    const std::size_t size = caching ? size_of_class(index) : bytes;
    void* block = nullptr;
    if (posix_memalign(&block, size >= huge_page ? huge_page : 64, size) != 0) return nullptr;
    if (size >= huge_page) madvise(block, size, MADV_HUGEPAGE);
    return block;
}

// Gives all blocks of the lists back to the system and says how many bytes these were.
std::int64_t free_all(FreeLists& lists) noexcept {
    const std::int64_t bytes = bytes_in(lists);
    for (FreeList& list : lists)
        while (void* block = list.pop()) std::free(block);
    return bytes;
}

enum class ThreadState : std::uint8_t { fresh, live, ended };
constinit thread_local ThreadState thread_state = ThreadState::fresh;
constinit thread_local ThreadCache* thread_cache = nullptr;

// Hands a thread's blocks to the shared list when the thread ends.
struct ThreadEnd {
    ~ThreadEnd() {
        thread_state = ThreadState::ended;
        ThreadCache* cache = std::exchange(thread_cache, nullptr);
        if (!cache) return;
        SharedCache& common = shared();
        const std::scoped_lock lock(common.mutex);
        for (int i = 0; i < class_count; ++i)
            while (void* block = cache->lists[i].pop()) common.lists[i].push(block);
        common.system_calls += cache->system_calls.get();
        common.from_system += cache->from_system.get();
        std::erase(common.threads, cache);
        delete cache;
    }
};

// Null once the thread's destructors have run, or where there is no memory for it: then memory goes straight
// to and from the system.
__attribute__((noinline)) ThreadCache* make_thread_cache() noexcept {
    if (thread_state == ThreadState::ended) return nullptr;
    static thread_local ThreadEnd end;
    static_cast<void>(end);
    thread_state = ThreadState::live;
    try {
        auto cache = std::make_unique<ThreadCache>();
        const std::scoped_lock lock(shared().mutex);
        shared().threads.push_back(cache.get());
        return thread_cache = cache.release();
    } catch (const std::bad_alloc&) {
        return nullptr;
    }
}

[[noreturn]] void out_of_memory(std::size_t bytes) {
    const HostMemoryStats stats = host_memory_stats();
    fail<OutOfMemoryError>("allocate: {} bytes on cpu are not to be had; {} are in use by tensors", bytes,
                           stats.in_use);
}

// Books a block that came from the system or went back to it.
void count_system(ThreadCache* cache, std::int64_t calls, std::int64_t bytes) noexcept {
    if (cache) {
        cache->system_calls.add(calls);
        cache->from_system.add(bytes);
    } else {
        const std::scoped_lock lock(shared().mutex);
        shared().system_calls += calls;
        shared().from_system += bytes;
    }
}

__attribute__((noinline)) void* allocate_slow(std::size_t bytes, int index, ThreadCache* cache) {
    if (caching) {
        const std::scoped_lock lock(shared().mutex);
        if (void* block = shared().lists[index].pop()) return block;
    }
    void* block = system_allocate(bytes, index);
    if (!block) {
        empty_cache();
        block = system_allocate(bytes, index);
    }
    if (!block) out_of_memory(bytes);
    count_system(cache, 1, static_cast<std::int64_t>(size_of_class(index)));
    return block;
}

__attribute__((noinline)) void release_slow(void* block, int index, ThreadCache* cache) noexcept {
    if (caching && cache) {
        const std::scoped_lock lock(shared().mutex);
        shared().lists[index].push(block);
    } else {
        std::free(block);
        count_system(cache, 0, -static_cast<std::int64_t>(size_of_class(index)));
    }
}

// How many blocks of each class a thread keeps for itself: at least one.
constexpr auto most_kept = [] {
    std::array<std::int64_t, class_count> most{};
    for (int i = 0; i < class_count; ++i)
        most[static_cast<std::size_t>(i)] =
            static_cast<std::int64_t>(std::max<std::size_t>(1, thread_limit / size_of_class(i)));
    return most;
}();

}  // namespace

void* host_allocate(std::size_t bytes) {
    if (bytes > address_space) [[unlikely]]
        out_of_memory(bytes);
    const int index = class_of(bytes);
    ThreadCache* cache = thread_cache;
    if (!cache) [[unlikely]]
        cache = make_thread_cache();
    if (caching && cache) [[likely]] {
        if (void* block = cache->lists[index].pop()) [[likely]]
            return block;
    }
    return allocate_slow(bytes, index, cache);
}

void host_release(void* block, std::size_t bytes) noexcept {
    if (!block) return;
    const int index = class_of(bytes);
    ThreadCache* cache = thread_cache;
    if (!cache) [[unlikely]]
        cache = make_thread_cache();
    if (caching && cache) [[likely]] {
        FreeList& list = cache->lists[index];
        if (list.blocks.get() < most_kept[static_cast<std::size_t>(index)]) [[likely]] {
            list.push(block);
            return;
        }
    }
    release_slow(block, index, cache);
}

HostMemoryStats host_memory_stats() {
    SharedCache& common = shared();
    const std::scoped_lock lock(common.mutex);
    HostMemoryStats total;
    total.system_calls = common.system_calls;
    total.cached = bytes_in(common.lists);
    std::int64_t from_system = common.from_system;
    for (const ThreadCache* cache : common.threads) {
        total.system_calls += cache->system_calls.get();
        total.cached += bytes_in(cache->lists);
        from_system += cache->from_system.get();
    }
    total.in_use = from_system - total.cached;
    return total;
}

void empty_cache() noexcept {
    SharedCache& common = shared();
    const std::scoped_lock lock(common.mutex);
    common.from_system -= free_all(common.lists);
    if (ThreadCache* cache = thread_cache) cache->from_system.add(-free_all(cache->lists));
}

}  // namespace adjoint
