// The memory behind one or several tensors, with the count of writes that guards saved values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <new>

#include <adjoint/core/base/device.h>
#include <adjoint/core/contract/span.h>
#include <adjoint/core/memory/host_memory.h>
#include <adjoint/core/memory/ref.h>

namespace adjoint {

class ADJOINT_API Storage : public RefCounted<Storage> {
  public:
    /// Uninitialised memory on `device`.
    /// errors: OutOfMemoryError; DeviceError if there is no such device.
    static Ref<Storage> allocate(std::size_t bytes, Device device);
    /// Memory of somebody else; `deleter` runs when the last tensor on it goes.
    static Ref<Storage> borrow(void* data, std::size_t bytes, Device device, std::function<void()> deleter);

    /// Whether memory is so small that it lies right behind its header, in one block.
    static bool fits_in_block(std::size_t bytes, Device device) noexcept {
        return device.is_cpu() && bytes <= largest_in_block;
    }
    /// Such a block, beginning with `front` bytes (a multiple of 64) for the use of the caller.
    static Ref<Storage> allocate_block(std::size_t front, std::size_t bytes);

    void* data() const noexcept { return data_; }
    std::size_t bytes() const noexcept { return bytes_; }
    Device device() const noexcept { return device_; }

    /// How often the contents were written in place; every such write calls bump().
    std::uint32_t version() const noexcept { return version_; }
    void bump() noexcept { ++version_; }

    void destroy() noexcept;

  private:
    Storage(void* data, std::size_t bytes, Device device) noexcept
        : data_(data), bytes_(bytes), device_(device) {}
    ~Storage() = default;

    enum class Owner : std::uint8_t { block, backend, borrowed };
    // The header is one cache line.
    static constexpr std::size_t header = 64, largest_in_block = 4096;

    void* data_;
    std::size_t bytes_;
    Device device_;
    Owner owner_ = Owner::backend;
    std::uint8_t front_ = 0;  // units of 64 bytes of the block before this header
    std::uint32_t version_ = 0;
    std::function<void()> deleter_;
};

inline Ref<Storage> Storage::allocate_block(std::size_t front, std::size_t bytes) {
    static_assert(sizeof(Storage) <= header);
    char* place = static_cast<char*>(host_allocate(front + header + bytes)) + front;
    auto* storage = new (place) Storage(place + header, bytes, Device::cpu());
    storage->owner_ = Owner::block;
    storage->front_ = static_cast<std::uint8_t>(front / 64);
    if (detail::spans_wanted()) [[unlikely]]
        detail::note_memory(place, static_cast<std::int64_t>(bytes), Device::cpu());
    return Ref<Storage>::adopt(storage);
}

}  // namespace adjoint
