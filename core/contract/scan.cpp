// Scans by doubling: after the pass of step s each element holds the last 2s of those up to it.
#include <utility>

#include <adjoint/core/contract/compose.h>

namespace adjoint::call {
// A pass reads what its neighbour places held before it, so it goes from one memory to another.
void compose(Backend& backend, const Scan& c) {
    using namespace composition;
    const Lines& l = c.lines;
    const DType type = l.dtype;
    const Grid all(backend, {l.outer, l.length, l.inner}, type);
    const WorkingMemory memory(backend, l.numel(), type);
    View now = all.dense(memory.data(), type), next = all.dense(c.out, type);
    all.map(functor::Copy{}, now, all.dense(c.x, type));
    const BinaryOp op =
        std::holds_alternative<functor::Prod>(c.op) ? BinaryOp(functor::Mul{}) : BinaryOp(functor::Add{});
    for (std::int64_t step = 1; step < l.length; step *= 2) {
        const std::int64_t rest = l.length - step;
        const Grid alone(backend, {l.outer, step, l.inner}, type),
            pairs(backend, {l.outer, rest, l.inner}, type);
        const std::int64_t early = c.reverse ? step * l.inner : 0, late = step * l.inner - early,
                           done = c.reverse ? rest * l.inner : 0;
        alone.map(functor::Copy{}, next.from(done), now.from(done));
        pairs.zip(op, next.from(late), now.from(early), now.from(late));
        std::swap(now, next);
    }
    if (now.data != c.out) all.map(functor::Copy{}, all.dense(c.out, type), now);
}

}  // namespace adjoint::call
