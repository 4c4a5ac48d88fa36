// What gdb.sh stops in, to look at the tensors.
#include <adjoint/adjoint.h>

#include <cstdio>

namespace {

[[gnu::noinline]] int stop_here(const adjoint::Tensor& values) { return values.defined() ? 0 : 1; }

}  // namespace

int main() {
    using namespace adjoint;
    const Tensor values = tensor({1.5, -2, 0.25}, {.dtype = f32, .requires_grad = true});
    const Tensor turned = transpose(reshape(arange(12, {.dtype = i64}), {3, 4}), 0, 1);
    const Tensor half = tensor({0.5, 3}, {.dtype = bf16});
    const Tensor flags = gt(values, 0.0);
    const Tensor one = full({}, 7.0);
    const Tensor nothing;
    const nn::Linear layer(2, 1);
    const nn::Parameter weight = layer.weight;
    const Shape shape{2, 3};
    const int result = stop_here(values);
    std::printf("%d %d %d %d %d %d %d\n", turned.dim(), half.dim(), flags.dim(), one.dim(), nothing.defined(),
                weight.dim(), shape.size());
    return result;
}
