// A device for tensors that have a shape alone. Private.
#pragma once

#include <adjoint/core/contract/backend.h>

namespace adjoint {

/// The values of its tensors are absent, so that every use of them is refused by `backend`, which throws. It
/// is printed as `text` says and not parsed; both live as long as the program.
/// errors: ValueError if there is no room for its kind.
Device register_absent_device(const char* text, Backend& backend);

}  // namespace adjoint
