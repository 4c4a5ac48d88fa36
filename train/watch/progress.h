// Progress on the terminal: one line that is rewritten; in a file, one plain line per epoch and nothing else.
#pragma once

#include <string>

#include <adjoint/train/callback.h>

namespace adjoint::train {

/// Prints the epochs to standard output as they end, why training ended before the last of them if it did
/// (History::end) and, on a terminal, how far the current epoch is. The loss
/// is read only when that line is redrawn, a few times a second: it may have to wait for the device.
ADJOINT_API Callback progress();

/// Where a training stands, as the line shows it.
struct ProgressState {
    int epoch = 0, epochs = 0;
    std::int64_t batch = 0, batches = 0;  ///< done in this epoch, and in all of it; -1: unknown
    double rate = 0;                      ///< batches per second; 0 before it is known
    Score score = {};
};
/// "epoch 2/8 [======......]  469/938  1250 batches/s  loss 0.1234  accuracy 0.9650  0:01 left, 0:05 in all":
/// of this epoch, and of the training.
ADJOINT_API std::string to_string(const ProgressState& state);

}  // namespace adjoint::train
