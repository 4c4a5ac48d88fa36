// Fractional max pooling: windows picked by index along one axis, then the other.
#include <adjoint/autograd/ops/fractional_pooling.h>

#include <cmath>

#include <adjoint/autograd/ops/arithmetic.h>
#include <adjoint/autograd/ops/elementwise.h>
#include <adjoint/autograd/ops/index.h>
#include <adjoint/autograd/ops/reduce.h>
#include <adjoint/autograd/ops/shape.h>
#include <adjoint/autograd/ops/windows.h>
#include <adjoint/autograd/record/grad_mode.h>
#include <adjoint/core/base/format.h>
#include <adjoint/core/tensor/creation.h>

namespace adjoint {
namespace {

constexpr auto pool_name = "fractional_max_pool2d";

// The largest of `count` windows of `kernel` elements along a dimension; u is 0-d.
Tensor largest(const Tensor& x, int dim, std::int64_t kernel, std::int64_t count, const Tensor& u) {
    const std::int64_t last = x.shape()[dim] - kernel;
    Tensor index;
    {
        const NoGrad guard;
        const Tensor window = arange(count, {.dtype = DType::i64, .device = x.device()});
        const double step = count > 1 ? static_cast<double>(last) / static_cast<double>(count - 1) : 0;
        const Tensor start = (floor((window + u) * step) - floor(u * step)).to(DType::i64);
        const Tensor fitting =
            where(eq(window, count - 1), full_like(start, static_cast<double>(last)), start);
        index = reshape(unsqueeze(fitting, 1) + arange(kernel, {.dtype = DType::i64, .device = x.device()}),
                        {count * kernel});
    }
    Shape shape = x.shape();
    shape[dim] = count;
    shape.insert(dim + 1, kernel);
    return max(reshape(index_select(x, dim, index), shape), dim + 1).values;
}

std::int64_t output_size(const char* axis, std::int64_t size, std::int64_t kernel, std::int64_t wanted,
                         double ratio) {
    const std::int64_t count =
        ratio > 0 ? static_cast<std::int64_t>(std::floor(static_cast<double>(size) * ratio)) : wanted;
    check<ShapeError>(kernel <= size, "{}: the kernel's {} is larger than the input's {} {}", pool_name,
                      kernel, axis, size);
    check<ShapeError>(count >= 1 && count <= size - kernel + 1,
                      "{}: {} windows of {} in a {} of {}, expected 1 to {}", pool_name, count, kernel, axis,
                      size, size - kernel + 1);
    return count;
}

}  // namespace

Tensor fractional_max_pool2d(const Tensor& x, HeightWidth kernel_size,
                             const FractionalMaxPool2dOptions& options) {
    const double ratio = options.output_ratio;
    const Tensor image = windows::batched(pool_name, x, 4);
    windows::check_setting(pool_name, "kernel size", kernel_size, 1);
    check<ValueError>(options.output_size.given() != (ratio != 0),
                      "{}: give either output_size or output_ratio, not both or neither", pool_name);
    check<ValueError>(ratio >= 0 && ratio < 1, "{}: output_ratio {}, expected a number in (0, 1)", pool_name,
                      ratio);
    const std::int64_t height = output_size("height", image.shape()[2], kernel_size.height,
                                            options.output_size.height, ratio),
                       width = output_size("width", image.shape()[3], kernel_size.width,
                                           options.output_size.width, ratio);
    Tensor samples = options.samples;
    if (samples.defined())
        check<ShapeError>(samples.shape() == (Shape{2}), "{}: samples of shape {}, expected (2)", pool_name,
                          samples.shape());
    else
        samples = rand({2}, {.dtype = DType::f64, .device = x.device()});
    samples = samples.detach().to(DType::f64).to(x.device());
    const Tensor rows = largest(image, 2, kernel_size.height, height, select(samples, 0, 0));
    return windows::like_input(largest(rows, 3, kernel_size.width, width, select(samples, 0, 1)), x, 4);
}

}  // namespace adjoint
