// The caching allocator on host memory: what it hands out, what it merges,
// what it says when there is no more.
#include <gtest/gtest.h>

#include <adjoint/core/base/error.h>
#include <adjoint/cuda/runtime/allocator.h>

#include <cstring>
#include <map>
#include <random>
#include <string>
#include <thread>
#include <vector>

using namespace adjoint;
using cuda_backend::CachingAllocator;
using cuda_backend::PoolId;

namespace {

constexpr std::size_t kib = 1024, mib = 1024 * kib;

// Host memory of a given capacity.
class Host final : public cuda_backend::SegmentSource {
  public:
    explicit Host(std::size_t capacity = 4096 * mib) : capacity_(capacity) {}
    ~Host() override { EXPECT_TRUE(segments_.empty()) << "segments were not given back"; }

    void* take(std::size_t bytes) override {
        ++asked;
        if (held + bytes > capacity_) return nullptr;
        void* segment = std::aligned_alloc(512, bytes);
        segments_[segment] = bytes;
        held += bytes;
        return segment;
    }
    void give(void* segment) noexcept override {
        const auto found = segments_.find(segment);
        ASSERT_NE(found, segments_.end()) << "not a segment";
        held -= found->second;
        segments_.erase(found);
        std::free(segment);
    }
    std::int64_t left() override { return static_cast<std::int64_t>(capacity_ - held); }

    std::size_t held = 0;
    int asked = 0;

  private:
    std::size_t capacity_;
    std::map<void*, std::size_t> segments_;
};

std::string message_of(CachingAllocator& allocator, std::size_t bytes) {
    try {
        allocator.allocate(bytes);
    } catch (const OutOfMemoryError& error) {
        return error.what();
    }
    return "";
}

struct Piece {
    unsigned char* data;
    std::size_t bytes;
    unsigned char mark;
};

// Blocks of all sizes, marked at both ends; a block that overlaps another loses its marks.
void random_sequence(CachingAllocator& allocator, unsigned seed, int steps) {
    std::mt19937 random(seed);
    std::vector<Piece> pieces;
    const auto drop = [&](std::size_t index) {
        const Piece piece = pieces[index];
        ASSERT_EQ(piece.data[0], piece.mark);
        ASSERT_EQ(piece.data[piece.bytes - 1], piece.mark);
        allocator.release(piece.data, piece.bytes);
        pieces[index] = pieces.back();
        pieces.pop_back();
    };
    for (int step = 0; step < steps; ++step) {
        if (pieces.size() < 60 && random() % 5 < 3) {
            const std::size_t most = std::size_t{1} << (random() % 25);
            const std::size_t bytes = 1 + random() % most;
            auto* data = static_cast<unsigned char*>(allocator.allocate(bytes));
            ASSERT_EQ(reinterpret_cast<std::uintptr_t>(data) % 512, 0u);
            const auto mark = static_cast<unsigned char>(random());
            data[0] = data[bytes - 1] = mark;
            pieces.push_back({data, bytes, mark});
        } else if (!pieces.empty()) {
            drop(random() % pieces.size());
        }
    }
    while (!pieces.empty()) drop(0);
}

}  // namespace

TEST(Allocator, RandomSequences) {
    for (unsigned seed = 0; seed < 8; ++seed) {
        Host host;
        CachingAllocator allocator(host, Device::cuda(0));
        random_sequence(allocator, seed, 4000);
        const cuda::MemoryStats stats = allocator.stats();
        EXPECT_EQ(stats.in_use, 0);
        EXPECT_EQ(stats.cached, static_cast<std::int64_t>(host.held));
        EXPECT_EQ(stats.system_allocations, host.asked);
        EXPECT_GT(stats.peak, 0);
        // Everything has merged again: whole segments go back.
        allocator.empty_cache();
        EXPECT_EQ(host.held, 0u);
        EXPECT_EQ(allocator.stats().segments, 0);
        EXPECT_EQ(allocator.stats().cached, 0);
    }
}

TEST(Allocator, Threads) {
    Host host;
    CachingAllocator allocator(host, Device::cuda(0));
    std::vector<std::thread> threads;
    for (unsigned seed = 0; seed < 4; ++seed)
        threads.emplace_back([&, seed] { random_sequence(allocator, seed, 1500); });
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(allocator.stats().in_use, 0);
}

TEST(Allocator, ReusesAtOnce) {
    Host host;
    CachingAllocator allocator(host, Device::cuda(0));
    for (const std::size_t bytes : {std::size_t{1}, std::size_t{5000}, mib, mib + 1, 40 * mib}) {
        void* first = allocator.allocate(bytes);
        const int asked = host.asked;
        for (int i = 0; i < 100; ++i) {
            allocator.release(first, bytes);
            ASSERT_EQ(allocator.allocate(bytes), first);
        }
        EXPECT_EQ(host.asked, asked);
        allocator.release(first, bytes);
    }
}

TEST(Allocator, NothingHasAnAddress) {
    Host host;
    CachingAllocator allocator(host, Device::cuda(0));
    void* empty = allocator.allocate(0);
    EXPECT_NE(empty, nullptr);
    allocator.release(empty, 0);
    allocator.release(nullptr, 0);
}

TEST(Allocator, SmallBlocksMerge) {
    Host host;
    CachingAllocator allocator(host, Device::cuda(0));
    std::vector<void*> blocks;
    blocks.reserve(4096);
    for (int i = 0; i < 4096; ++i) blocks.push_back(allocator.allocate(512));  // one segment of 2 MiB
    EXPECT_EQ(host.asked, 1);
    std::shuffle(blocks.begin(), blocks.end(), std::mt19937(1));
    for (void* block : blocks) allocator.release(block, 512);
    void* half = allocator.allocate(mib);
    void* other_half = allocator.allocate(mib);
    EXPECT_EQ(host.asked, 1);
    allocator.release(half, mib);
    allocator.release(other_half, mib);
}

TEST(Allocator, LargeBlocksSplitAndMerge) {
    Host host;
    CachingAllocator allocator(host, Device::cuda(0));
    void* first = allocator.allocate(10 * mib);
    void* second = allocator.allocate(10 * mib);
    void* third = allocator.allocate(10 * mib);
    EXPECT_EQ(host.asked, 1);  // 32 MiB
    allocator.release(second, 10 * mib);
    EXPECT_EQ(allocator.allocate(9 * mib), second);  // the smallest that fits, not the end of the segment
    allocator.release(second, 9 * mib);
    allocator.release(first, 10 * mib);
    EXPECT_EQ(allocator.allocate(20 * mib), first);
    EXPECT_EQ(host.asked, 1);
    allocator.release(first, 20 * mib);
    allocator.release(third, 10 * mib);
}

TEST(Allocator, CountsWhatIsHeld) {
    Host host;
    CachingAllocator allocator(host, Device::cuda(0));
    void* a = allocator.allocate(1000);
    void* b = allocator.allocate(40 * mib);
    cuda::MemoryStats stats = allocator.stats();
    EXPECT_EQ(stats.in_use, static_cast<std::int64_t>(1024 + 40 * mib));
    EXPECT_EQ(stats.cached, static_cast<std::int64_t>(2 * mib - 1024));
    EXPECT_EQ(stats.segments, 2);
    allocator.release(b, 40 * mib);
    allocator.release(a, 1000);
    stats = allocator.stats();
    EXPECT_EQ(stats.in_use, 0);
    EXPECT_EQ(stats.peak, static_cast<std::int64_t>(1024 + 40 * mib));
    EXPECT_EQ(stats.cached, static_cast<std::int64_t>(42 * mib));
}

TEST(Allocator, WorkspacesAreNoTensors) {
    Host host(64 * mib);
    CachingAllocator allocator(host, Device::cuda(0));
    void* tensor = allocator.allocate(2 * mib);
    void* workspace = allocator.allocate(32 * mib, 0, cuda_backend::Use::workspace);
    cuda::MemoryStats stats = allocator.stats();
    EXPECT_EQ(stats.in_use, static_cast<std::int64_t>(2 * mib));
    EXPECT_EQ(stats.peak, static_cast<std::int64_t>(2 * mib));
    EXPECT_EQ(stats.workspace, static_cast<std::int64_t>(32 * mib));
    EXPECT_EQ(stats.cached, static_cast<std::int64_t>(host.held - 34 * mib));
    const std::string text = message_of(allocator, 50 * mib);
    EXPECT_NE(text.find("1 tensors hold 2.0 MiB; largest: 2.0 MiB; calls and graphs hold 32.0 MiB"),
              std::string::npos)
        << text;
    // The next holder of the same memory is counted as what he is.
    allocator.release(workspace, 32 * mib);
    EXPECT_EQ(allocator.allocate(32 * mib), workspace);
    stats = allocator.stats();
    EXPECT_EQ(stats.in_use, static_cast<std::int64_t>(34 * mib));
    EXPECT_EQ(stats.workspace, 0);
    for (void* block : {tensor, workspace}) allocator.release(block, 0);
}

TEST(Allocator, GivesBackAndTriesAgain) {
    Host host(64 * mib);
    CachingAllocator allocator(host, Device::cuda(0));
    void* a = allocator.allocate(30 * mib);
    void* b = allocator.allocate(30 * mib);
    allocator.release(a, 30 * mib);
    allocator.release(b, 30 * mib);
    void* c = allocator.allocate(60 * mib);
    EXPECT_EQ(host.held, 60 * mib);
    allocator.release(c, 60 * mib);
}

TEST(Allocator, TakesLessThanASegmentWhenMemoryIsShort) {
    Host host(40 * mib);
    CachingAllocator allocator(host, Device::cuda(0));
    void* a = allocator.allocate(30 * mib);
    void* b = allocator.allocate(5 * mib);
    EXPECT_EQ(host.held, 38 * mib);
    allocator.release(a, 30 * mib);
    allocator.release(b, 5 * mib);
}

TEST(Allocator, SaysWhyThereIsNoMore) {
    Host host(64 * mib);
    CachingAllocator allocator(host, Device::cuda(1));
    void* a = allocator.allocate(30 * mib);
    void* b = allocator.allocate(2 * mib - 1024);
    const std::string text = message_of(allocator, 50 * mib);
    for (const char* part : {"cuda:1 is out of memory", "50.0 MiB asked for", "2 tensors hold 32.0 MiB",
                             "largest: 30.0 MiB, 2.0 MiB", "the device has 32.0 MiB left"})
        EXPECT_NE(text.find(part), std::string::npos) << "no \"" << part << "\" in: " << text;
    // It goes on as before.
    EXPECT_EQ(allocator.stats().in_use, static_cast<std::int64_t>(32 * mib));
    void* c = allocator.allocate(20 * mib);
    for (void* block : {a, b, c}) allocator.release(block, 0);
}

TEST(Allocator, DoesNotAskForTheImpossible) {
    Host host;
    CachingAllocator allocator(host, Device::cuda(0));
    EXPECT_THROW(allocator.allocate(~std::size_t{0}), OutOfMemoryError);
    EXPECT_THROW(allocator.allocate(std::size_t{1} << 60), OutOfMemoryError);
    EXPECT_EQ(host.asked, 0);
}

TEST(AllocatorPools, AreApart) {
    Host host;
    CachingAllocator allocator(host, Device::cuda(0));
    void* before = allocator.allocate(mib);
    allocator.release(before, mib);
    const PoolId pool = allocator.make_pool();
    void* inside = allocator.allocate(mib, pool);
    EXPECT_NE(inside, before);  // not what the others left
    EXPECT_EQ(host.asked, 2);
    void* elsewhere = allocator.allocate(mib);
    EXPECT_EQ(elsewhere, before);

    allocator.release(inside, mib);
    allocator.release(elsewhere, mib);
    allocator.empty_cache();
    EXPECT_EQ(allocator.stats().segments, 1);  // the pool's
    void* outside = allocator.allocate(mib);
    EXPECT_NE(outside, inside);
    allocator.release(outside, mib);

    EXPECT_EQ(allocator.allocate(mib, pool), inside);
    allocator.drop_pool(pool);  // with a block in use
    allocator.release(inside, mib);
    allocator.empty_cache();
    EXPECT_EQ(host.held, 0u);
}

TEST(AllocatorPools, KeepTheirMemoryWhenItIsShort) {
    Host host(40 * mib);
    CachingAllocator allocator(host, Device::cuda(0));
    const PoolId pool = allocator.make_pool();
    void* inside = allocator.allocate(30 * mib, pool);
    allocator.release(inside, 30 * mib);
    EXPECT_THROW(allocator.allocate(30 * mib), OutOfMemoryError);
    allocator.drop_pool(pool);
    EXPECT_EQ(allocator.allocate(30 * mib), inside);
    allocator.release(inside, 30 * mib);
}

TEST(AllocatorPools, RefuseMisuse) {
    Host host;
    CachingAllocator allocator(host, Device::cuda(0));
    EXPECT_THROW(allocator.allocate(1, 7), ValueError);
    EXPECT_THROW(allocator.drop_pool(7), ValueError);
    EXPECT_THROW(allocator.drop_pool(0), ValueError);
    const PoolId pool = allocator.make_pool();
    allocator.drop_pool(pool);
    EXPECT_THROW(allocator.allocate(1, pool), ValueError);
}
