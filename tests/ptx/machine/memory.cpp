#include "memory.h"

#include <sys/mman.h>

#include <cstring>

#include "program.h"

namespace adjoint::ptx {

bool Trace::Access::before(const Access& now, std::uint64_t of_block) const {
    if (run != now.run) return true;
    if (several_blocks || thread / of_block != now.thread / of_block) return false;
    return (thread == now.thread && !several_threads) || barriers != now.barriers;
}

const char* Trace::touch(const Visitor& by, bool writes) {
    Access now{by.run & 0x3ffffff, by.thread & 0xffffff, by.barriers & 0xfff, 0, 0};
    const char* wrong = nullptr;
    if (!write_.before(now, by.of_block))
        wrong = writes ? "a write over what another thread wrote" : "a read of what another thread wrote";
    else if (writes && !read_.before(now, by.of_block))
        wrong = "a write over what another thread read";
    if (writes) {
        write_ = now;
        return wrong;
    }
    if (read_.run == now.run) {
        const bool other_block = read_.thread / by.of_block != now.thread / by.of_block;
        now.several_blocks = read_.several_blocks || other_block;
        now.several_threads =
            read_.barriers == now.barriers && (read_.several_threads || read_.thread != now.thread);
    }
    read_ = now;
    return wrong;
}

void Memory::Unmap::operator()(void* pages) const { munmap(pages, bytes); }

Memory::Pages Memory::pages(std::size_t bytes) {
    void* const range =
        mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (range == MAP_FAILED) cannot("get addresses to watch memory with");
    return Pages(range, Unmap{bytes});
}

void Memory::add(const void* first, std::size_t bytes, char* contents, bool written) {
    Shadowed one{{reinterpret_cast<std::uintptr_t>(first), bytes, contents, nullptr, nullptr},
                 pages(bytes),
                 pages(bytes * sizeof(Trace))};
    one.region.written = static_cast<std::uint8_t*>(one.written.get());
    one.region.traces = static_cast<Trace*>(one.traces.get());
    if (written) std::memset(one.region.written, 1, bytes);
    regions_.emplace(one.region.first, std::move(one));
    ++version_;
}

void Memory::remove(const void* first) {
    regions_.erase(reinterpret_cast<std::uintptr_t>(first));
    ++version_;
}

const Region* Memory::find(std::uintptr_t address) const {
    auto next = regions_.upper_bound(address);
    if (next == regions_.begin()) return nullptr;
    return &(--next)->second.region;
}

}  // namespace adjoint::ptx
