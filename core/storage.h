// The memory behind one or several tensors, with the count of writes that guards saved values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>

#include <adjoint/core/device.h>
#include <adjoint/core/host_memory.h>
#include <adjoint/core/ref.h>

namespace adjoint {

class ADJOINT_API Storage : public RefCounted<Storage> {
  public:
    /// Uninitialised memory on `device`. Errors: OutOfMemoryError; DeviceError if there is no such device.
    static Ref<Storage> allocate(std::size_t bytes, Device device);
    /// Memory of somebody else; `deleter` runs when the last tensor on it goes.
    static Ref<Storage> borrow(void* data, std::size_t bytes, Device device, std::function<void()> deleter);

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

    enum class Owner : std::uint8_t { with_header, backend, borrowed };
    // A small block on the host lies right behind its header, in one piece of memory.
    static constexpr std::size_t header = 64, largest_with_header = 4096;

    void* data_;
    std::size_t bytes_;
    Device device_;
    Owner owner_ = Owner::backend;
    std::uint32_t version_ = 0;
    std::function<void()> deleter_;
};

}  // namespace adjoint
