// Pooling: the windows, the gradients, and adaptive pooling by index.
#include <adjoint/autograd/ops/pooling.h>

#include <vector>

#include <adjoint/autograd/ops/arithmetic.h>
#include <adjoint/autograd/ops/index.h>
#include <adjoint/autograd/ops/shape.h>
#include <adjoint/autograd/ops/windows.h>
#include <adjoint/autograd/record/apply.h>
#include <adjoint/autograd/record/observer.h>
#include <adjoint/core/base/format.h>

namespace adjoint {
namespace {

Shape input_shape(const Windows& w) { return {w.batch, w.channels, w.size[0], w.size[1]}; }
Shape output_shape(const Windows& w) { return {w.batch, w.channels, w.output[0], w.output[1]}; }

Tensor new_tensor(const Shape& shape, const Tensor& like) {
    return empty(shape, {.dtype = like.dtype(), .device = like.device()});
}

/// dx from g, by the places of the maxima; its own gradient picks from those places.
struct MaxPoolBackward : Function {
    static constexpr auto name = "max_pool_backward";
    Windows windows;
    Tensor indices;
    MaxPoolBackward(const Windows& w, Tensor places) : windows(w), indices(std::move(places)) {}
    template <class V> void attributes(V& v) const { adjoint::windows::list(v, windows); }
    Tensor forward(const Tensor& upstream) {
        const Tensor g = upstream.contiguous();
        Tensor dx = new_tensor(input_shape(windows), g);
        if (dx.numel() > 0)
            backend(g.device())
                .run(call::MaxPoolBackward{
                    .dx = dx.impl().data,
                    .g = g.impl().data,
                    .indices = reinterpret_cast<const std::int64_t*>(indices.impl().data),
                    .windows = windows});
        return dx;
    }
    Grads backward(const Tensor& g) {
        const Shape planes{windows.batch * windows.channels, windows.plane()};
        const Tensor places = reshape(indices, {planes[0], windows.outputs()});
        return {reshape(gather(reshape(g, planes), 1, places), output_shape(windows))};
    }
};

/// y was computed with its indices before; only the gradient is left to record.
struct MaxPool : Function {
    static constexpr auto name = "max_pool";
    Windows windows;
    Tensor y, indices;
    MaxPool(const Windows& w, const ValuesIndices& pooled)
        : windows(w), y(pooled.values), indices(pooled.indices) {}
    Tensor forward(const Tensor&) { return std::move(y); }
    Grads backward(const Tensor& g) { return {record(MaxPoolBackward(windows, indices), g)}; }
};

ValuesIndices pool_max(const char* op, const Tensor& x, const windows::Settings& settings,
                       bool with_indices) {
    const Windows w = windows::over(op, x, settings);
    for (int axis = 0; axis < 2; ++axis) {
        check<ValueError>(w.padding[axis] <= w.kernel[axis] / 2,
                          "{}: padding {} is more than half the kernel's {}", op, w.padding[axis],
                          w.kernel[axis]);
        check<ShapeError>(w.size[axis] > 0, "{}: the input has no elements to choose from, its shape is {}",
                          op, x.shape());
        // With gaps between its taps, a window that begins before the plane can step over all of it.
        const std::int64_t step = w.dilation[axis];
        for (std::int64_t start = -w.padding[axis]; start < 0; start += w.stride[axis])
            check<ShapeError>((start % step + step) % step < w.size[axis],
                              "{}: a window with dilation {} holds nothing but padding (input {})", op, step,
                              x.shape());
    }
    const auto pooled = [&] {
        const bool recorded = grad_enabled() && x.requires_grad();
        const Tensor dense = x.detach().to(w.dtype).contiguous();
        ValuesIndices out{new_tensor(output_shape(w), dense), {}};
        if (with_indices || recorded)
            out.indices = empty(output_shape(w), {.dtype = DType::i64, .device = x.device()});
        if (out.values.numel() > 0)
            backend(x.device())
                .run(call::MaxPool{.y = out.values.impl().data,
                                   .indices = out.indices.defined()
                                                  ? reinterpret_cast<std::int64_t*>(out.indices.impl().data)
                                                  : nullptr,
                                   .x = dense.impl().data,
                                   .windows = w});
        if (recorded) out.values = record(MaxPool(w, out), x.to(w.dtype));
        out.values = out.values.to(x.dtype());
        return out;
    };
    const auto attributes = [&](auto& v) {
        windows::list(v, w);
        v("with_indices", with_indices);
    };
    return composed(MaxPool::name, attributes, pooled, x);
}

struct AvgPool : Function {
    static constexpr auto name = "avg_pool";
    Windows windows;
    Average average;
    AvgPool(const Windows& w, const Average& a) : windows(w), average(a) {}
    template <class V> void attributes(V& v) const {
        adjoint::windows::list(v, windows);
        v("count_include_pad", average.count_padding);
        v("divisor_override", average.divisor);
    }
    Tensor forward(const Tensor& input) {
        const Tensor x = input.contiguous();
        Tensor y = new_tensor(output_shape(windows), x);
        if (y.numel() > 0)
            backend(x.device())
                .run(call::AvgPool{
                    .y = y.impl().data, .x = x.impl().data, .windows = windows, .average = average});
        return y;
    }
    Grads backward(const Tensor& g);
};

struct AvgPoolBackward : Function {
    static constexpr auto name = "avg_pool_backward";
    Windows windows;
    Average average;
    AvgPoolBackward(const Windows& w, const Average& a) : windows(w), average(a) {}
    Tensor forward(const Tensor& upstream) {
        const Tensor g = upstream.contiguous();
        Tensor dx = new_tensor(input_shape(windows), g);
        if (dx.numel() > 0)
            backend(g.device())
                .run(call::AvgPoolBackward{
                    .dx = dx.impl().data, .g = g.impl().data, .windows = windows, .average = average});
        return dx;
    }
    Grads backward(const Tensor& g) { return {record(AvgPool(windows, average), g)}; }
};

Grads AvgPool::backward(const Tensor& g) { return {record(AvgPoolBackward(windows, average), g)}; }

Tensor pool_average(const char* op, const Tensor& x, const windows::Settings& settings,
                    const Average& average) {
    const Windows w = windows::over(op, x, settings);
    for (int axis = 0; axis < 2; ++axis) {
        check<ValueError>(w.padding[axis] <= w.kernel[axis] / 2,
                          "{}: padding {} is more than half the kernel's {}", op, w.padding[axis],
                          w.kernel[axis]);
        check<ShapeError>(w.size[axis] > 0, "{}: the input has no elements to average, its shape is {}", op,
                          x.shape());
    }
    check<ValueError>(average.divisor >= 0, "{}: divisor_override {}, expected a positive number", op,
                      average.divisor);
    return record(AvgPool(w, average), x.to(w.dtype)).to(x.dtype());
}

// Means along one dimension over windows of different lengths: every window is padded to the longest.
Tensor adaptive_mean(const Tensor& x, int dim, std::int64_t outputs) {
    const std::int64_t size = x.shape()[dim];
    const auto start = [&](std::int64_t o) { return o * size / outputs; };
    const auto stop = [&](std::int64_t o) { return ((o + 1) * size + outputs - 1) / outputs; };
    std::int64_t longest = 0;
    for (std::int64_t o = 0; o < outputs; ++o) longest = std::max(longest, stop(o) - start(o));
    std::vector<std::int64_t> places;
    std::vector<double> counts;
    std::vector<bool> beyond;
    for (std::int64_t o = 0; o < outputs; ++o) {
        counts.push_back(static_cast<double>(stop(o) - start(o)));
        for (std::int64_t k = 0; k < longest; ++k) {
            const std::int64_t at = start(o) + k;
            places.push_back(std::min(at, stop(o) - 1));
            beyond.push_back(at >= stop(o));
        }
    }
    const Shape windows{outputs, longest};
    Shape seen = x.shape(), aligned = Shape::filled(x.dim() + 1, 1), divisors = Shape::filled(x.dim(), 1);
    seen[dim] = outputs;
    seen.insert(dim + 1, longest);
    aligned[dim] = outputs;
    aligned[dim + 1] = longest;
    divisors[dim] = outputs;
    const Tensor index = tensor(places, {outputs * longest}).to(x.device());
    const Tensor mask = reshape(tensor(beyond, windows).to(x.device()), aligned);
    const Tensor count = tensor(counts, divisors, {.dtype = x.dtype()}).to(x.device());
    return sum(masked_fill(reshape(index_select(x, dim, index), seen), mask, 0), dim + 1) / count;
}

windows::Settings along_width(std::int64_t kernel, std::int64_t stride, std::int64_t padding,
                              std::int64_t dilation, bool ceil_mode) {
    return {.kernel = {1, kernel},
            .stride = {1, stride == HeightWidth::unset ? kernel : stride},
            .padding = {0, padding},
            .dilation = {1, dilation},
            .ceil_mode = ceil_mode};
}

windows::Settings settings_of(HeightWidth kernel, const MaxPool2dOptions& options) {
    return {.kernel = kernel,
            .stride = options.stride.given() ? options.stride : kernel,
            .padding = options.padding,
            .dilation = options.dilation,
            .ceil_mode = options.ceil_mode};
}

}  // namespace

Tensor max_pool2d(const Tensor& x, HeightWidth kernel_size, const MaxPool2dOptions& options) {
    const Tensor image = windows::batched("max_pool2d", x, 4);
    return windows::like_input(pool_max("max_pool2d", image, settings_of(kernel_size, options), false).values,
                               x, 4);
}

ValuesIndices max_pool2d_with_indices(const Tensor& x, HeightWidth kernel_size,
                                      const MaxPool2dOptions& options) {
    constexpr auto op = "max_pool2d_with_indices";
    const Tensor image = windows::batched(op, x, 4);
    const ValuesIndices y = pool_max(op, image, settings_of(kernel_size, options), true);
    return {windows::like_input(y.values, x, 4), windows::like_input(y.indices, x, 4)};
}

Tensor max_pool1d(const Tensor& x, std::int64_t kernel_size, const MaxPool1dOptions& options) {
    const Tensor rows = unsqueeze(windows::batched("max_pool1d", x, 3), 2);
    const Tensor y = pool_max("max_pool1d", rows,
                              along_width(kernel_size, options.stride, options.padding, options.dilation,
                                          options.ceil_mode),
                              false)
                         .values;
    return windows::like_input(squeeze(y, 2), x, 3);
}

Tensor avg_pool2d(const Tensor& x, HeightWidth kernel_size, const AvgPool2dOptions& options) {
    const Tensor image = windows::batched("avg_pool2d", x, 4);
    const windows::Settings settings{.kernel = kernel_size,
                                     .stride = options.stride.given() ? options.stride : kernel_size,
                                     .padding = options.padding,
                                     .dilation = 1,
                                     .ceil_mode = options.ceil_mode};
    return windows::like_input(
        pool_average("avg_pool2d", image, settings,
                     {.count_padding = options.count_include_pad, .divisor = options.divisor_override}),
        x, 4);
}

Tensor avg_pool1d(const Tensor& x, std::int64_t kernel_size, const AvgPool1dOptions& options) {
    const Tensor rows = unsqueeze(windows::batched("avg_pool1d", x, 3), 2);
    const Tensor y = pool_average(
        "avg_pool1d", rows, along_width(kernel_size, options.stride, options.padding, 1, options.ceil_mode),
        {.count_padding = options.count_include_pad, .divisor = 0});
    return windows::like_input(squeeze(y, 2), x, 3);
}

Tensor adaptive_avg_pool2d(const Tensor& x, HeightWidth output_size) {
    constexpr auto op = "adaptive_avg_pool2d";
    const detail::Within heard(op);
    const Tensor image = windows::batched(op, x, 4);
    windows::check_setting(op, "output size", output_size, 1);
    const std::int64_t height = image.shape()[2], width = image.shape()[3];
    check<ShapeError>(height > 0 && width > 0, "{}: the input has no elements to average, its shape is {}",
                      op, x.shape());
    if (height % output_size.height == 0 && width % output_size.width == 0) {
        const HeightWidth kernel{height / output_size.height, width / output_size.width};
        return windows::like_input(pool_average(op, image, {.kernel = kernel, .stride = kernel}, {}), x, 4);
    }
    return adaptive_mean(adaptive_mean(x, -2 + x.dim(), output_size.height), -1 + x.dim(), output_size.width);
}

Tensor maxout(const Tensor& x, std::int64_t pieces, int dim) {
    constexpr auto op = "maxout";
    const detail::Within heard(op);
    check<ValueError>(pieces > 0, "{}: {} pieces, expected at least 1", op, pieces);
    apply::check_defined(op, x);
    const int d = wrap_dim(op, dim, x.dim());
    check<ShapeError>(x.dim() > 0 && x.shape()[d] % pieces == 0,
                      "{}: dimension {} of {} does not divide into groups of {}", op, dim, x.shape(), pieces);
    Shape shape = x.shape();
    shape[d] /= pieces;
    shape.insert(d + 1, pieces);
    return max(reshape(x, shape), d + 1).values;
}

}  // namespace adjoint
