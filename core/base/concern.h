// Who says a warning where several processes train together. Private.
#pragma once

#include <cstdint>
#include <string>

#include <adjoint/core/base/export.h>

namespace adjoint {

/// What a warning is about: the program, of which all processes that train together say the same, or this
/// process and its machine.
enum class Concern : std::uint8_t { program, process };

/// warn_once of what concerns the program or the process; without a word it is the program.
ADJOINT_API void warn_once(const std::string& topic, const std::string& message, Concern concern);

/// While it lives, what this thread warns of that concerns the program is for another rank to say.
class ADJOINT_API WarnedByAnother {
  public:
    explicit WarnedByAnother(bool another) noexcept;
    ~WarnedByAnother();
    WarnedByAnother(const WarnedByAnother&) = delete;
    WarnedByAnother& operator=(const WarnedByAnother&) = delete;

  private:
    const bool before_;
};

}  // namespace adjoint
