// Pooling over one to three axes.
#include <limits>

#include <adjoint/autograd/ops/arithmetic.h>
#include <adjoint/autograd/ops/elementwise.h>
#include <adjoint/autograd/ops/pooling.h>
#include <adjoint/autograd/ops/rearrange.h>
#include <adjoint/autograd/ops/reduce.h>
#include <adjoint/autograd/ops/shape.h>
#include <adjoint/core/base/format.h>
#include <adjoint/core/tensor/creation.h>
#include <adjoint/onnx/import/tables.h>
#include <adjoint/onnx/import/window.h>

namespace adjoint::onnx {

namespace {

constexpr double infinite_pad = std::numeric_limits<double>::infinity();

/// The windows along one axis after the other, each put together by `join`; x is padded.
template <class Join> Tensor pooled_by_axes(Tensor x, const std::vector<WindowAxis>& axes, Join join) {
    for (std::size_t i = 0; i < axes.size(); ++i) {
        Tensor y;
        for (std::int64_t k = 0; k < axes[i].kernel; ++k) {
            const Tensor part = window_elements(x, static_cast<int>(i) + 2, axes[i], k);
            y = y.defined() ? join(y, part) : part;
        }
        x = y;
    }
    return x;
}

/// Whether the library's own pooling has this padding.
bool is_plain(const WindowAxis& axis) {
    return axis.before == axis.after && axis.extra == 0 && 2 * axis.before <= axis.kernel;
}

Tensor max_pooled(const Tensor& x, const std::vector<WindowAxis>& axes) {
    if (axes.size() == 1) {
        const Tensor y = max_pooled(unsqueeze(x, 2), {WindowAxis{.result = 1}, axes[0]});
        return squeeze(y, 2);
    }
    if (axes.size() == 2) {
        const WindowAxis &h = axes[0], &w = axes[1];
        const bool plain = is_plain(h) && is_plain(w);
        MaxPool2dOptions options{.stride = {h.stride, w.stride}, .dilation = {h.dilation, w.dilation}};
        if (plain) options.padding = {h.before, w.before};
        return max_pool2d(plain ? x : padded_image(x, axes, -infinite_pad, true), {h.kernel, w.kernel},
                          options);
    }
    return pooled_by_axes(padded_image(x, axes, -infinite_pad, true), axes, maximum);
}

/// The places of the largest in the flattened tensor, row by row, or column by column within an image.
Tensor flat_places(const Tensor& index, const std::vector<WindowAxis>& axes, const Shape& image,
                   bool columns) {
    const std::int64_t padded_width = image.back() + axes[1].before + axes[1].after + axes[1].extra;
    Integers places = index.to_vector<std::int64_t>();
    const std::int64_t h = image[image.size() - 2], w = image.back();
    const std::int64_t planes = image[0] * image[1];
    const std::int64_t each = planes == 0 ? 0 : static_cast<std::int64_t>(places.size()) / planes;
    // Where all are -infinity, so is the padding, which comes first: the first place inside is meant.
    const auto inside = [](std::int64_t at, std::int64_t dilation) {
        return at >= 0 ? at : (at % dilation + dilation) % dilation;
    };
    for (std::size_t i = 0; i < places.size(); ++i) {
        const std::int64_t row = inside(places[i] / padded_width - axes[0].before, axes[0].dilation);
        const std::int64_t column = inside(places[i] % padded_width - axes[1].before, axes[1].dilation);
        const std::int64_t plane = static_cast<std::int64_t>(i) / each;
        places[i] = plane * h * w + (columns ? column * h + row : row * w + column);
    }
    return integers_of(places, index.shape()).to(index.device());
}

Values max_pooled_with_places(const Tensor& given, std::vector<WindowAxis> axes, bool columns) {
    check<ShapeError>(axes.size() <= 2, "Indices over {} axes, 1 and 2 are supported", axes.size());
    const bool line = axes.size() == 1;
    if (line) axes.insert(axes.begin(), WindowAxis{.result = 1});
    const Tensor x = line ? unsqueeze(given, 2) : given;
    const WindowAxis &h = axes[0], &w = axes[1];
    const ValuesIndices best =
        max_pool2d_with_indices(padded_image(x, axes, -infinite_pad, true), {h.kernel, w.kernel},
                                {.stride = {h.stride, w.stride}, .dilation = {h.dilation, w.dilation}});
    const Tensor places = flat_places(best.indices, axes, x.shape(), columns);
    return {Value(line ? squeeze(best.values, 2) : best.values),
            Value(line ? squeeze(places, 2) : places, ElementType::i64)};
}

Kernel max_pool_of(const Build& b) {
    const bool columns = b.attributes.flag("storage_order");
    return [=, attributes = window_attributes(b)](const Call& c) -> Values {
        const auto axes = window_axes(attributes, spatial_sizes(c[0]), attributes.kernel);
        const Tensor x = is_floating(c[0].dtype()) ? c[0] : c[0].to(DType::f32);
        Values out =
            c.outputs > 1 ? max_pooled_with_places(x, axes, columns) : Values{Value(max_pooled(x, axes))};
        out[0] = Value(out[0].tensor.to(c[0].dtype()), c.type(0));
        return out;
    };
}

/// Sums of the windows of a padded image.
Tensor sum_pooled(const Tensor& x, const std::vector<WindowAxis>& axes) {
    const bool dense = axes.size() <= 2 && std::all_of(axes.begin(), axes.end(), [](const WindowAxis& axis) {
                           return axis.dilation == 1;
                       });
    if (!dense) return pooled_by_axes(x, axes, add);
    if (axes.size() == 1) return squeeze(sum_pooled(unsqueeze(x, 2), {WindowAxis{.result = 1}, axes[0]}), 2);
    return avg_pool2d(x, {axes[0].kernel, axes[1].kernel},
                      {.stride = {axes[0].stride, axes[1].stride}, .divisor_override = 1});
}

/// How many elements each window has; those of the padding only if they count.
Tensor window_counts(const Tensor& x, const std::vector<WindowAxis>& axes, bool with_padding) {
    Shape shape = x.shape();
    shape[0] = shape[1] = 1;
    std::vector<WindowAxis> hanging = axes;
    if (with_padding)
        for (std::size_t i = 0; i < axes.size(); ++i) {
            shape[static_cast<int>(i) + 2] += axes[i].before + axes[i].after;
            hanging[i].before = hanging[i].after = 0;
        }
    return sum_pooled(padded_image(filled(shape, 1, x), hanging, 0, true), axes);
}

Kernel average_pool_of(const Build& b) {
    const bool with_padding = b.attributes.flag("count_include_pad");
    return one([=, attributes = window_attributes(b)](const Call& c) {
        const Tensor& x = c[0];
        const auto axes = window_axes(attributes, spatial_sizes(x), attributes.kernel);
        if (axes.size() == 2 && is_plain(axes[0]) && is_plain(axes[1]) && axes[0].dilation == 1 &&
            axes[1].dilation == 1)
            return avg_pool2d(x, {axes[0].kernel, axes[1].kernel},
                              {.stride = {axes[0].stride, axes[1].stride},
                               .padding = {axes[0].before, axes[1].before},
                               .count_include_pad = with_padding});
        return sum_pooled(padded_image(x, axes, 0, true), axes) / window_counts(x, axes, with_padding);
    });
}

Kernel lp_pool(const Build& b) {
    const double p = static_cast<double>(b.attributes.integer("p", 2));
    return one([=, attributes = window_attributes(b)](const Call& c) {
        const auto axes = window_axes(attributes, spatial_sizes(c[0]), attributes.kernel);
        return pow(sum_pooled(padded_image(pow(abs(c[0]), p), axes, 0, true), axes), 1 / p);
    });
}

Dims spatial_dims(const Tensor& x) {
    Dims dims;
    for (int i = 2; i < x.dim(); ++i) dims.list.push_back(i);
    check<ShapeError>(x.dim() >= 3, "{} has no spatial axis", x.shape());
    return dims;
}

Kernel global_average_pool(const Build&) {
    return one([](const Call& c) { return mean(c[0], spatial_dims(c[0]), true); });
}
Kernel global_max_pool(const Build&) {
    return one([](const Call& c) { return amax(c[0], spatial_dims(c[0]), true); });
}
Kernel global_lp_pool(const Build& b) {
    return one([p = static_cast<double>(b.attributes.integer("p", 2))](const Call& c) {
        return norm(c[0], p, spatial_dims(c[0]), true);
    });
}

}  // namespace

std::span<const Row> pooling_rows() {
    static constexpr Row rows[] = {
        {.name = "AveragePool", .since = 1, .make = average_pool_of, .costly = true},
        {"GlobalAveragePool", 1, global_average_pool},
        {"GlobalLpPool", 2, global_lp_pool},
        {"GlobalMaxPool", 1, global_max_pool},
        {.name = "LpPool", .since = 2, .make = lp_pool, .costly = true},
        {.name = "MaxPool", .since = 1, .make = max_pool_of, .costly = true},
    };
    return rows;
}

}  // namespace adjoint::onnx
