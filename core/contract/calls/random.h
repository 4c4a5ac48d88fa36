// Random numbers. A number is a function of the generator's state and of the element's place.
#pragma once

#include <variant>

#include <adjoint/core/contract/generator.h>
#include <adjoint/core/contract/loop.h>

namespace adjoint {

class Backend;

struct Uniform {};
struct Normal {};
struct Integers {
    std::int64_t low, high;
};
/// A permutation of 0 .. n-1.
struct Permutation {};
using RandomOp = std::variant<Uniform, Normal, Integers, Permutation>;

namespace call {

/// Dense.
struct Random {
    static constexpr auto name = "random";
    Operand out;
    RandomOp op;
    std::int64_t numel;
    GeneratorState state;
    template <class Memory> void memory(Memory& m) const { m.writes(out, numel); }
};

/// out = x / (1 - p) where the element's uniform number is at least p, else 0; dense.
struct Dropout {
    static constexpr auto name = "dropout";
    Operand out, x;
    std::int64_t numel;
    double p;
    GeneratorState state;
    template <class Memory> void memory(Memory& m) const {
        m.writes(out, numel);
        m.reads(x, numel);
    }
};

void compose(Backend& backend, const Dropout& c);

}  // namespace call
}  // namespace adjoint
