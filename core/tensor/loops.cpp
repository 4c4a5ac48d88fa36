// Broadcasting to strides of zero and merging of dimensions.
#include <adjoint/core/tensor/loops.h>

namespace adjoint {
namespace {

bool all_dense(const Tensor* const* tensors, int n) {
    const Shape& shape = tensors[0]->impl().shape;
    for (int i = 0; i < n; ++i) {
        const TensorImpl& impl = tensors[i]->impl();
        if (!impl.contiguous || (i > 0 && !(impl.shape == shape))) return false;
    }
    return true;
}

}  // namespace

template <int N> Loop<N> make_loop(const Tensor* const (&tensors)[N], DType compute) {
    if (all_dense(tensors, N)) return make_dense_loop(tensors, compute);
    Loop<N> loop;
    loop.compute = compute;
    loop.numel = tensors[0]->numel();
    for (int i = 0; i < N; ++i) loop.operands[i] = operand(*tensors[i]);

    loop.dense = false;
    const Shape& shape = tensors[0]->shape();
    // Built from the innermost dimension outwards into `at` = rank - 1 .. 0, then turned round.
    for (int d = shape.size() - 1; d >= 0; --d) {
        if (shape[d] == 1) continue;
        std::int64_t steps[N];
        for (int i = 0; i < N; ++i) {
            const TensorImpl& impl = tensors[i]->impl();
            const int own = d - (shape.size() - impl.shape.size());
            steps[i] = own < 0 || impl.shape[own] == 1 ? 0 : impl.strides[own];
        }
        bool merge = loop.rank > 0;
        for (int i = 0; i < N && merge; ++i)
            merge = steps[i] == loop.strides[i][loop.rank - 1] * loop.sizes[loop.rank - 1];
        if (merge) {
            loop.sizes[loop.rank - 1] *= shape[d];
            continue;
        }
        loop.sizes[loop.rank] = shape[d];
        for (int i = 0; i < N; ++i) loop.strides[i][loop.rank] = steps[i];
        ++loop.rank;
    }
    for (int low = 0, high = loop.rank - 1; low < high; ++low, --high) {
        std::swap(loop.sizes[low], loop.sizes[high]);
        for (int i = 0; i < N; ++i) std::swap(loop.strides[i][low], loop.strides[i][high]);
    }
    if (loop.rank <= 1) {
        loop.dense = true;
        for (int i = 0; i < N; ++i) loop.dense = loop.dense && (loop.rank == 0 || loop.strides[i][0] == 1);
    }
    return loop;
}

template Loop<1> make_loop<1>(const Tensor* const (&)[1], DType);
template Loop<2> make_loop<2>(const Tensor* const (&)[2], DType);
template Loop<3> make_loop<3>(const Tensor* const (&)[3], DType);
template Loop<4> make_loop<4>(const Tensor* const (&)[4], DType);

ReductionLoop make_reduction(const Tensor& out, const Tensor& x, std::uint32_t reduced, DType compute) {
    ReductionLoop r;
    r.out = operand(out);
    r.in = operand(x);
    r.compute = compute;
    const auto add = [](int& rank, std::int64_t* sizes, std::int64_t* strides, std::int64_t size,
                        std::int64_t stride) {
        if (size == 1) return;
        if (rank > 0 &&
            strides[rank - 1] == stride * size) {  // the dimension before steps over this one whole
            sizes[rank - 1] *= size;
            strides[rank - 1] = stride;
            return;
        }
        sizes[rank] = size;
        strides[rank] = stride;
        ++rank;
    };
    for (int d = 0; d < x.dim(); ++d) {
        const std::int64_t size = x.shape()[d], stride = x.strides()[d];
        if (reduced >> d & 1) {
            r.length *= size;
            add(r.reduced_rank, r.reduced_sizes, r.reduced_strides, size, stride);
        } else {
            r.outputs *= size;
            add(r.kept_rank, r.kept_sizes, r.kept_strides, size, stride);
        }
    }
    return r;
}

}  // namespace adjoint
