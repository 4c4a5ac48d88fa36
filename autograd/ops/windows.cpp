// Checks of kernels, strides, paddings and dilations, and the number of windows.
#include <adjoint/autograd/ops/windows.h>

#include <adjoint/autograd/ops/shape.h>
#include <adjoint/core/base/format.h>

namespace adjoint::windows {

void check_setting(const char* op, const char* what, HeightWidth value, std::int64_t least) {
    constexpr std::int64_t limit = std::int64_t{1} << 31;
    for (const std::int64_t number : {value.height, value.width})
        check<ValueError>(number >= least && number < limit, "{}: {} {}, expected at least {}{}", op, what,
                          number, least, number >= limit ? " and below 2^31" : "");
}

Windows over(const char* op, const Tensor& x, const Settings& settings) {
    check_setting(op, "kernel size", settings.kernel, 1);
    check_setting(op, "stride", settings.stride, 1);
    check_setting(op, "padding", settings.padding, 0);
    check_setting(op, "dilation", settings.dilation, 1);
    Windows w;
    w.batch = x.shape()[0];
    w.channels = x.shape()[1];
    w.dtype = compute_type(x.dtype());
    const auto set = [](std::int64_t(&to)[2], HeightWidth from) {
        to[0] = from.height;
        to[1] = from.width;
    };
    set(w.size, {x.shape()[2], x.shape()[3]});
    set(w.kernel, settings.kernel);
    set(w.stride, settings.stride);
    set(w.padding, settings.padding);
    set(w.dilation, settings.dilation);
    for (int axis = 0; axis < 2; ++axis) {
        const std::int64_t padded = w.size[axis] + 2 * w.padding[axis];
        const std::int64_t extent = checked_mul(w.dilation[axis], w.kernel[axis] - 1) + 1;
        // With ceil_mode a last window may go on behind the padded plane, by less than a stride.
        const std::int64_t stride = w.stride[axis];
        const std::int64_t rest = padded - extent + (settings.ceil_mode ? stride - 1 : 0);
        check<ShapeError>(rest >= 0, "{}: the kernel covers {} places, the padded input has {} (input {})",
                          op, extent, padded, x.shape());
        w.output[axis] = rest / stride + 1;
        // A window that begins in the padding behind the plane sees nothing.
        if (settings.ceil_mode && (w.output[axis] - 1) * stride >= w.size[axis] + w.padding[axis])
            --w.output[axis];
    }
    return w;
}

Tensor batched(const char* op, const Tensor& x, int rank) {
    check<ShapeError>(x.dim() == rank || x.dim() == rank - 1,
                      "{}: needs an input of {} or {} dimensions, got {}", op, rank - 1, rank, x.shape());
    check<DTypeError>(is_floating(x.dtype()),
                      "{}: needs a floating-point input, not {}; convert it with to(f32)", op,
                      name(x.dtype()));
    return x.dim() == rank ? x : unsqueeze(x, 0);
}

Tensor like_input(const Tensor& y, const Tensor& x, int rank) { return x.dim() == rank ? y : squeeze(y, 0); }

}  // namespace adjoint::windows
