// How often a text occurs in another.
#pragma once

#include <string>

namespace adjoint {

inline int count(const std::string& text, const std::string& part) {
    int n = 0;
    for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++n;
    return n;
}

}  // namespace adjoint
