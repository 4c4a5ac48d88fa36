// A file descriptor that closes itself, and the system's reason for a failed call. Private.
#pragma once

#include <unistd.h>

#include <cerrno>
#include <string>
#include <system_error>
#include <utility>

namespace adjoint::data {

class Descriptor {
  public:
    Descriptor() = default;
    explicit Descriptor(int number) : number_(number) {}
    Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
    Descriptor& operator=(Descriptor&& other) noexcept {
        std::swap(number_, other.number_);
        return *this;
    }
    ~Descriptor() { close(); }

    int get() const noexcept { return number_; }
    bool valid() const noexcept { return number_ >= 0; }
    /// False with errno set if the system reports a late write error.
    bool close() noexcept { return number_ < 0 || ::close(std::exchange(number_, -1)) == 0; }

  private:
    int number_ = -1;
};

/// "No such file or directory" for ENOENT, whatever the locale of other threads.
inline std::string system_reason(int code) { return std::generic_category().message(code); }

}  // namespace adjoint::data
