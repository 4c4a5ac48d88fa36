// Names by prefix and by pattern.
#include <adjoint/data/rename.h>

#include <algorithm>
#include <optional>
#include <string_view>
#include <vector>

#include <adjoint/core/base/format.h>
#include <adjoint/data/excerpt.h>

namespace adjoint::data {
namespace {

// What the stars of `pattern` stand for if it is the whole of `name`.
std::optional<std::vector<std::string_view>> match(std::string_view pattern, std::string_view name) {
    std::vector<std::string_view> parts;
    while (!pattern.empty()) {
        if (pattern.front() != '*') {
            if (name.empty() || name.front() != pattern.front()) return std::nullopt;
            pattern.remove_prefix(1);
            name.remove_prefix(1);
            continue;
        }
        pattern.remove_prefix(1);
        // A star ends at the next dot, or where the text begins that stands behind it in the pattern.
        const std::size_t dot = std::min(name.find('.'), name.size());
        const std::string_view fixed =
            pattern.substr(0, std::min(pattern.find_first_of("*."), pattern.size()));
        const std::size_t end = fixed.empty() ? dot : name.substr(0, dot).rfind(fixed);
        if (end == std::string_view::npos || end == 0) return std::nullopt;
        parts.push_back(name.substr(0, end));
        name.remove_prefix(end);
    }
    return name.empty() ? std::optional(parts) : std::nullopt;
}

}  // namespace

std::string renamed(const std::string& name, std::span<const Rename> rules) {
    for (const Rename& rule : rules) {
        const auto stars = [](const std::string& text) { return std::count(text.begin(), text.end(), '*'); };
        check<ValueError>(stars(rule.to) <= stars(rule.from), "rename: {} has more stars than {}",
                          excerpt(rule.to), excerpt(rule.from));
        if (stars(rule.from) == 0) {
            if (name.starts_with(rule.from)) return rule.to + name.substr(rule.from.size());
            continue;
        }
        const auto parts = match(rule.from, name);
        if (!parts) continue;
        std::string out;
        std::size_t next = 0;
        for (const char c : rule.to)
            if (c == '*')
                out += (*parts)[next++];
            else
                out += c;
        return out;
    }
    return name;
}

}  // namespace adjoint::data
