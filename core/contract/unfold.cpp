// Windows as columns and back, a tap at a time.
#include <adjoint/core/contract/window_taps.h>

namespace adjoint::call {

void compose(Backend& backend, const Unfold& c) {
    using namespace composition;
    const Windows& w = c.windows;
    const Grid all(backend, {1, 1, w.columns()}, w.dtype);
    all.fill(all.dense(c.columns, w.dtype), 0);
    for_taps(backend, w, [&](const Tap& tap) {
        tap.windows.map(functor::Copy{}, tap.column(c.columns, w.dtype), tap.place(c.x, w.dtype));
    });
}

// No two windows see one place by the same tap, so that a tap's sums do not meet.
void compose(Backend& backend, const Fold& c) {
    using namespace composition;
    const Windows& w = c.windows;
    const Grid all(backend, {1, 1, w.inputs()}, w.dtype);
    all.fill(all.dense(c.x, w.dtype), 0);
    for_taps(backend, w, [&](const Tap& tap) {
        const View x = tap.place(c.x, w.dtype);
        tap.windows.zip(functor::Add{}, x, x, tap.column(c.columns, w.dtype));
    });
}

}  // namespace adjoint::call
