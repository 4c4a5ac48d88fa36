// Where a tensor lives.
#pragma once

#include <cstdint>
#include <string>

#include <adjoint/core/base/export.h>

namespace adjoint {

enum class DeviceType : std::uint8_t { cpu, cuda };

/// A device: cpu, or cuda with an index.
struct Device {
    DeviceType type = DeviceType::cpu;
    std::uint8_t index = 0;

    static constexpr Device cpu() noexcept { return {}; }
    static constexpr Device cuda(int index = 0) noexcept {
        return {DeviceType::cuda, static_cast<std::uint8_t>(index)};
    }
    /// Parses "cpu", "cuda", "cuda:1". Errors: ValueError with the accepted forms.
    ADJOINT_API static Device parse(const std::string& text);

    constexpr bool is_cpu() const noexcept { return type == DeviceType::cpu; }
    constexpr bool operator==(const Device&) const noexcept = default;
};

/// "cpu" or "cuda:0".
ADJOINT_API std::string to_string(Device device);

}  // namespace adjoint
