// Convolution as three maps that are each other's gradients.
//
// With y = C(x, w), the number <g, C(x, w)> is linear in x, w and g: it is also <I(g, w), x> and <W(x, g),
// w>. So the gradients of each of C, I, W are the other two, of any order.
#include <adjoint/autograd/ops/convolution.h>

#include <adjoint/autograd/ops/arithmetic.h>
#include <adjoint/autograd/ops/elementwise.h>
#include <adjoint/autograd/ops/reduce.h>
#include <adjoint/autograd/ops/shape.h>
#include <adjoint/autograd/ops/windows.h>
#include <adjoint/autograd/record/apply.h>
#include <adjoint/core/base/format.h>

namespace adjoint {
namespace {

// The attributes of a convolution and of the maps that are its gradients.
template <class V> void list_convolution(V& v, const Convolution& c) {
    windows::list(v, c.windows);
    v("groups", c.groups);
}

Shape input_shape(const Convolution& c) {
    return {c.windows.batch, c.windows.channels, c.windows.size[0], c.windows.size[1]};
}
Shape weight_shape(const Convolution& c) {
    return {c.filters, c.group_channels(), c.windows.kernel[0], c.windows.kernel[1]};
}
Shape output_shape(const Convolution& c) {
    return {c.windows.batch, c.filters, c.windows.output[0], c.windows.output[1]};
}

// A new tensor for a result; `sums` is false when the sums that make it have no terms, and it holds zeros.
Tensor result(const Shape& shape, const Tensor& like, bool sums) {
    const Options options{.dtype = like.dtype(), .device = like.device()};
    return sums ? empty(shape, options) : zeros(shape, options);
}

bool has_terms(const Convolution& c) { return c.windows.batch > 0 && c.windows.plane() > 0; }

Tensor input_map(const Convolution& c, const Tensor& g, const Tensor& w);
Tensor weight_map(const Convolution& c, const Tensor& x, const Tensor& g);
Tensor output_map(const Convolution& c, const Tensor& x, const Tensor& w, const Tensor& b);

/// z = C(x, w) + b, y = f(z) in one pass: dz = dy f'(z), dx = I(dz, w), dw = W(x, dz), db = sum dz
struct Convolve : Function {
    static constexpr auto name = "convolution";
    Convolution c;
    Activation activation;
    const char* called;
    Saved x, w, b, y;
    Tensor z;
    Convolve(const Convolution& geometry, Activation f)
        : c(geometry), activation(f), called(apply::activated_name<Convolve>(f)) {}
    template <class V> void attributes(V& v) const {
        list_convolution(v, c);
        v("activation", apply::name_of(activation));
    }
    Tensor forward(const Tensor& input, const Tensor& weight, const Tensor& bias) {
        const bool of_input = needs_any() && apply::saves_input(activation);
        if (needs(1) || of_input) x = input;
        if (needs(0) || of_input) w = weight;
        if (of_input && bias.defined()) b = bias;
        Tensor out = result(output_shape(c), input, has_terms(c));
        if (of_input) z = result(output_shape(c), input, has_terms(c));
        const Tensor dense_x = input.contiguous(), dense_w = weight.contiguous(),
                     dense_b = bias.defined() ? bias.contiguous() : bias;
        if (has_terms(c))
            backend(out.device())
                .run(call::Convolve{.y = out.impl().data,
                                    .x = dense_x.impl().data,
                                    .w = dense_w.impl().data,
                                    .shape = c,
                                    .epilogue = {.bias = bias.defined() ? dense_b.impl().data : nullptr,
                                                 .activation = activation,
                                                 .sums = of_input ? z.impl().data : nullptr}});
        else {
            if (bias.defined()) out.copy_(reshape(bias, {c.filters, 1, 1}));
            if (of_input) z.copy_(out);
            if (activation != Activation::none) out.copy_(apply::activated(out, activation));
        }
        if (activation != Activation::none && needs_any() && !of_input) y.keep_output(out);
        return out;
    }
    Grads backward(const Tensor& g) {
        const auto input = [&] {
            return grad_enabled() ? output_map(c, x.get(), w.get(), b.defined() ? b.get() : Tensor()) : z;
        };
        if (!grad_enabled() && g.numel() > 0 && (needs(2) || activation != Activation::none))
            return past_activation(g.contiguous(), z.defined() ? z : (y.defined() ? y.get() : Tensor()));
        const Tensor dz = activation == Activation::none
                              ? g
                              : apply::activation_backward(activation, g, z.defined() ? input() : y.get());
        return {needs(0) ? input_map(c, dz, w.get()) : Tensor(),
                needs(1) ? weight_map(c, x.get(), dz) : Tensor(), needs(2) ? sum(dz, {0, 2, 3}) : Tensor()};
    }
    // dz and its sums in one pass.
    Grads past_activation(const Tensor& g, const Tensor& saved) {
        const Options sums_like{.dtype = compute_type(g.dtype()), .device = g.device()};
        const Tensor dz = activation == Activation::none ? Tensor() : empty_like(g),
                     sums = needs(2) ? empty({c.filters}, sums_like) : Tensor();
        const auto data = [](const Tensor& t) { return t.defined() ? t.impl().data : nullptr; };
        backend(g.device())
            .run(call::ActivationBackward{.dz = data(dz),
                                          .sums = data(sums),
                                          .g = data(g),
                                          .saved = data(saved),
                                          .batch = c.windows.batch,
                                          .channels = c.filters,
                                          .inner = c.windows.outputs(),
                                          .dtype = g.dtype(),
                                          .activation = activation});
        const Tensor& from = dz.defined() ? dz : g;
        return {needs(0) ? input_map(c, from, w.get()) : Tensor(),
                needs(1) ? weight_map(c, x.get(), from) : Tensor(), sums};
    }
};

/// x = I(g, w): for u in place of the gradient, dg = C(u, w), dw = W(u, g)
struct ConvolveInput : Function {
    static constexpr auto name = "convolution_input";
    Convolution c;
    Saved g, w;
    explicit ConvolveInput(const Convolution& geometry) : c(geometry) {}
    template <class V> void attributes(V& v) const { list_convolution(v, c); }
    Tensor forward(const Tensor& output, const Tensor& weight) {
        if (needs(1)) g = output;
        if (needs(0)) w = weight;
        Tensor x = result(input_shape(c), output, has_terms(c));
        const Tensor dense_g = output.contiguous(), dense_w = weight.contiguous();
        if (has_terms(c))
            backend(x.device())
                .run(call::ConvolveInput{
                    .dx = x.impl().data, .g = dense_g.impl().data, .w = dense_w.impl().data, .shape = c});
        return x;
    }
    Grads backward(const Tensor& u) {
        return {needs(0) ? output_map(c, u, w.get(), {}) : Tensor(),
                needs(1) ? weight_map(c, u, g.get()) : Tensor()};
    }
};

/// w = W(x, g): for v in place of the gradient, dx = I(g, v), dg = C(x, v)
struct ConvolveWeight : Function {
    static constexpr auto name = "convolution_weight";
    Convolution c;
    Saved x, g;
    explicit ConvolveWeight(const Convolution& geometry) : c(geometry) {}
    template <class V> void attributes(V& v) const { list_convolution(v, c); }
    Tensor forward(const Tensor& input, const Tensor& output) {
        if (needs(1)) x = input;
        if (needs(0)) g = output;
        Tensor w = result(weight_shape(c), input, has_terms(c));
        const Tensor dense_x = input.contiguous(), dense_g = output.contiguous();
        if (has_terms(c))
            backend(w.device())
                .run(call::ConvolveWeight{
                    .dw = w.impl().data, .x = dense_x.impl().data, .g = dense_g.impl().data, .shape = c});
        return w;
    }
    Grads backward(const Tensor& v) {
        return {needs(0) ? input_map(c, g.get(), v) : Tensor(),
                needs(1) ? output_map(c, x.get(), v, {}) : Tensor()};
    }
};

Tensor output_map(const Convolution& c, const Tensor& x, const Tensor& w, const Tensor& b) {
    return record(Convolve(c, Activation::none), x, w, b);
}
Tensor input_map(const Convolution& c, const Tensor& g, const Tensor& w) {
    return record(ConvolveInput(c), g, w);
}
Tensor weight_map(const Convolution& c, const Tensor& x, const Tensor& g) {
    return record(ConvolveWeight(c), x, g);
}

// Operands of one type, that of the result, and one device; the bias in the type of the sums.
struct Operands {
    Tensor x, w, b;
    DType type;
    bool single;  // the input was one image, without a batch
};

// Channels that are not those of the filters, and what the input may have been meant to be.
[[noreturn]] void throw_channels(const char* op, const Shape& x, const Shape& w, std::int64_t groups,
                                 bool single) {
    const std::int64_t channels = w[1] * groups;
    std::string hint;
    if (single && channels == 1)
        hint = "; unsqueeze(x, 1) gives each image of a batch its channel";
    else if (x.size() == 4 && x.back() == channels)
        hint = "; channels come before height and width: permute(x, {0, 3, 1, 2})";
    Shape given = x;
    if (single) given.erase(0);
    fail<ShapeError>("{}: the input {} has {} channels{}, the weight {} takes {}{}", op, given, x[1],
                     groups > 1 ? fmt::format(" in {} groups", groups) : "", w, channels, hint);
}

// Makes them fit for the backend: in their own type where it convolves in that, else in that of the sums.
void prepare(Operands& in, Convolution& c) {
    c.windows.dtype = in.type;
    const DType sums = compute_type(in.type);
    if (sums == in.type || backend(in.x.device()).convolves_narrow(c)) return;
    in.x = in.x.to(sums);
    in.w = in.w.to(sums);
    c.windows.dtype = sums;
}

Operands operands(const char* op, const Tensor& input, const Tensor& weight, const Tensor& b, int rank,
                  std::int64_t groups, int filter_dim) {
    apply::check_defined(op, input);
    apply::check_defined(op, weight);
    const Tensor x = apply::lowered(input), w = apply::lowered(weight);
    check<ShapeError>(w.dim() == rank, "{}: needs a weight of {} dimensions, got {}", op, rank, w.shape());
    check<DTypeError>(is_floating(w.dtype()), "{}: needs a floating-point weight, not {}", op,
                      name(w.dtype()));
    check<ValueError>(groups >= 1, "{}: {} groups, expected at least 1", op, groups);
    for (int d = 0; d < rank; ++d)
        check<ShapeError>(w.shape()[d] > 0, "{}: the weight has no elements, its shape is {}", op, w.shape());
    apply::check_same_device(op, x, w);
    const Tensor image = windows::batched(op, x, rank);
    const DType type = promote(x.dtype(), w.dtype());
    Operands out{image.to(type), w.to(type), b, type, x.dim() < rank};
    if (b.defined()) {
        const std::int64_t filters = filter_dim == 0 ? w.shape()[0] : checked_mul(w.shape()[1], groups);
        check<ShapeError>(b.dim() == 1 && b.numel() == filters, "{}: bias of shape {} for {} filters", op,
                          b.shape(), filters);
        apply::check_same_device(op, x, b);
        out.b = b.to(compute_type(type));
    }
    return out;
}

Tensor convolve(const char* op, Operands in, const windows::Settings& settings, std::int64_t groups,
                Activation then) {
    apply::check_activation(op, then);
    const Shape shape = in.x.shape();
    check<ValueError>(shape[1] % groups == 0 && in.w.shape()[0] % groups == 0,
                      "{}: {} groups do not divide {} channels and {} filters", op, groups, shape[1],
                      in.w.shape()[0]);
    if (in.w.shape()[1] != shape[1] / groups) [[unlikely]]
        throw_channels(op, shape, in.w.shape(), groups, in.single);
    Convolution c{.windows = windows::over(op, in.x, settings), .filters = in.w.shape()[0], .groups = groups};
    prepare(in, c);
    // In one pass unless the sums are rounded to a narrower type before the activation sees them.
    if (in.type == in.x.dtype()) return record(Convolve(c, then), in.x, in.w, in.b);
    return apply::activated(output_map(c, in.x, in.w, in.b).to(in.type), then);
}

/// The columns of an image, and back: each is the other's gradient.
struct Unfold : Function {
    static constexpr auto name = "unfold";
    Windows windows;
    explicit Unfold(const Windows& w) : windows(w) {}
    template <class V> void attributes(V& v) const { adjoint::windows::list(v, windows); }
    Tensor forward(const Tensor& input) {
        const Tensor x = input.contiguous();
        Tensor columns = empty({windows.batch, windows.channels * windows.taps(), windows.outputs()},
                               {.dtype = x.dtype(), .device = x.device()});
        if (columns.numel() > 0)
            backend(x.device())
                .run(call::Unfold{.columns = columns.impl().data, .x = x.impl().data, .windows = windows});
        return columns;
    }
    Grads backward(const Tensor& g);
};

struct Fold : Function {
    static constexpr auto name = "fold";
    Windows windows;
    explicit Fold(const Windows& w) : windows(w) {}
    template <class V> void attributes(V& v) const { adjoint::windows::list(v, windows); }
    Tensor forward(const Tensor& input) {
        const Tensor columns = input.contiguous();
        Tensor x = empty({windows.batch, windows.channels, windows.size[0], windows.size[1]},
                         {.dtype = columns.dtype(), .device = columns.device()});
        if (x.numel() > 0)
            backend(x.device())
                .run(call::Fold{.x = x.impl().data, .columns = columns.impl().data, .windows = windows});
        return x;
    }
    Grads backward(const Tensor& g) { return {record(Unfold(windows), g)}; }
};

Grads Unfold::backward(const Tensor& g) { return {record(Fold(windows), g)}; }

Tensor convolve_planes(const char* op, const Tensor& x, const Tensor& w, const Tensor& b,
                       const Conv2dOptions& options) {
    const Operands in = operands(op, x, w, b, 4, options.groups, 0);
    const windows::Settings settings{.kernel = {w.shape()[2], w.shape()[3]},
                                     .stride = options.stride,
                                     .padding = options.padding,
                                     .dilation = options.dilation};
    return windows::like_input(convolve(op, in, settings, options.groups, options.then), x, 4);
}

Tensor convolve_lines(const char* op, const Tensor& x, const Tensor& w, const Tensor& b,
                      const Conv1dOptions& options) {
    Operands in = operands(op, x, w, b, 3, options.groups, 0);
    in.x = unsqueeze(in.x, 2);
    in.w = unsqueeze(in.w, 2);
    const windows::Settings settings{.kernel = {1, w.shape()[2]},
                                     .stride = {1, options.stride},
                                     .padding = {0, options.padding},
                                     .dilation = {1, options.dilation}};
    return windows::like_input(squeeze(convolve(op, in, settings, options.groups, options.then), 2), x, 3);
}

}  // namespace

Tensor conv2d(const Tensor& x, const Tensor& w, const Tensor& b, const Conv2dOptions& options) {
    return convolve_planes("conv2d", x, w, b, options);
}

Tensor conv1d(const Tensor& x, const Tensor& w, const Tensor& b, const Conv1dOptions& options) {
    return convolve_lines("conv1d", x, w, b, options);
}

Tensor conv_transpose2d(const Tensor& x, const Tensor& w, const Tensor& b,
                        const ConvTranspose2dOptions& options) {
    constexpr auto op = "conv_transpose2d";
    Operands in = operands(op, x, w, b, 4, options.groups, 1);
    const Shape shape = in.x.shape();
    check<ValueError>(shape[1] % options.groups == 0, "{}: {} groups do not divide {} channels", op,
                      options.groups, shape[1]);
    check<ShapeError>(shape[1] == w.shape()[0], "{}: input {} has {} channels, the weight {} takes {}", op,
                      shape, shape[1], w.shape(), w.shape()[0]);
    windows::check_setting(op, "stride", options.stride, 1);
    windows::check_setting(op, "padding", options.padding, 0);
    windows::check_setting(op, "output_padding", options.output_padding, 0);
    windows::check_setting(op, "dilation", options.dilation, 1);
    const std::int64_t channels = checked_mul(w.shape()[1], options.groups);
    const auto size = [&](int axis, std::int64_t stride, std::int64_t padding, std::int64_t extra,
                          std::int64_t dilation) {
        check<ValueError>(extra < std::max(stride, dilation),
                          "{}: output_padding {} must be below the stride {} or the dilation {}", op, extra,
                          stride, dilation);
        check<ShapeError>(shape[axis] > 0, "{}: the input has no elements, its shape is {}", op, shape);
        const std::int64_t length = checked_mul(shape[axis] - 1, stride) - 2 * padding +
                                    checked_mul(dilation, w.shape()[axis] - 1) + extra + 1;
        check<ShapeError>(length > 0, "{}: padding {} leaves nothing of the output (input {})", op, padding,
                          shape);
        return length;
    };
    const HeightWidth output{size(2, options.stride.height, options.padding.height,
                                  options.output_padding.height, options.dilation.height),
                             size(3, options.stride.width, options.padding.width,
                                  options.output_padding.width, options.dilation.width)};
    // The windows of the convolution that this transposes, whose input is our output.
    Convolution c{.windows = {.batch = shape[0],
                              .channels = channels,
                              .size = {output.height, output.width},
                              .kernel = {w.shape()[2], w.shape()[3]},
                              .stride = {options.stride.height, options.stride.width},
                              .padding = {options.padding.height, options.padding.width},
                              .dilation = {options.dilation.height, options.dilation.width},
                              .output = {shape[2], shape[3]}},
                  .filters = shape[1],
                  .groups = options.groups};
    prepare(in, c);
    Tensor y = input_map(c, in.x, in.w);
    if (in.b.defined()) y = y + reshape(in.b, {channels, 1, 1});
    return windows::like_input(y.to(in.type), x, 4);
}

Tensor unfold(const Tensor& x, HeightWidth kernel_size, const UnfoldOptions& options) {
    const Tensor image = windows::batched("unfold", x, 4);
    const Windows w = windows::over("unfold", image,
                                    {.kernel = kernel_size,
                                     .stride = options.stride,
                                     .padding = options.padding,
                                     .dilation = options.dilation});
    return windows::like_input(record(Unfold(w), image.to(compute_type(x.dtype()))).to(x.dtype()), x, 4);
}

Tensor fold(const Tensor& columns, HeightWidth output_size, HeightWidth kernel_size,
            const UnfoldOptions& options) {
    const Tensor batch = windows::batched("fold", columns, 3);
    windows::check_setting("fold", "output size", output_size, 1);
    windows::check_setting("fold", "kernel size", kernel_size, 1);
    const std::int64_t taps = kernel_size.height * kernel_size.width;
    check<ShapeError>(batch.shape()[1] % taps == 0,
                      "fold: {} rows are not a multiple of the kernel's {} elements", batch.shape()[1], taps);
    const Shape image{batch.shape()[0], batch.shape()[1] / taps, output_size.height, output_size.width};
    // Only its shape and type are looked at.
    const Tensor like = expand(empty({}, {.dtype = columns.dtype(), .device = columns.device()}), image);
    const Windows w = windows::over("fold", like,
                                    {.kernel = kernel_size,
                                     .stride = options.stride,
                                     .padding = options.padding,
                                     .dilation = options.dilation});
    check<ShapeError>(batch.shape()[2] == w.outputs(), "fold: {} columns, the output {} has {} x {} windows",
                      batch.shape()[2], image, w.output[0], w.output[1]);
    return windows::like_input(record(Fold(w), batch.to(compute_type(columns.dtype()))).to(columns.dtype()),
                               columns, 3);
}

}  // namespace adjoint
