// Memory as kernels see it: where its bytes are, which of them somebody has written, and
// who touched them last.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <vector>

namespace adjoint::ptx {

/// Who touches memory: a thread of a launch, or of a block where only the block's threads can meet.
struct Visitor {
    std::uint64_t run;       // serial number of the launch or the block
    std::uint64_t thread;    // in it
    std::uint64_t of_block;  // threads of a block, those of two blocks being in no order
    std::uint64_t barriers;  // that the thread has passed in its block
};

/// The last accesses to one place. What two threads of one run do to it, one of them writing, has to have a
/// barrier of their block in between. Numbers are kept modulo what there is room for.
class Trace {
  public:
    /// Null, or what is wrong.
    const char* touch(const Visitor& by, bool writes);

  private:
    struct Access {
        std::uint64_t run : 26, thread : 24, barriers : 12, several_threads : 1, several_blocks : 1;
        bool before(const Access& now, std::uint64_t of_block) const;
    };
    Access write_, read_;
};

/// Words are watched by their first byte, smaller accesses by each of theirs.
inline constexpr std::size_t watched_step(std::size_t bytes) { return bytes >= 4 ? 4 : 1; }

/// Addresses that kernels may use.
struct Region {
    std::uintptr_t first = 0;
    std::size_t bytes = 0;
    char* contents = nullptr;
    std::uint8_t* written = nullptr;  // a byte for each
    Trace* traces = nullptr;          // one for each byte

    bool holds(std::uintptr_t address, std::size_t size) const {
        return address >= first && size <= bytes && address - first <= bytes - size;
    }
};

class Memory {
  public:
    void add(const void* first, std::size_t bytes, char* contents, bool written);
    void remove(const void* first);
    /// That of an address, or the last one before it; null if there is none.
    const Region* find(std::uintptr_t address) const;
    /// Changes whenever a region comes or goes.
    std::uint64_t version() const { return version_; }

  private:
    // Pages that take memory once they are touched.
    struct Unmap {
        std::size_t bytes;
        void operator()(void* pages) const;
    };
    using Pages = std::unique_ptr<void, Unmap>;
    static Pages pages(std::size_t bytes);
    struct Shadowed {
        Region region;
        Pages written, traces;
    };

    std::map<std::uintptr_t, Shadowed> regions_;
    std::uint64_t version_ = 1;
};

}  // namespace adjoint::ptx
