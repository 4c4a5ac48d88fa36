// Softmax: the backend works on dense rows, so the dimension is brought last.
#include <adjoint/autograd/ops/softmax.h>

#include <adjoint/autograd/ops/arithmetic.h>
#include <adjoint/autograd/ops/elementwise.h>
#include <adjoint/autograd/ops/reduce.h>
#include <adjoint/autograd/ops/shape.h>
#include <adjoint/autograd/record/apply.h>
#include <adjoint/core/base/format.h>

namespace adjoint {
namespace {

/// Over the last dimension of a dense tensor of f32 or f64.
template <bool log> struct Softmax : Function {
    static constexpr auto name = log ? "log_softmax" : "softmax";
    Saved y;

    static Rows rows_of(const Tensor& x) {
        const std::int64_t columns = x.shape().back();
        return {.rows = columns ? x.numel() / columns : 0, .columns = columns, .dtype = x.dtype()};
    }
    Tensor forward(const Tensor& input) {
        const Tensor x = input.contiguous();
        Tensor out = empty_like(x);
        if (x.numel() > 0)
            backend(x.device())
                .run(call::Softmax{
                    .out = out.impl().data, .x = x.impl().data, .rows = rows_of(x), .log = log});
        if (needs_any()) y.keep_output(out);
        return out;
    }
    Grads backward(const Tensor& upstream) {
        const Tensor result = y.get();
        if (grad_enabled()) {
            if (log) return {upstream - exp(result) * sum(upstream, -1, true)};
            return {result * (upstream - sum(upstream * result, -1, true))};
        }
        const Tensor g = upstream.contiguous();
        Tensor dx = empty_like(g);
        if (g.numel() > 0)
            backend(g.device())
                .run(call::SoftmaxBackward{.dx = dx.impl().data,
                                           .g = g.impl().data,
                                           .y = result.impl().data,
                                           .rows = rows_of(g),
                                           .log = log});
        return {dx};
    }
};

template <bool log> Tensor along(const Tensor& given, int dim) {
    const Tensor input = apply::raised(given);
    const int d = wrap_dim(Softmax<log>::name, dim, input.dim());
    const DType real = apply::real_type(input);
    const Tensor x = input.to(compute_type(real));
    Tensor y;
    if (x.dim() == 0)
        y = reshape(record(Softmax<log>{}, reshape(x, {1})), {});
    else if (d == x.dim() - 1)
        y = record(Softmax<log>{}, x);
    else
        y = transpose(record(Softmax<log>{}, transpose(x, d, -1)), d, -1);
    return y.to(real);
}

}  // namespace

Tensor softmax(const Tensor& x, int dim) { return along<false>(x, dim); }
Tensor log_softmax(const Tensor& x, int dim) { return along<true>(x, dim); }

}  // namespace adjoint
