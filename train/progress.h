// Progress on the terminal: one line that is rewritten; in a file, one plain line per epoch and nothing else.
#pragma once

#include <adjoint/train/callback.h>

namespace adjoint::train {

/// Prints the epochs to standard output as they end and, on a terminal, how far the current one is. The loss
/// is read only when that line is redrawn, a few times a second: it may have to wait for the device.
ADJOINT_API Callback progress();

}  // namespace adjoint::train
