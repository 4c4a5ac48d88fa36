// Programs over elements made of single calls: what a device does that has nothing better.
#include <adjoint/core/contract/compose.h>

#include <variant>

namespace adjoint {
namespace {

// What a step reads or writes.
struct Place {
    Operand x;
    const std::int64_t* strides;
};

template <std::size_t N>
Loop<static_cast<int>(N)> loop_over(const ElementProgram& p, const Place (&places)[N]) {
    Loop<static_cast<int>(N)> loop;
    loop.numel = p.numel;
    loop.compute = p.compute;
    for (std::size_t i = 0; i < N; ++i) loop.operands[i] = places[i].x;
    for (int d = 0; d < p.rank; ++d) {
        std::int64_t steps[N];
        for (std::size_t i = 0; i < N; ++i) steps[i] = places[i].strides[d];
        append_dimension(loop.rank, loop.sizes, loop.strides, p.sizes[d], steps);
    }
    settle_dense(loop);
    return loop;
}

}  // namespace

Loop<1> ElementProgram::places(const Input& input) const {
    return loop_over(*this, {{input.x, input.strides}});
}

namespace call {
namespace {

using composition::WorkingMemory;

// The values of a program, each in working memory, and its results where they belong. A result may lie where
// an input does: it goes there when all steps are done.
class Values {
  public:
    Values(Backend& backend, const ElementProgram& p)
        : backend_(backend),
          p_(p),
          memory_(backend, static_cast<std::int64_t>(std::max<std::size_t>(1, p.steps.size())) * p.numel,
                  p.compute) {
        dense_strides(p.rank, p.sizes, dense_);
        for (std::size_t i = 0; i < p.steps.size(); ++i) run(i);
        for (const ElementProgram::Output& out : p.outputs) copy(out.value, out.to);
    }
    void copy(std::size_t value, const Operand& to) const {
        backend_.run(Map{functor::Copy{}, loop_over(p_, {{to, dense_}, place(value)})});
    }
    Place place(std::size_t value) const {
        if (value < p_.inputs.size()) return {p_.inputs[value].x, p_.inputs[value].strides};
        const auto step = static_cast<std::int64_t>(value - p_.inputs.size());
        const std::int64_t bytes = p_.numel * static_cast<std::int64_t>(size_of(p_.compute));
        return {{static_cast<char*>(memory_.data()) + step * bytes, p_.compute}, dense_};
    }

  private:
    void run(std::size_t i) const {
        const ElementProgram::Step& step = p_.steps[i];
        const Place to = place(p_.inputs.size() + i);
        const auto from = [&](int operand) { return place(step.from[operand]); };
        if (const auto* constant = std::get_if<ElementProgram::Constant>(&step.op))
            backend_.run(Fill{loop_over(p_, {to}), constant->value});
        else if (const auto* unary = std::get_if<UnaryOp>(&step.op))
            backend_.run(Map{*unary, loop_over(p_, {to, from(0)})});
        else if (const auto* binary = std::get_if<BinaryOp>(&step.op))
            backend_.run(Zip{*binary, loop_over(p_, {to, from(0), from(1)})});
        else
            backend_.run(Select{loop_over(p_, {to, from(0), from(1), from(2)})});
    }

    Backend& backend_;
    const ElementProgram& p_;
    WorkingMemory memory_;
    std::int64_t dense_[max_dims];
};

}  // namespace

void compose(Backend& backend, const Chain& c) { const Values done(backend, *c.program); }

void compose(Backend& backend, const ChainReduce& c) {
    const ElementProgram& p = *c.program;
    const Values values(backend, p);
    // An input is no dense rows of the compute type yet.
    const bool is_input = c.value < p.inputs.size();
    const WorkingMemory rows(backend, is_input ? p.numel : 1, p.compute);
    if (is_input) values.copy(c.value, {rows.data(), p.compute});
    backend.run(row_reduction(c, is_input ? Operand{rows.data(), p.compute} : values.place(c.value).x));
}

Reduce row_reduction(const ChainReduce& c, const Operand& in) {
    ReductionLoop r;
    r.out = c.out;
    r.in = in;
    r.compute = c.program->compute;
    r.outputs = c.rows;
    r.length = c.program->numel / c.rows;
    const std::int64_t row[1] = {r.length}, element[1] = {1};
    append_dimension(r.kept_rank, r.kept_sizes, &r.kept_strides, r.outputs, row);
    append_dimension(r.reduced_rank, r.reduced_sizes, &r.reduced_strides, r.length, element);
    return {c.op, r};
}

}  // namespace call
}  // namespace adjoint
