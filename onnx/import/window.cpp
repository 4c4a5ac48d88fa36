// Working out how windows lie on an image.
#include <adjoint/onnx/import/window.h>

#include <adjoint/autograd/ops/rearrange.h>
#include <adjoint/autograd/ops/shape.h>
#include <adjoint/core/base/format.h>

namespace adjoint::onnx {

WindowAttributes window_attributes(const Build& build) {
    const Attributes& a = build.attributes;
    WindowAttributes out;
    out.auto_pad = a.text("auto_pad", "NOTSET");
    out.kernel = a.integers("kernel_shape").value_or(Integers{});
    out.strides = a.integers("strides").value_or(Integers{});
    out.dilations = a.integers("dilations").value_or(Integers{});
    out.pads = a.integers("pads").value_or(Integers{});
    out.ceil = a.flag("ceil_mode");
    const std::string& pad = out.auto_pad;
    check<ValueError>(pad == "NOTSET" || pad == "VALID" || pad == "SAME_UPPER" || pad == "SAME_LOWER",
                      "auto_pad is \"{}\"", pad);
    return out;
}

Integers spatial_sizes(const Tensor& x) {
    check<ShapeError>(x.dim() >= 3, "{} has no spatial axis", x.shape());
    return {x.shape().begin() + 2, x.shape().end()};
}

std::vector<WindowAxis> window_axes(const WindowAttributes& attributes, const Integers& image,
                                    const Integers& kernel) {
    const std::size_t rank = image.size();
    const auto fits = [&](const Integers& list, std::size_t size) {
        return list.empty() || list.size() == size;
    };
    check<ShapeError>(kernel.size() == rank && fits(attributes.strides, rank) &&
                          fits(attributes.dilations, rank) && fits(attributes.pads, 2 * rank),
                      "the window does not have the {} axes of the image", rank);
    std::vector<WindowAxis> axes(rank);
    constexpr std::int64_t far = std::int64_t{1} << 31;
    for (std::size_t i = 0; i < rank; ++i) {
        WindowAxis& axis = axes[i];
        axis.kernel = kernel[i];
        if (!attributes.strides.empty()) axis.stride = attributes.strides[i];
        if (!attributes.dilations.empty()) axis.dilation = attributes.dilations[i];
        if (!attributes.pads.empty() && attributes.auto_pad == "NOTSET")
            axis.before = attributes.pads[i], axis.after = attributes.pads[i + rank];
        check<ValueError>(axis.kernel > 0 && axis.stride > 0 && axis.dilation > 0 && axis.kernel < far &&
                              axis.stride < far && axis.dilation < far / axis.kernel,
                          "kernel {}, stride {}, dilation {}", axis.kernel, axis.stride, axis.dilation);
        // Windows that see nothing but padding have no use; a few are let pass.
        const std::int64_t most = 16 * (image[i] + axis.extent());
        check<ValueError>(axis.before >= 0 && axis.after >= 0 && axis.before <= most && axis.after <= most,
                          "pads {} and {} about an image of {}", axis.before, axis.after, image[i]);
        if (attributes.auto_pad.starts_with("SAME")) {
            axis.result = (image[i] + axis.stride - 1) / axis.stride;
            const std::int64_t all =
                std::max<std::int64_t>(0, (axis.result - 1) * axis.stride + axis.extent() - image[i]);
            axis.before = attributes.auto_pad == "SAME_UPPER" ? all / 2 : all - all / 2;
            axis.after = all - axis.before;
        }
        const std::int64_t room = image[i] + axis.before + axis.after - axis.extent();
        check<ShapeError>(room >= 0, "a window of {} on an image of {} with padding {} and {}", axis.extent(),
                          image[i], axis.before, axis.after);
        axis.result = room / axis.stride + 1;
        // A window that hangs over the end counts if it begins before the padding there.
        if (attributes.ceil && room % axis.stride != 0 && axis.result * axis.stride < image[i] + axis.before)
            axis.extra = axis.result++ * axis.stride - room;
    }
    return axes;
}

Tensor padded_image(const Tensor& x, const std::vector<WindowAxis>& axes, double value, bool with_extra) {
    Integers amounts;
    bool any = false;
    for (auto axis = axes.rbegin(); axis != axes.rend(); ++axis) {
        amounts.push_back(axis->before);
        amounts.push_back(axis->after + (with_extra ? axis->extra : 0));
        any = any || amounts.back() != 0 || axis->before != 0;
    }
    if (!any) return x;
    Shape result = x.shape();
    for (int i = 0; i < result.size() - 2; ++i) {
        const std::size_t pair = 2 * (axes.size() - 1 - static_cast<std::size_t>(i));
        result[i + 2] += amounts[pair] + amounts[pair + 1];
    }
    (void)bounded(result);
    return pad(x, shape_of(amounts), PadMode::constant, value);
}

Tensor window_elements(const Tensor& x, int dim, const WindowAxis& axis, std::int64_t at) {
    const std::int64_t start = at * axis.dilation;
    const Tensor part = narrow(x, dim, start, (axis.result - 1) * axis.stride + 1);
    return axis.stride == 1 ? part : slice(part, dim, 0, part.size(dim), axis.stride);
}

}  // namespace adjoint::onnx
