// Shortening and escaping for error messages.
#include <adjoint/data/excerpt.h>

#include <algorithm>

#include <adjoint/core/base/format.h>

namespace adjoint::data {

namespace {

bool is_continuation(char c) { return (static_cast<unsigned char>(c) & 0xc0) == 0x80; }

/// Bytes of the UTF-8 character that `text` starts with, 0 if it is none or not for printing.
std::size_t character_length(std::string_view text) {
    const auto first = static_cast<unsigned char>(text[0]);
    if (first < 0x80) return first >= 0x20 && first != 0x7f ? 1 : 0;
    const std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    if (first < 0xc2 || first > 0xf4 || text.size() < length) return 0;
    for (const char c : text.substr(1, length - 1))
        if (!is_continuation(c)) return 0;
    return length;
}

}  // namespace

std::string excerpt(std::string_view text) {
    constexpr std::size_t longest = 60;
    std::string_view rest = text;
    std::string out = "\"";
    while (!rest.empty() && text.size() - rest.size() < longest) {
        const std::size_t length = character_length(rest);
        if (length > 0)
            out += rest.substr(0, length);
        else
            out += fmt::format("\\x{:02x}", static_cast<unsigned char>(rest[0]));
        rest.remove_prefix(std::max<std::size_t>(1, length));
    }
    return out + (rest.empty() ? "\"" : fmt::format("...\" ({} bytes)", text.size()));
}

}  // namespace adjoint::data
