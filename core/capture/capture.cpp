// The start of a capture, and what is refused inside of one.
#include <adjoint/core/capture/capture.h>

#include <new>
#include <utility>

#include <adjoint/core/base/format.h>
#include <adjoint/core/memory/recorder.h>

namespace adjoint {

namespace detail {
constinit thread_local Recorder* recorder = nullptr;
}

Backend& recording_backend(Device device) {
    Recorder& capture = *recorder();
    check<CaptureError>(capture.device() == device,
                        "capture: the step computes on {} but is recorded on {}; choose with "
                        "CaptureOptions::device, and keep all tensors of the step there",
                        device, capture.device());
    return capture;
}

bool is_capturing() noexcept { return recorder() != nullptr; }

void hold_for_replays(std::shared_ptr<const void> what) {
    if (Recorder* capture = recorder()) capture->hold(std::move(what));
}

void check_not_capturing(const char* what) {
    check<CaptureError>(!recorder(),
                        "{}: not inside a capture, where values are not known to the host; read them after "
                        "replay(), or take this out of the step",
                        what);
}

Captured capture(const std::function<void()>& step, const CaptureOptions& options) try {
    check<ValueError>(static_cast<bool>(step), "capture: there is no step, the function is empty");
    check<ValueError>(options.warmup >= 0, "capture: {} warm-up runs", options.warmup);
    check_not_capturing("capture");
    for (int i = 0; i < options.warmup; ++i) step();
    return Captured(backend(options.device).record(step, options.optimize));
} catch (const std::bad_alloc&) {
    throw_no_memory("capture");
}

}  // namespace adjoint
