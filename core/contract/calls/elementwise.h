// Calls element by element. Operand 0 of a loop is written, the others are read.
#pragma once

#include <adjoint/core/contract/functors/functors.h>
#include <adjoint/core/contract/loop.h>

namespace adjoint::call {

/// out = value
struct Fill {
    static constexpr auto name = "fill";
    Loop<1> loop;
    double value;
    template <class Memory> void memory(Memory& m) const { m.loop(loop); }
};

/// out = op(x)
struct Map {
    static constexpr auto name = "map";
    UnaryOp op;
    Loop<2> loop;
    template <class Memory> void memory(Memory& m) const { m.loop(loop); }
};

/// out = op(a, b)
struct Zip {
    static constexpr auto name = "zip";
    BinaryOp op;
    Loop<3> loop;
    template <class Memory> void memory(Memory& m) const { m.loop(loop); }
};

/// out = condition ? a : b
struct Select {
    static constexpr auto name = "select";
    Loop<4> loop;
    template <class Memory> void memory(Memory& m) const { m.loop(loop); }
};

}  // namespace adjoint::call
