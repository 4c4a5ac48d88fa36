// Memory for what lies in files: where there is none, the error names the file. Private.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <adjoint/core/base/error.h>
#include <adjoint/core/base/export.h>

namespace adjoint::data {

[[noreturn]] void throw_no_room(const std::string& path, std::string_view what, std::uint64_t count,
                                std::size_t element);
/// In a handler: throws the error at hand on, one of memory with the file's name in front.
[[noreturn]] ADJOINT_API void rethrow_of_file(const std::string& path);

/// `count` zeros for what a file holds.
/// errors: OutOfMemoryError naming the file, what for, and the bytes.
template <class T = std::byte>
std::vector<T> room_for(std::uint64_t count, const std::string& path, std::string_view what) {
    try {
        return std::vector<T>(static_cast<std::size_t>(count));
    } catch (...) {
        throw_no_room(path, what, count, sizeof(T));
    }
}

/// f(), with the file's name in every OutOfMemoryError, also where the standard library had no memory.
template <class F> decltype(auto) in_memory(const std::string& path, F&& f) {
    try {
        return f();
    } catch (...) {
        rethrow_of_file(path);
    }
}

}  // namespace adjoint::data
