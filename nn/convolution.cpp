// What the convolution layers start from and how they print.
#include <adjoint/nn/convolution.h>

#include <cmath>

#include <adjoint/core/base/format.h>
#include <adjoint/core/tensor/creation.h>
#include <adjoint/nn/describe.h>
#include <adjoint/nn/init.h>

namespace adjoint::nn {
namespace {

void check_sizes(const char* layer, std::int64_t in, std::int64_t out, HeightWidth kernel,
                 std::int64_t groups) {
    check<ValueError>(in >= 1 && out >= 1, "{}: {} input and {} output channels, expected at least 1", layer,
                      in, out);
    check<ValueError>(kernel.height >= 1 && kernel.width >= 1,
                      "{}: kernel size ({}, {}), expected at least 1", layer, kernel.height, kernel.width);
    check<ValueError>(groups >= 1 && in % groups == 0 && out % groups == 0,
                      "{}: {} groups do not divide {} input and {} output channels", layer, groups, in, out);
}

std::string text(HeightWidth pair) { return fmt::format("({}, {})", pair.height, pair.width); }
std::string text(std::int64_t number) { return fmt::format("({},)", number); }
bool is(HeightWidth pair, std::int64_t number) { return pair.height == number && pair.width == number; }
bool is(std::int64_t a, std::int64_t b) { return a == b; }

// As PyTorch prints them: what differs from the default.
template <class Size, class Options>
std::string describe(std::int64_t in, std::int64_t out, Size kernel, const Options& options,
                     Size output_padding) {
    std::string all =
        fmt::format("{}, {}, kernel_size={}, stride={}", in, out, text(kernel), text(options.stride));
    const auto add = [&](const char* name, Size value, std::int64_t usual) {
        if (!is(value, usual)) all += fmt::format(", {}={}", name, text(value));
    };
    add("padding", options.padding, 0);
    add("dilation", options.dilation, 1);
    add("output_padding", output_padding, 0);
    if (options.groups != 1) all += fmt::format(", groups={}", options.groups);
    if (!options.bias) all += ", bias=false";
    return all;
}

template <class Options> Tensor uniform(const Shape& shape, const Shape& weight, const Options& options) {
    const Tensor x = empty(shape, {.dtype = options.dtype, .device = options.device});
    const std::int64_t fan_in = weight.numel() / weight[0];
    const double bound = 1 / std::sqrt(static_cast<double>(fan_in));
    return init::uniform_(x, -bound, bound);
}

// The same as kaiming_uniform_ with a = sqrt(5).
template <class Options> Tensor initial_weight(const Shape& shape, const Options& options) {
    return uniform(shape, shape, options);
}

template <class Options> Tensor initial_bias(std::int64_t out, const Shape& weight, const Options& options) {
    return options.bias ? uniform({out}, weight, options) : Tensor();
}

template <class Options>
Shape weight_shape(const char* layer, std::int64_t in, std::int64_t out, HeightWidth kernel,
                   const Options& options) {
    check_sizes(layer, in, out, kernel, options.groups);
    return {out, in / options.groups, kernel.height, kernel.width};
}

template <class Options>
Shape weight_shape_1d(std::int64_t in, std::int64_t out, std::int64_t kernel, const Options& options) {
    Shape shape = weight_shape("Conv1d", in, out, {1, kernel}, options);
    shape.erase(2);
    return shape;
}

}  // namespace

Conv1d::Conv1d(std::int64_t in_channels, std::int64_t out_channels, std::int64_t kernel_size,
               const Conv1dLayerOptions& o)
    : Module("Conv1d", describe<std::int64_t>(in_channels, out_channels, kernel_size, o, 0),
             detail::from_to(in_channels, out_channels)),
      weight(
          parameter("weight", initial_weight(weight_shape_1d(in_channels, out_channels, kernel_size, o), o))),
      bias(parameter("bias", initial_bias(out_channels, weight.shape(), o))),
      options_{.stride = o.stride, .padding = o.padding, .dilation = o.dilation, .groups = o.groups} {}

Conv2d::Conv2d(std::int64_t in_channels, std::int64_t out_channels, HeightWidth kernel_size,
               const Conv2dLayerOptions& o)
    : Module("Conv2d", describe<HeightWidth>(in_channels, out_channels, kernel_size, o, 0),
             detail::from_to(in_channels, out_channels)),
      weight(parameter("weight",
                       initial_weight(weight_shape("Conv2d", in_channels, out_channels, kernel_size, o), o))),
      bias(parameter("bias", initial_bias(out_channels, weight.shape(), o))),
      options_{.stride = o.stride, .padding = o.padding, .dilation = o.dilation, .groups = o.groups} {}

ConvTranspose2d::ConvTranspose2d(std::int64_t in_channels, std::int64_t out_channels, HeightWidth kernel_size,
                                 const ConvTranspose2dLayerOptions& o)
    : Module("ConvTranspose2d",
             describe<HeightWidth>(in_channels, out_channels, kernel_size, o, o.output_padding),
             detail::from_to(in_channels, out_channels)),
      weight(parameter(
          "weight",
          initial_weight(weight_shape("ConvTranspose2d", out_channels, in_channels, kernel_size, o), o))),
      bias(parameter("bias", initial_bias(out_channels, weight.shape(), o))),
      options_{.stride = o.stride,
               .padding = o.padding,
               .output_padding = o.output_padding,
               .groups = o.groups,
               .dilation = o.dilation} {}

Tensor Conv1d::operator()(const Tensor& x, Activation then) const {
    return computed(x, [&] {
        Conv1dOptions options = options_;
        options.then = then;
        return conv1d(x, weight, bias, options);
    });
}

Tensor Conv2d::operator()(const Tensor& x, Activation then) const {
    return computed(x, [&] {
        Conv2dOptions options = options_;
        options.then = then;
        return conv2d(x, weight, bias, options);
    });
}

}  // namespace adjoint::nn
