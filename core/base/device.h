// Where a tensor lives.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <string>

#include <adjoint/core/base/export.h>

namespace adjoint {

/// A kind of device: cpu, cuda, or one that register_device_kind (core/contract/backend.h) has added.
enum class DeviceType : std::uint8_t { cpu, cuda };

/// A device: cpu, or another kind with an index.
struct Device {
    DeviceType type = DeviceType::cpu;
    std::uint8_t index = 0;

    /// The host; the card of that number, from 0.
    static constexpr Device cpu() noexcept { return {}; }
    static constexpr Device cuda(int index = 0) noexcept {
        return {DeviceType::cuda, static_cast<std::uint8_t>(index)};
    }
    /// Parses "cpu", "cuda", "cuda:1", and likewise any kind that is known.
    /// errors: ValueError with the accepted forms.
    ADJOINT_API static Device parse(const std::string& text);

    /// Of which kind it is.
    constexpr bool is_cpu() const noexcept { return type == DeviceType::cpu; }
    constexpr bool is_cuda() const noexcept { return type == DeviceType::cuda; }
    constexpr bool operator==(const Device&) const noexcept = default;
};

/// "cpu" or "cuda:0".
ADJOINT_API std::string to_string(Device device);
ADJOINT_API std::ostream& operator<<(std::ostream& out, Device device);

namespace detail {
/// There is room for so many kinds, and for so many devices of a kind.
inline constexpr int max_device_kinds = 8, max_devices_of_kind = 16;

/// Adds a kind; one at a time. `name` lives as long as the program.
/// errors: ValueError.
DeviceType add_device_kind(const char* name);
}  // namespace detail

}  // namespace adjoint
