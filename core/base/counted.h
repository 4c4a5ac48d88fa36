// Numbers of things in messages. Private: only .cpp files include it.
#pragma once

#include <cstdint>
#include <string>

namespace adjoint {

/// "1 epoch", "2 epochs"
inline std::string counted(std::int64_t n, const char* noun) {
    std::string text = std::to_string(n) + " " + noun;
    if (n != 1) text += "s";
    return text;
}

}  // namespace adjoint
