// What the tests of readers and writers share: given bytes, expected messages.
#pragma once

#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <bit>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <adjoint/core/base/error.h>
#include <adjoint/core/base/sanitizer.h>
#include <adjoint/core/tensor/creation.h>
#include <adjoint/data/file.h>

#include "temporary_folder.h"

namespace adjoint::data {

inline std::string content_of(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

/// Text that may hold NUL characters: bytes("\0\1").
template <std::size_t N> std::string bytes(const char (&text)[N]) { return {text, N - 1}; }

inline std::string zipped(std::string_view content) {
    const auto archive = gzip(std::as_bytes(std::span(content)));
    return {reinterpret_cast<const char*>(archive.data()), archive.size()};
}

template <class T> std::string raw(T value) {
    std::string out(sizeof(T), '\0');
    std::memcpy(out.data(), &value, sizeof(T));
    return out;
}

inline std::string floats(const std::vector<float>& values) {
    std::string out;
    for (const float value : values) out += raw(value);
    return out;
}

/// A file that a reader refuses, and what it says of it.
struct Malformed {
    std::string content;
    std::string message;
};

inline std::string big_endian(std::uint32_t value) { return raw(__builtin_bswap32(value)); }

/// Whether two tensors agree in type, shape and every byte.
inline ::testing::AssertionResult same(const Tensor& a, const Tensor& b) {
    if (a.dtype() != b.dtype())
        return ::testing::AssertionFailure() << name(a.dtype()) << " and " << name(b.dtype());
    if (a.shape() != b.shape())
        return ::testing::AssertionFailure() << to_string(a.shape()) << " and " << to_string(b.shape());
    const std::size_t size = static_cast<std::size_t>(a.numel()) * size_of(a.dtype());
    if (size > 0 && std::memcmp(a.impl().data, b.impl().data, size) != 0)
        return ::testing::AssertionFailure() << "the elements differ";
    return ::testing::AssertionSuccess();
}

/// Expects an error of type Kind whose message holds each of `parts`.
template <class Kind = IoError, class F>
void expect_error(F&& action, const std::vector<std::string>& parts) {
    try {
        action();
        ADD_FAILURE() << "no error; expected one with \"" << (parts.empty() ? "" : parts.front()) << '"';
    } catch (const Kind& error) {
        for (const std::string& part : parts)
            EXPECT_NE(std::string(error.what()).find(part), std::string::npos)
                << "expected \"" << part << "\" in: " << error.what();
        EXPECT_LT(std::strlen(error.what()), 1500U);
    } catch (const std::exception& error) {
        ADD_FAILURE() << "an error of another kind: " << error.what();
    }
}

/// Milliseconds of this thread's work so far; what else runs on the machine does not count.
inline double work_done() {
    timespec now{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) * 1e-6;
}

/// Malformed input must be refused before anything slow or large happens; sanitizers get more time.
inline double refusal_limit() {
#if ADJOINT_ADDRESS_SANITIZER || ADJOINT_THREAD_SANITIZER
    return 200;
#else
    return 10;
#endif
}

/// Expects that `action` is refused as in expect_error, and at once.
template <class F> void expect_refusal(F&& action, const std::vector<std::string>& parts) {
    const double start = work_done();
    double end = start;
    expect_error(
        [&] {
            try {
                action();
            } catch (...) {
                end = work_done();
                throw;
            }
        },
        parts);
    EXPECT_LT(end - start, refusal_limit()) << parts.front();
}

/// Runs `action` again and again in another process and kills that after `delay`.
template <class F> void run_until_killed(F&& action, std::chrono::microseconds delay) {
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        try {
            for (;;) action();
        } catch (...) {
            ::_exit(1);
        }
    }
    std::this_thread::sleep_for(delay);
    ::kill(child, SIGKILL);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFSIGNALED(status)) << "the other process failed before it was killed";
}

/// The folder of real data sets, or "" if none was named.
inline std::string real_data() {
    const char* const folder = std::getenv("ADJOINT_DATA");
    return folder == nullptr ? "" : folder;
}

}  // namespace adjoint::data
