// The few forms of Protocol Buffers that event files need. Private.
//
// A field is a key, (number << 3) | kind, and its value: a varint, eight or four bytes,
// or a length and that many bytes.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace adjoint::train {

/// A message that is put together field by field.
class Message {
  public:
    Message& integer(int field, std::int64_t value) {
        key(field, 0);
        varint(static_cast<std::uint64_t>(value));
        return *this;
    }
    Message& number(int field, double value) {
        key(field, 1);
        raw(value);
        return *this;
    }
    Message& number(int field, float value) {
        key(field, 5);
        raw(value);
        return *this;
    }
    Message& bytes(int field, std::string_view content) {
        key(field, 2);
        varint(content.size());
        content_ += content;
        return *this;
    }
    Message& message(int field, const Message& inner) { return bytes(field, inner.content_); }
    Message& numbers(int field, const std::vector<double>& values) {
        return bytes(field, {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(double)});
    }

    const std::string& content() const noexcept { return content_; }

  private:
    void key(int field, unsigned kind) { varint(static_cast<std::uint64_t>(field) << 3 | kind); }
    void varint(std::uint64_t value) {
        for (; value >= 128; value >>= 7) content_ += static_cast<char>(value | 128);
        content_ += static_cast<char>(value);
    }
    template <class T> void raw(T value) {
        char copy[sizeof(T)];
        std::memcpy(copy, &value, sizeof(T));
        content_.append(copy, sizeof(T));
    }

    std::string content_;
};

}  // namespace adjoint::train
