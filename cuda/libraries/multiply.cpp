// A product as calls of cuBLASLt.
#include <adjoint/cuda/libraries/multiply.h>

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
    loop.operands[1] = {const_cast<void*>(p.epilogue.bias), p.a.dtype};
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

// One call for each product of the part of the batch that has no regular stride. False if one was not done.
bool run_plan(DeviceState& device, Products& products, const ProductPlan& plan, const ProductPointers& first,
              bool accumulate) {
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
        if (!products.run(device, plan.key, at, accumulate)) return false;
    }
    return true;
}

// Where false, what is in the result is of no use.
bool by_cublaslt(CudaBackend& cuda, Products& products, ProductPlan& plan, const call::MatMul& p) {
    const ProductPointers pointers{p.b.data, p.a.data, p.epilogue.bias, p.out.data};
    const bool at_once = p.epilogue.bias == nullptr || plan.key.bias;
    if (at_once && products.ready(cuda.device, plan.key, pointers) &&
        run_plan(cuda.device, products, plan, pointers, false))
        return true;
    if (p.epilogue.bias == nullptr) return false;
    // The bias first; the product is added to it.
    plan.key.bias = 0;
    if (!products.ready(cuda.device, plan.key, pointers)) return false;
    write_bias(cuda, p);
    return run_plan(cuda.device, products, plan, pointers, true);
}

}  // namespace

void multiply(CudaBackend& cuda, Products& products, const call::MatMul& product) {
    std::optional<ProductPlan> plan = plan_product(product, matmul_precision());
    if (plan && products.available()) {
        if (by_cublaslt(cuda, products, *plan, product)) {
            check_launch(cuda.device, "matmul");
            return;
        }
        products.tell(cuda.device, plan->key);
    }
    own_matmul(cuda.device, product);
}

}  // namespace adjoint::cuda_backend
