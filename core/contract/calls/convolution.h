// Convolutions. A device that has nothing better makes them of Unfold, MatMul and Fold (convolution.cpp).
#pragma once

#include <adjoint/core/contract/calls/windows.h>
#include <adjoint/core/contract/epilogue.h>
#include <adjoint/core/contract/loop.h>

namespace adjoint {

class Backend;

/// A cross-correlation in `groups`: x of `windows`, w (filters, channels / groups, kernel), y (batch,
/// filters, output); all dense. Neither batch nor channels, filters and outputs are 0.
struct Convolution {
    Windows windows;
    std::int64_t filters = 0, groups = 1;

    std::int64_t group_channels() const { return windows.channels / groups; }
    std::int64_t group_filters() const { return filters / groups; }
    std::int64_t weights() const { return filters * depth(); }
    std::int64_t results() const { return windows.batch * filters * windows.outputs(); }
    std::int64_t depth() const { return group_channels() * windows.taps(); }  // of one product
};

namespace call {

/// y of x and w; the bias is of the type in which the sums are made.
struct Convolve {
    static constexpr auto name = "convolution";
    void* y;
    const void* x;
    const void* w;
    Convolution shape;
    Epilogue epilogue;
    template <class Memory> void memory(Memory& m) const {
        const DType type = shape.windows.dtype;
        m.writes(y, shape.results(), type);
        m.reads(x, shape.windows.inputs(), type);
        m.reads(w, shape.weights(), type);
        m.reads(epilogue.bias, shape.filters, compute_type(type));
        m.writes(epilogue.sums, shape.results(), type);
    }
};

/// dx from g, which is shaped like y; also the forward pass of a transposed convolution.
struct ConvolveInput {
    static constexpr auto name = "convolution_input";
    void* dx;
    const void* g;
    const void* w;
    Convolution shape;
    template <class Memory> void memory(Memory& m) const {
        m.writes(dx, shape.windows.inputs(), shape.windows.dtype);
        m.reads(g, shape.results(), shape.windows.dtype);
        m.reads(w, shape.weights(), shape.windows.dtype);
    }
};

struct ConvolveWeight {
    static constexpr auto name = "convolution_weight";
    void* dw;
    const void* x;
    const void* g;
    Convolution shape;
    template <class Memory> void memory(Memory& m) const {
        m.writes(dw, shape.weights(), shape.windows.dtype);
        m.reads(x, shape.windows.inputs(), shape.windows.dtype);
        m.reads(g, shape.results(), shape.windows.dtype);
    }
};

void compose(Backend& backend, const Convolve& c);
void compose(Backend& backend, const ConvolveInput& c);
void compose(Backend& backend, const ConvolveWeight& c);

/// The epilogue where c.epilogue.sums_or(c.y) already holds the sums.
void finish(Backend& backend, const Convolve& c);

}  // namespace call
}  // namespace adjoint
