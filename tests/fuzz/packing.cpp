// Packing again what was changed inside.
#include "packing.h"

#include <cstdint>
#include <span>

#include <adjoint/core/base/error.h>
#include <adjoint/data/file.h>

#include "target.h"

namespace adjoint::fuzz {
namespace {

std::uint32_t sum_of(const std::string& bytes, std::size_t at, std::size_t count) {
    return data::crc32(std::as_bytes(std::span(bytes).subspan(at, count)));
}

std::uint64_t little_number(const std::string& bytes, std::size_t at, int count) {
    std::uint64_t value = 0;
    for (int i = count; i-- > 0;) value = value << 8 | static_cast<unsigned char>(bytes[at + std::size_t(i)]);
    return value;
}

void put_little(std::string& bytes, std::size_t at, std::uint32_t value) {
    for (std::size_t i = 0; i < 4; ++i, value >>= 8) bytes[at + i] = static_cast<char>(value & 255);
}

}  // namespace

std::string gzipped(const std::string& content) {
    const auto archive = data::gzip(std::as_bytes(std::span(content)));
    return {reinterpret_cast<const char*>(archive.data()), archive.size()};
}

std::optional<std::string> unpacked(const std::string& bytes) {
    if (!bytes.starts_with("\x1f\x8b")) return std::nullopt;
    constexpr std::uint64_t most = 1 << 20;
    try {
        const auto content = data::read_maybe_gzip(place().file("packed", bytes), most);
        return std::string(reinterpret_cast<const char*>(content.data()), content.size());
    } catch (const Error&) {
        return std::nullopt;
    }
}

void repair_png(std::string& bytes) {
    constexpr std::size_t signature = 8, around = 12;  // length and name before, sum behind the content
    for (std::size_t at = signature; at + around <= bytes.size();) {
        const std::size_t length = __builtin_bswap32(static_cast<std::uint32_t>(little_number(bytes, at, 4)));
        if (length > bytes.size() - at - around) return;
        put_little(bytes, at + 8 + length, __builtin_bswap32(sum_of(bytes, at + 4, length + 4)));
        at += around + length;
    }
}

void repair_zip(std::string& bytes) {
    constexpr std::size_t entry_bytes = 46, member_bytes = 30;
    for (std::size_t at = bytes.find("PK\1\2"); at != std::string::npos && at + entry_bytes <= bytes.size();
         at = bytes.find("PK\1\2", at + 4)) {
        const std::size_t size = little_number(bytes, at + 20, 4), start = little_number(bytes, at + 42, 4);
        if (little_number(bytes, at + 10, 2) != 0 || start + member_bytes > bytes.size()) continue;
        const std::size_t body =
            start + member_bytes + little_number(bytes, start + 26, 2) + little_number(bytes, start + 28, 2);
        if (body > bytes.size() || size > bytes.size() - body) continue;
        const std::uint32_t sum = sum_of(bytes, body, size);
        put_little(bytes, at + 16, sum);
        put_little(bytes, start + 14, sum);
    }
}

void mutate_with(std::string& bytes, const std::function<void(std::string&)>& repair, unsigned chance,
                 const std::function<void(std::string&)>& mutate) {
    if (chance % 2 == 0)
        if (auto content = unpacked(bytes)) {
            mutate(*content);
            bytes = gzipped(*content);
            return;
        }
    mutate(bytes);
    if (repair && chance / 2 % 4 != 0) repair(bytes);
}

}  // namespace adjoint::fuzz
