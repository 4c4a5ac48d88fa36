// Dropout made of random numbers and a selection.
#include <adjoint/core/contract/compose.h>
#include <adjoint/core/contract/random.h>

namespace adjoint::call {

// A uniform number is the word's upper 24 bits over 2^24, so comparing it with limit / 2^24 is comparing the
// bits with the limit: the mask is that of a device with a verb of its own.
void compose(Backend& backend, const Dropout& c) {
    using namespace composition;
    const DropoutRule rule(c.p);
    const Grid whole(backend, {1, 1, c.numel}, compute_type(c.x.dtype)),
        draw(backend, {1, 1, c.numel}, DType::f32);
    const WorkingMemory numbers(backend, c.numel, DType::f32), kept(backend, c.numel, DType::boolean);
    const View uniform = draw.dense(numbers.data(), DType::f32),
               keep = draw.dense(kept.data(), DType::boolean), x = whole.dense(c.x.data, c.x.dtype),
               out = whole.dense(c.out.data, c.out.dtype);
    const Constant limit(backend, DType::f32, rule.limit * 0x1p-24), zero(backend, c.out.dtype, 0);
    backend.run(Random{uniform.operand(), Uniform{}, c.numel, c.state});
    draw.zip(functor::Ge{}, keep, uniform, limit.view());
    whole.map(functor::MulScalar{rule.scale}, out, x);
    whole.select(out, keep, out, zero.view());
}

}  // namespace adjoint::call
