// The names of devices.
#include <adjoint/core/base/absent_kind.h>
#include <adjoint/core/base/device.h>

#include <algorithm>
#include <atomic>
#include <ostream>
#include <string_view>
#include <vector>

#include <adjoint/core/base/format.h>

namespace adjoint {
namespace {

constinit const char* kind_names[detail::max_device_kinds] = {"cpu", "cuda"};
constinit bool absent_kinds[detail::max_device_kinds] = {};
// Names are written before they are counted, so that readers need no lock.
constinit std::atomic<int> kind_count{2};

int kinds() noexcept { return kind_count.load(std::memory_order_acquire); }

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }

// "cpu", "cuda" or "cuda:N"
std::string accepted_forms() {
    std::vector<const char*> names;
    for (int kind = 1; kind < kinds(); ++kind)
        if (!absent_kinds[kind]) names.push_back(kind_names[kind]);
    std::string text = "\"cpu\"";
    for (const char* const name : names)
        text += fmt::format("{0} \"{1}\"{2} \"{1}:N\"", ",", name, name == names.back() ? " or" : ",");
    return text;
}

}  // namespace

Device Device::parse(const std::string& text) {
    if (text == kind_names[0]) return cpu();
    const std::string_view all = text;
    const std::string_view name = all.substr(0, all.find(':'));
    for (int kind = 1; kind < kinds(); ++kind) {
        if (absent_kinds[kind] || name != kind_names[kind]) continue;
        const auto type = static_cast<DeviceType>(kind);
        if (name.size() == all.size()) return {type, 0};
        const std::string_view digits = all.substr(name.size() + 1);
        if (digits.empty() || digits.size() > 3 || !std::all_of(digits.begin(), digits.end(), is_digit))
            break;
        const int index = std::stoi(std::string(digits));
        if (index > 255) break;
        return {type, static_cast<std::uint8_t>(index)};
    }
    fail<ValueError>("device: '{}' is not a device; use {}", text, accepted_forms());
}

std::string to_string(Device device) {
    if (device.is_cpu()) return "cpu";
    const int kind = static_cast<int>(device.type), index = device.index;
    if (kind < kinds() && absent_kinds[kind]) return kind_names[kind];
    if (kind < kinds()) return fmt::format("{}:{}", kind_names[kind], index);
    return fmt::format("device {} of an unknown kind, number {}", index, kind);
}

std::ostream& operator<<(std::ostream& out, Device device) { return out << to_string(device); }

namespace {

DeviceType add_kind(const char* name, bool is_absent) {
    const std::string_view text = name;
    const int count = kinds();
    check<ValueError>(is_absent || (!text.empty() && is_letter(text[0]) &&
                                    std::all_of(text.begin(), text.end(),
                                                [](char c) { return is_letter(c) || is_digit(c); })),
                      "register_device_kind: '{}' is not a name; use letters, digits and _", text);
    for (int kind = 0; kind < count; ++kind)
        check<ValueError>(text != kind_names[kind],
                          "register_device_kind: there is a kind '{}' already; known are {}", text,
                          fmt::join(kind_names, kind_names + count, ", "));
    check<ValueError>(count < detail::max_device_kinds,
                      "register_device_kind: no room for '{}', {} kinds are the most; known are {}", text,
                      detail::max_device_kinds, fmt::join(kind_names, kind_names + count, ", "));
    kind_names[count] = name;
    absent_kinds[count] = is_absent;
    kind_count.store(count + 1, std::memory_order_release);
    return static_cast<DeviceType>(count);
}

}  // namespace

DeviceType detail::add_device_kind(const char* name) { return add_kind(name, false); }
DeviceType detail::add_absent_kind(const char* text) { return add_kind(text, true); }

}  // namespace adjoint
