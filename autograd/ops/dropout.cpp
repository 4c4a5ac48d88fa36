// Dropout without a mask.
#include <adjoint/autograd/ops/dropout.h>

#include <adjoint/autograd/record/apply.h>
#include <adjoint/core/base/format.h>
#include <adjoint/core/tensor/loops.h>

namespace adjoint {
namespace {

/// Linear in x, and its own transpose: backward draws the same numbers again instead of keeping a mask.
struct Dropout : Function {
    static constexpr auto name = "dropout";
    double p;
    GeneratorState state;
    Dropout(double probability, GeneratorState s) : p(probability), state(s) {}
    template <class V> void attributes(V& v) const { v("p", p); }
    Tensor forward(const Tensor& input) {
        const Tensor x = input.contiguous();
        Tensor out = empty_like(x);
        if (x.numel() > 0)
            backend(x.device()).run(call::Dropout{operand(out), operand(x), x.numel(), p, state});
        return out;
    }
    Grads backward(const Tensor& g) { return {record(Dropout(p, state), g)}; }
};

}  // namespace

Tensor dropout(const Tensor& x, double p, bool training) {
    check<ValueError>(p >= 0 && p <= 1, "dropout: probability {} is outside [0, 1]", p);
    if (!training || p == 0) return x;
    return record(Dropout(p, next_stream()), x);
}

}  // namespace adjoint
