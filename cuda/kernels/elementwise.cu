// Elementwise operations: fill and select, and the way of a functor to the file that has its kernels.
#include <adjoint/cuda/cuda_backend.h>
#include <adjoint/cuda/kernels/elementwise.h>

namespace adjoint::cuda_backend {

struct Constant {
    static constexpr bool integers = true;
    double number;
    template <class T> ADJOINT_HD T value() const { return static_cast<T>(number); }
};

struct Select {
    static constexpr bool integers = true;
    template <class T> ADJOINT_HD T value(T condition, T a, T b) const { return condition != T(0) ? a : b; }
};

void on(CudaBackend& cuda, const call::Fill& c) {
    run_functor(cuda.device, "fill", Constant{c.value}, c.loop);
}

void on(CudaBackend& cuda, const call::Map& c) {
    if (c.op.index() < functor::FlatUnary::size)
        map_flat(cuda.device, c.op, c.loop);
    else
        map_smooth(cuda.device, c.op, c.loop);
}

void on(CudaBackend& cuda, const call::Zip& c) {
    if (c.op.index() < functor::Arithmetic::size)
        zip_arithmetic(cuda.device, c.op, c.loop);
    else
        zip_slopes(cuda.device, c.op, c.loop);
}

void on(CudaBackend& cuda, const call::Select& c) { run_functor(cuda.device, "where", Select{}, c.loop); }

}  // namespace adjoint::cuda_backend
