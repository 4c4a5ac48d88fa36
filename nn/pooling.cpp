// How the pooling and resizing layers print.
#include <adjoint/nn/pooling.h>

#include <adjoint/core/base/format.h>

namespace adjoint::nn {
namespace {

std::string short_text(HeightWidth pair) {
    return pair.height == pair.width ? fmt::format("{}", pair.height)
                                     : fmt::format("({}, {})", pair.height, pair.width);
}

HeightWidth checked(const char* layer, HeightWidth size) {
    check<ValueError>(size.height >= 1 && size.width >= 1, "{}: size {}, expected at least 1", layer,
                      short_text(size));
    return size;
}

std::string settings(const char* layer, HeightWidth kernel, HeightWidth stride, HeightWidth padding) {
    checked(layer, kernel);
    return fmt::format("kernel_size={}, stride={}, padding={}", short_text(kernel),
                       short_text(stride.given() ? checked(layer, stride) : kernel), short_text(padding));
}

std::string size_of(const InterpolateOptions& options) {
    return options.size.given() ? fmt::format("size={}", short_text(options.size))
                                : fmt::format("scale_factor={}", options.scale_factor);
}

}  // namespace

MaxPool1d::MaxPool1d(std::int64_t kernel_size, const MaxPool1dOptions& options)
    : Module("MaxPool1d",
             fmt::format(
                 "{}, dilation={}, ceil_mode={}",
                 settings("MaxPool1d", kernel_size,
                          options.stride == HeightWidth::unset ? HeightWidth() : HeightWidth(options.stride),
                          options.padding),
                 options.dilation, options.ceil_mode)),
      kernel_size_(kernel_size),
      options_(options) {}

MaxPool2d::MaxPool2d(HeightWidth kernel_size, const MaxPool2dOptions& options)
    : Module("MaxPool2d", fmt::format("{}, dilation={}, ceil_mode={}",
                                      settings("MaxPool2d", kernel_size, options.stride, options.padding),
                                      short_text(options.dilation), options.ceil_mode)),
      kernel_size_(kernel_size),
      options_(options) {}

AvgPool2d::AvgPool2d(HeightWidth kernel_size, const AvgPool2dOptions& options)
    : Module("AvgPool2d", settings("AvgPool2d", kernel_size, options.stride, options.padding)),
      kernel_size_(kernel_size),
      options_(options) {}

AdaptiveAvgPool2d::AdaptiveAvgPool2d(HeightWidth output_size)
    : Module("AdaptiveAvgPool2d",
             fmt::format("output_size={}", short_text(checked("AdaptiveAvgPool2d", output_size)))),
      output_size_(output_size) {}

FractionalMaxPool2d::FractionalMaxPool2d(HeightWidth kernel_size, const FractionalMaxPool2dOptions& options)
    : Module("FractionalMaxPool2d",
             fmt::format("kernel_size={}, {}", short_text(checked("FractionalMaxPool2d", kernel_size)),
                         options.output_size.given()
                             ? fmt::format("output_size={}", short_text(options.output_size))
                             : fmt::format("output_ratio={}", options.output_ratio))),
      kernel_size_(kernel_size),
      options_(options) {
    check<ValueError>(options.output_size.given() != (options.output_ratio != 0),
                      "FractionalMaxPool2d: give either output_size or output_ratio, not both or neither");
}

Upsample::Upsample(const InterpolateOptions& options)
    : Module("Upsample", fmt::format("{}, mode={}", size_of(options),
                                     options.mode == InterpolateMode::bilinear ? "bilinear" : "nearest")),
      options_(options) {
    check<ValueError>(options.size.given() != (options.scale_factor != 0),
                      "Upsample: give either size or scale_factor, not both or neither");
}

}  // namespace adjoint::nn
