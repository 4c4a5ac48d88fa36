// Size classes, per-thread free lists, the shared list.
#include <adjoint/core/host_memory.h>

#include <sys/mman.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstdlib>
#include <mutex>
#include <vector>

#include <adjoint/core/format.h>

namespace adjoint {
namespace {

#if defined(__SANITIZE_ADDRESS__)
constexpr bool caching = false;  // every block comes from and goes to malloc, so that the sanitizer sees it
#else
constexpr bool caching = true;
#endif

constexpr std::size_t smallest = 64;
// More cannot be addressed, so it is not asked for.
constexpr std::size_t address_space = std::size_t{1} << 47;
constexpr int class_count = 4 * 58;
constexpr std::size_t thread_limit = std::size_t{256} << 20;  // bytes of one class a thread keeps for itself
constexpr std::size_t huge_page = std::size_t{2} << 20;

// Four classes per power of two: 64, 80, 96, 112, 128, 160 ...
int class_of(std::size_t bytes) noexcept {
    if (bytes <= smallest) return 0;
    const int octave = static_cast<int>(std::bit_width(bytes - 1)) - 1;  // 2^octave < bytes <= 2^(octave + 1)
    const std::size_t quarter = ((bytes - 1) >> (octave - 2)) - 3;       // 1 .. 4
    return (octave - 6) * 4 + static_cast<int>(quarter);
}

std::size_t size_of_class(int index) noexcept {
    const int octave = index / 4 + 6;
    return (std::size_t{1} << octave) +
           static_cast<std::size_t>(index % 4) * (std::size_t{1} << (octave - 2));
}

struct FreeBlock {
    FreeBlock* next;
};

struct FreeList {
    FreeBlock* head = nullptr;
    std::size_t bytes = 0;

    void push(void* memory, std::size_t size) noexcept {
        auto* block = static_cast<FreeBlock*>(memory);
        block->next = head;
        head = block;
        bytes += size;
    }
    void* pop(std::size_t size) noexcept {
        FreeBlock* block = head;
        if (block) {
            head = block->next;
            bytes -= size;
        }
        return block;
    }
};

// Counters are written by their thread alone and read by anyone, hence relaxed loads and stores without a
// read-modify-write.
struct Counter {
    std::atomic<std::int64_t> value{0};
    void add(std::int64_t n) noexcept {
        value.store(value.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
    }
    std::int64_t get() const noexcept { return value.load(std::memory_order_relaxed); }
};

struct ThreadCache {
    FreeList lists[class_count];
    Counter system_calls, in_use, cached;
};

struct SharedCache {
    std::mutex mutex;
    FreeList lists[class_count];
    std::int64_t cached = 0;
    HostMemoryStats retired;  // counters of threads that have ended, and of use after a thread's end
    std::vector<ThreadCache*> threads;
};

// Never destroyed: tensors with static storage duration give their memory back after every destructor has
// run.
SharedCache& shared() {
    static SharedCache* cache = new SharedCache;
    return *cache;
}

void* system_allocate(std::size_t size) noexcept {
    const std::size_t alignment = size >= huge_page ? huge_page : 64;
    void* block = std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
    if (block && size >= huge_page) madvise(block, size, MADV_HUGEPAGE);
    return block;
}

void free_all(FreeList& list) noexcept {
    while (FreeBlock* block = list.head) {
        list.head = block->next;
        std::free(block);
    }
    list.bytes = 0;
}

void free_shared() noexcept {
    const std::scoped_lock lock(shared().mutex);
    for (FreeList& list : shared().lists) free_all(list);
    shared().cached = 0;
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
            while (void* block = cache->lists[i].pop(size_of_class(i))) {
                common.lists[i].push(block, size_of_class(i));
                common.cached += static_cast<std::int64_t>(size_of_class(i));
            }
        common.retired.system_calls += cache->system_calls.get();
        common.retired.in_use += cache->in_use.get();
        std::erase(common.threads, cache);
        delete cache;
    }
};

// Null once the thread's destructors have run; then memory goes straight to and from the system.
__attribute__((noinline)) ThreadCache* make_thread_cache() {
    if (thread_state == ThreadState::ended) return nullptr;
    static thread_local ThreadEnd end;
    static_cast<void>(end);
    thread_state = ThreadState::live;
    auto* cache = new ThreadCache;
    const std::scoped_lock lock(shared().mutex);
    shared().threads.push_back(cache);
    return thread_cache = cache;
}

[[noreturn]] void out_of_memory(std::size_t bytes) {
    const HostMemoryStats stats = host_memory_stats();
    fail<OutOfMemoryError>("allocate: {} bytes on cpu are not to be had; {} are in use by tensors", bytes,
                           stats.in_use);
}

__attribute__((noinline)) void* allocate_slow(std::size_t bytes, int index, ThreadCache* cache) {
    const std::size_t size = size_of_class(index);
    if (caching) {
        const std::scoped_lock lock(shared().mutex);
        if (void* block = shared().lists[index].pop(size)) {
            shared().cached -= static_cast<std::int64_t>(size);
            return block;
        }
    }
    void* block = system_allocate(size);
    if (!block) {
        empty_cache();
        block = system_allocate(size);
    }
    if (!block) out_of_memory(bytes);
    if (cache) {
        cache->system_calls.add(1);
    } else {
        const std::scoped_lock lock(shared().mutex);
        ++shared().retired.system_calls;
    }
    return block;
}

}  // namespace

void* host_allocate(std::size_t bytes) {
    if (bytes > address_space) out_of_memory(bytes);
    const int index = class_of(bytes);
    const std::size_t size = size_of_class(index);
    ThreadCache* cache = thread_cache;
    if (!cache) [[unlikely]]
        cache = make_thread_cache();
    void* block = nullptr;
    if (caching && cache) {
        block = cache->lists[index].pop(size);
        if (block) [[likely]]
            cache->cached.add(-static_cast<std::int64_t>(size));
    }
    if (!block) [[unlikely]]
        block = allocate_slow(bytes, index, cache);
    if (cache) cache->in_use.add(static_cast<std::int64_t>(size));
    return block;
}

void host_release(void* block, std::size_t bytes) noexcept {
    if (!block) return;
    const int index = class_of(bytes);
    const std::size_t size = size_of_class(index);
    ThreadCache* cache = thread_cache;
    if (!cache) [[unlikely]]
        cache = make_thread_cache();
    if (!cache) {
        std::free(block);
        return;
    }
    cache->in_use.add(-static_cast<std::int64_t>(size));
    if (!caching) {
        std::free(block);
    } else if (cache->lists[index].bytes + size <= std::max(thread_limit, size)) [[likely]] {
        cache->lists[index].push(block, size);
        cache->cached.add(static_cast<std::int64_t>(size));
    } else {
        const std::scoped_lock lock(shared().mutex);
        shared().lists[index].push(block, size);
        shared().cached += static_cast<std::int64_t>(size);
    }
}

HostMemoryStats host_memory_stats() {
    SharedCache& common = shared();
    const std::scoped_lock lock(common.mutex);
    HostMemoryStats total = common.retired;
    total.cached = common.cached;
    for (const ThreadCache* cache : common.threads) {
        total.system_calls += cache->system_calls.get();
        total.in_use += cache->in_use.get();
        total.cached += cache->cached.get();
    }
    return total;
}

void empty_cache() noexcept {
    free_shared();
    if (ThreadCache* cache = thread_cache) {
        for (FreeList& list : cache->lists) free_all(list);
        cache->cached.add(-cache->cached.get());
    }
}

}  // namespace adjoint
