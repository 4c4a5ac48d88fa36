// Matrix products: cuBLASLt where it serves, our own kernel elsewhere.
#include <adjoint/cuda/libraries/cublaslt.h>
#include <adjoint/cuda/runtime/context.h>

namespace adjoint::cuda_backend {
namespace {

template <class T> T* moved(T* data, std::int64_t bytes) {
    using Byte = std::conditional_t<std::is_const_v<T>, const char, char>;
    return static_cast<Byte*>(data) + bytes;
}

// The bias on every row of out.
void write_bias(CudaBackend& backend, const call::MatMul& p) {
    call::Map copy{functor::Copy{}, {}};
    Loop<2>& loop = copy.loop;
    loop.rank = p.batch_rank + 2;
    loop.compute = compute_type(p.out.dtype);
    loop.dense = false;
    loop.operands[0] = p.out;
    loop.operands[1] = p.bias;
    const auto dimension = [&](int d, std::int64_t size, std::int64_t out, std::int64_t bias) {
        loop.sizes[d] = size;
        loop.strides[0][d] = out;
        loop.strides[1][d] = bias;
        loop.numel *= size;
    };
    for (int d = 0; d < p.batch_rank; ++d) dimension(d, p.batch_sizes[d], p.out_batch[d], 0);
    dimension(p.batch_rank, p.m, p.out_row, 0);
    dimension(p.batch_rank + 1, p.n, 1, 1);
    backend.run(copy);
}

// One call for each product of the part of the batch that has no regular stride.
void run_plan(const DeviceState& device, Products& products, const ProductPlan& plan,
              const ProductPointers& first, bool accumulate) {
    const auto bytes = static_cast<std::int64_t>(size_of(plan.key.type));
    std::int64_t calls = 1;
    for (int d = 0; d < plan.rank; ++d) calls *= plan.sizes[d];
    for (std::int64_t call = 0; call < calls; ++call) {
        ProductPointers at = first;
        std::int64_t rest = call;
        for (int d = 0; d < plan.rank; ++d) {
            const std::int64_t place = rest % plan.sizes[d] * bytes;
            rest /= plan.sizes[d];
            at.a = moved(at.a, place * plan.a_strides[d]);
            at.b = moved(at.b, place * plan.b_strides[d]);
            at.d = moved(at.d, place * plan.d_strides[d]);
        }
        products.run(device, plan.key, at, accumulate);
    }
}

}  // namespace

void on(CudaBackend& cuda, const call::MatMul& p) {
    Products& products = *context(cuda.device).products;
    std::optional<ProductPlan> plan = plan_product(p, matmul_precision());
    if (!plan || !products.available()) {
        own_matmul(cuda.device, p);
        return;
    }
    const ProductPointers pointers{p.b.data, p.a.data, p.bias.data, p.out.data};
    bool accumulate = false;
    if (plan->key.bias && !products.supports(plan->key, pointers)) {
        plan->key.bias = 0;
        plan->key.bias_alignment = 0;
        accumulate = true;
    }
    if (!products.supports(plan->key, pointers)) {
        own_matmul(cuda.device, p);
        return;
    }
    if (accumulate) write_bias(cuda, p);
    run_plan(cuda.device, products, *plan, pointers, accumulate);
    // Not by cuBLASLt's epilogue, whose maximum with 0 does not promise to keep NaN.
    if (p.relu) call::rectify(cuda, p.out, p.m * p.n);
    check_launch(cuda.device, "matmul");
}

}  // namespace adjoint::cuda_backend
