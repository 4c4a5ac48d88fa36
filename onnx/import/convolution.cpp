// Convolutions: one axis as an image of one row, three as sums of those over two.
#include <adjoint/onnx/import/convolution.h>

#include <mutex>

#include <adjoint/autograd/ops/arithmetic.h>
#include <adjoint/autograd/ops/batch_norm.h>
#include <adjoint/autograd/ops/convolution.h>
#include <adjoint/autograd/ops/elementwise.h>
#include <adjoint/autograd/ops/index.h>
#include <adjoint/autograd/ops/rearrange.h>
#include <adjoint/autograd/ops/shape.h>
#include <adjoint/autograd/record/grad_mode.h>
#include <adjoint/autograd/record/observer.h>
#include <adjoint/core/base/format.h>
#include <adjoint/core/contract/recording.h>
#include <adjoint/core/tensor/creation.h>
#include <adjoint/nn/compiled.h>
#include <adjoint/onnx/import/tables.h>

namespace adjoint::onnx {

ConvolutionAttributes convolution_attributes(const Build& build) {
    return {window_attributes(build), build.attributes.integer("group", 1)};
}

namespace {

/// The image of depth x height x width as one of planes, n depth of them.
Tensor planes(const Tensor& x) {
    const Tensor order = permute(x, {0, 2, 1, 3, 4});
    return reshape(order, {order.size(0) * order.size(1), order.size(2), order.size(3), order.size(4)});
}
Tensor from_planes(const Tensor& x, std::int64_t depth) {
    // A size is named where there may be no elements.
    const std::int64_t n = depth == 0 ? 0 : x.size(0) / depth;
    return permute(reshape(x, {n, depth, x.size(1), x.size(2), x.size(3)}), {0, 2, 1, 3, 4});
}

Tensor with_bias(const Tensor& y, const Tensor& bias) {
    if (!bias.defined()) return y;
    Shape per_channel = Shape::filled(y.dim() - 1, 1);
    per_channel[0] = bias.numel();
    return y + reshape(bias, per_channel);
}

Tensor convolved_planes(const Tensor& x, const Tensor& w, const Tensor& bias,
                        const std::vector<WindowAxis>& axes, std::int64_t groups, Activation then) {
    const WindowAxis &h = axes[0], &v = axes[1];
    Conv2dOptions options{
        .stride = {h.stride, v.stride}, .dilation = {h.dilation, v.dilation}, .groups = groups, .then = then};
    const bool even = h.before == h.after && v.before == v.after;
    if (even) options.padding = {h.before, v.before};
    return conv2d(even ? x : padded_image(x, axes, 0), w, bias, options);
}

Tensor unsqueezed(const Tensor& x) { return x.defined() ? unsqueeze(x, 2) : x; }

Tensor convolved_volume(const Tensor& x, const Tensor& w, const Tensor& bias,
                        const std::vector<WindowAxis>& axes, std::int64_t groups) {
    const WindowAxis& depth = axes[0];
    const std::vector<WindowAxis> within(axes.begin() + 1, axes.end());
    const Tensor padded = padded_image(x, {depth, {}, {}}, 0);
    Tensor sum;
    for (std::int64_t k = 0; k < depth.kernel; ++k) {
        const Tensor part = planes(window_elements(padded, 2, depth, k));
        const Tensor y = convolved_planes(part, select(w, 2, k), {}, within, groups, Activation::none);
        sum = sum.defined() ? sum + y : y;
    }
    return with_bias(from_planes(sum, depth.result), bias);
}

}  // namespace

Tensor convolved(const Tensor& x, const Tensor& w, const Tensor& bias,
                 const ConvolutionAttributes& attributes, Activation then) {
    const Integers image = spatial_sizes(x);
    check<ShapeError>(w.dim() == x.dim(), "a kernel of shape {} on {}", w.shape(), x.shape());
    const Integers kernel(w.shape().begin() + 2, w.shape().end());
    check<ShapeError>(attributes.window.kernel.empty() || attributes.window.kernel == kernel,
                      "kernel_shape ({}) and a kernel of shape {}", fmt::join(attributes.window.kernel, ", "),
                      w.shape());
    std::vector<WindowAxis> axes = window_axes(attributes.window, image, kernel);
    switch (image.size()) {
        case 1:
            axes.insert(axes.begin(), WindowAxis{});
            return squeeze(
                convolved_planes(unsqueezed(x), unsqueezed(w), bias, axes, attributes.groups, then), 2);
        case 2:
            return convolved_planes(x, w, bias, axes, attributes.groups, then);
        case 3:
            return activated(convolved_volume(x, w, bias, axes, attributes.groups), then);
        default:
            fail<ShapeError>("an image of {} axes, 1 to 3 are supported", image.size());
    }
}

namespace {

Kernel conv_of(const Build& b) {
    return one([attributes = convolution_attributes(b)](const Call& c) {
        return convolved(c[0], c[1], c.has(2) ? c[2] : Tensor(), attributes);
    });
}

/// A convolution's weights with a normalisation's scale and shift in them, kept while none of them changes.
class FoldedWeights {
  public:
    struct Pair {
        Tensor w, bias;
    };

    /// `from` are w, the bias or undefined, scale, shift, mean and variance.
    std::shared_ptr<const Pair> get(const std::vector<Tensor>& from, double eps) {
        const std::lock_guard lock(mutex_);
        std::vector<std::pair<const void*, std::uint64_t>> now{{nullptr, writes_by_replays()}};
        for (const Tensor& x : from)
            now.emplace_back(x.defined() ? x.impl().data : nullptr, x.defined() ? x.version() : 0);
        if (made_of_ == now) return folded_;
        const Tensor factor = from[2] * rsqrt(from[5] + eps);
        Shape by_filter = Shape::filled(from[0].dim(), 1);
        by_filter[0] = factor.numel();
        folded_ = std::make_shared<const Pair>(
            Pair{from[0] * reshape(factor, by_filter),
                 (from[1].defined() ? from[1] - from[4] : neg(from[4])) * factor + from[3]});
        made_of_ = std::move(now);
        kept_ = from;
        return folded_;
    }

  private:
    std::mutex mutex_;
    std::vector<std::pair<const void*, std::uint64_t>> made_of_;
    std::vector<Tensor> kept_;  // so that no other tensor comes to lie where these do
    std::shared_ptr<const Pair> folded_;
};

FuseMaker conv_fuse(const Build& b) {
    return [attributes = convolution_attributes(b), own = b.inputs](const Tail& tail) -> Kernel {
        const auto folded = std::make_shared<FoldedWeights>();
        return one([=](const Call& c) {
            const Tensor bias = own > 2 && c.has(2) ? c[2] : Tensor();
            if (!tail.normalises) return convolved(c[0], c[1], bias, attributes, tail.then);
            // A capture that looks after the weights takes what the pass before it has made.
            // An observer hears the same calls in every pass.
            const bool fixed = !c.training && !grad_enabled() && c[1].dtype() == DType::f32 &&
                               (nn::weights_are_fixed() || !is_capturing()) &&
                               !adjoint::detail::is_observed();
            if (fixed) {
                const auto of =
                    folded->get({c[1], bias, c[own], c[own + 1], c[own + 2], c[own + 3]}, tail.eps);
                hold_for_replays(of);
                return convolved(c[0], of->w, of->bias, attributes, tail.then);
            }
            const Tensor y = convolved(c[0], c[1], bias, attributes);
            return batch_norm(y, c[own + 2], c[own + 3], c[own], c[own + 1],
                              {.training = c.training,
                               .momentum = tail.momentum,
                               .eps = tail.eps,
                               .then = tail.then})
                .to(y.dtype());
        });
    };
}

struct TransposeAttributes {
    ConvolutionAttributes base;
    Integers output_padding, output_shape;
};

/// One axis of a transposed convolution: the whole result, of which `before` are cut off and `result` kept.
struct TransposeAxis {
    std::int64_t stride, dilation, kernel, whole, before, result;
};

std::vector<TransposeAxis> transpose_axes(const TransposeAttributes& attributes, const Integers& image,
                                          const Integers& kernel) {
    const WindowAttributes& window = attributes.base.window;
    const std::size_t rank = image.size();
    const auto at = [&](const Integers& list, std::size_t i, std::int64_t otherwise) {
        check<ShapeError>(list.empty() || list.size() >= rank, "lists for {} axes are expected", rank);
        return list.empty() ? otherwise : list[i];
    };
    check<ShapeError>(window.pads.empty() || window.pads.size() == 2 * rank, "{} pads for {} axes",
                      window.pads.size(), rank);
    std::vector<TransposeAxis> axes;
    for (std::size_t i = 0; i < rank; ++i) {
        TransposeAxis axis{at(window.strides, i, 1), at(window.dilations, i, 1), kernel[i], 0, 0, 0};
        constexpr std::int64_t far = std::int64_t{1} << 31;
        check<ValueError>(axis.stride > 0 && axis.dilation > 0 && axis.stride < far && axis.dilation < far,
                          "stride {}, dilation {}", axis.stride, axis.dilation);
        const std::int64_t more = at(attributes.output_padding, i, 0);
        check<ValueError>(more >= 0 && more < far && image[i] < far && kernel[i] < far / axis.dilation,
                          "output_padding {}, dilation {}", more, axis.dilation);
        axis.whole = (image[i] - 1) * axis.stride + axis.dilation * (kernel[i] - 1) + 1;
        const bool same = window.auto_pad.starts_with("SAME");
        if (!attributes.output_shape.empty() || same) {
            // The list may hold the first two dimensions, too.
            const std::size_t skip = attributes.output_shape.size() > rank ? 2 : 0;
            axis.result = attributes.output_shape.empty() ? image[i] * axis.stride
                                                          : at(attributes.output_shape, i + skip, 0);
            check<ShapeError>(axis.result > 0 && axis.result < far, "a result of size {}", axis.result);
            // Of an odd number the larger half goes to the front, as ONNX Runtime has it, too.
            const std::int64_t all = std::max<std::int64_t>(0, axis.whole + more - axis.result);
            axis.before = window.auto_pad == "SAME_UPPER" ? all / 2 : all - all / 2;
        } else {
            axis.before = window.pads.empty() ? 0 : window.pads[i];
            const std::int64_t after = window.pads.empty() ? 0 : window.pads[i + rank];
            check<ValueError>(axis.before > -far && axis.before < far && after > -far && after < far,
                              "pads {} and {}", axis.before, after);
            axis.result = axis.whole + more - axis.before - after;
        }
        check<ShapeError>(axis.result > 0 && axis.result < far && axis.whole < far,
                          "a result of size {} of {}", axis.result, axis.whole);
        axes.push_back(axis);
    }
    return axes;
}

/// Size `result` of an axis from place `before` on, with zeros where there is nothing.
Tensor cropped(const Tensor& x, int dim, const TransposeAxis& axis) {
    Integers amounts(static_cast<std::size_t>(2 * (x.dim() - dim)), 0);
    amounts[amounts.size() - 2] = -axis.before;
    amounts.back() = axis.result + axis.before - x.size(dim);
    if (amounts[amounts.size() - 2] == 0 && amounts.back() == 0) return x;
    return pad(x, shape_of(amounts));
}

Tensor transposed_planes(const Tensor& x, const Tensor& w, const std::vector<TransposeAxis>& axes,
                         std::int64_t groups) {
    const TransposeAxis &h = axes[0], &v = axes[1];
    return conv_transpose2d(
        x, w, {}, {.stride = {h.stride, v.stride}, .groups = groups, .dilation = {h.dilation, v.dilation}});
}

Tensor transposed_volume(const Tensor& x, const Tensor& w, const std::vector<TransposeAxis>& axes,
                         std::int64_t groups) {
    const TransposeAxis& depth = axes[0];
    Tensor sum;
    for (std::int64_t k = 0; k < depth.kernel; ++k) {
        const Tensor part = from_planes(
            transposed_planes(planes(x), select(w, 2, k), {axes.begin() + 1, axes.end()}, groups), x.size(2));
        if (!sum.defined()) {
            Shape whole = part.shape();
            whole[2] = depth.whole;
            sum = filled(whole, 0, part);
        }
        const Tensor at = arange(x.size(2), Device::cpu()) * depth.stride + k * depth.dilation;
        sum = index_add(sum, 2, at.to(x.device()), part);
    }
    return sum;
}

Kernel conv_transpose_of(const Build& b) {
    const TransposeAttributes attributes{convolution_attributes(b),
                                         b.attributes.integers("output_padding").value_or(Integers{}),
                                         b.attributes.integers("output_shape").value_or(Integers{})};
    return one([attributes](const Call& c) {
        const Tensor &x = c[0], &w = c[1];
        const Integers image = spatial_sizes(x);
        check<ShapeError>(w.dim() == x.dim(), "a kernel of shape {} on {}", w.shape(), x.shape());
        const Integers kernel(w.shape().begin() + 2, w.shape().end());
        std::vector<TransposeAxis> axes = transpose_axes(attributes, image, kernel);
        Shape whole{x.size(0), w.size(1)};
        for (const TransposeAxis& axis : axes) whole.push_back(std::max(axis.whole, axis.result));
        (void)c.bounded(whole);
        const std::int64_t groups = attributes.base.groups;
        Tensor y;
        if (image.size() == 1) {
            axes.insert(axes.begin(), TransposeAxis{1, 1, 1, 1, 0, 1});
            y = squeeze(transposed_planes(unsqueezed(x), unsqueezed(w), axes, groups), 2);
            axes.erase(axes.begin());
        } else {
            check<ShapeError>(image.size() <= 3, "an image of {} axes, 1 to 3 are supported", image.size());
            y = image.size() == 2 ? transposed_planes(x, w, axes, groups)
                                  : transposed_volume(x, w, axes, groups);
        }
        for (std::size_t i = 0; i < axes.size(); ++i) y = cropped(y, static_cast<int>(i) + 2, axes[i]);
        return with_bias(y, c.has(2) ? c[2] : Tensor());
    });
}

}  // namespace

std::span<const Row> convolution_rows() {
    static constexpr Row rows[] = {
        {.name = "Conv", .since = 1, .make = conv_of, .fuse = conv_fuse, .costly = true},
        {.name = "ConvTranspose", .since = 1, .make = conv_transpose_of, .costly = true},
    };
    return rows;
}

}  // namespace adjoint::onnx
