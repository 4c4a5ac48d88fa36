// Whether fit records its step and replays it.
#pragma once

namespace adjoint::train {

/// Whether the step of a full batch is recorded once and then replayed (<adjoint/core/capture/capture.h>):
/// without graph, dispatch and allocation, with the same bits. A model or optimizer that a callback changed
/// is recorded anew. But the host's code in model, loss and hooks runs for few batches only: what it counts,
/// draws by itself or decides by the time of day stays as it was in the recorded one.
enum class CaptureMode {
    /// Where the samples are on a CUDA device, unless the step needs a value on the host: a warning says so.
    /// Not on the CPU: there it saves time for tiny networks alone (bench/fit).
    automatic,
    on,  ///< on any device; errors: CaptureError where it cannot be
    off
};

}  // namespace adjoint::train
