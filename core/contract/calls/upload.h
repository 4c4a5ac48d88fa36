// Values of the host on their way to a device.
#pragma once

#include <cstdint>

#include <adjoint/core/base/dtype.h>

namespace adjoint::call {

/// out = values, which lie in the host's memory.
struct Upload {
    static constexpr auto name = "upload";
    void* out;
    const void* values;
    std::size_t bytes;
    template <class Memory> void memory(Memory& m) const {
        m.writes(out, static_cast<std::int64_t>(bytes), DType::u8);
    }
};

}  // namespace adjoint::call
