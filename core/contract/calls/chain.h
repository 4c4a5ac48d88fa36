// Elementwise calls that became one: a short program of functors over elements, and a
// reduction of its result.
#pragma once

#include <cstdint>
#include <variant>
#include <vector>

#include <adjoint/core/contract/calls/reduce.h>
#include <adjoint/core/contract/functors/functors.h>

namespace adjoint {

class Backend;

/// What is done with each element of `numel`, in row-major order of `sizes`. Values are numbered: first the
/// inputs, then what the steps give.
struct ElementProgram {
    static constexpr std::size_t most_steps = 16, most_inputs = 8;

    struct Input {
        Operand x;
        std::int64_t strides[max_dims];
    };
    struct Constant {
        double value;
    };
    struct Select {};  // condition, a, b
    struct Step {
        std::variant<Constant, UnaryOp, BinaryOp, Select> op;
        std::uint8_t from[3];  // the values that it takes, as many as `op` has operands
        std::uint8_t to;       // where a block of the result stands, one of `buffers`

        std::size_t arity() const { return op.index(); }
    };
    struct Output {
        std::uint8_t value;
        Operand to;          // dense
        bool apart = false;  // no input lies there: it may be written before they are read
    };

    std::int64_t numel = 1;
    DType compute = DType::f32;
    int rank = 0;
    std::int64_t sizes[max_dims];
    std::vector<Input> inputs;
    std::vector<Step> steps;
    std::vector<Output> outputs;  // may lie where an input does, place for place
    std::size_t buffers = 0;      // enough for the values of steps that are still to be read

    std::size_t values() const { return inputs.size() + steps.size(); }
    /// The elements of an input, as a call would read them.
    Loop<1> places(const Input& input) const;
};

namespace call {

/// A program, which whoever made the call keeps.
struct Chain {
    static constexpr auto name = "chain";
    const ElementProgram* program;
    template <class Memory> void memory(Memory& m) const {
        for (const ElementProgram::Output& out : program->outputs) m.writes(out.to, program->numel);
        for (const ElementProgram::Input& in : program->inputs) m.reads(program->places(in), 0);
    }
};

/// One value of a program, rows one after the other, is reduced row by row: as if it had been written and
/// Reduce had followed, to the bit. What else the program gives is written.
struct ChainReduce {
    static constexpr auto name = "chain_reduce";
    const ElementProgram* program;
    std::uint8_t value;
    ReduceOp op;
    Operand out;
    std::int64_t rows;  // of program->numel / rows elements
    template <class Memory> void memory(Memory& m) const {
        m.writes(out, rows);
        Chain{program}.memory(m);
    }
};

/// The reduction as a call of its own, of values at `in`.
Reduce row_reduction(const ChainReduce& c, const Operand& in);

void compose(Backend& backend, const Chain& c);
void compose(Backend& backend, const ChainReduce& c);

}  // namespace call
}  // namespace adjoint
