// Matrix products: the checks, the layout for the backend, the gradients.
#include <adjoint/autograd/ops/linalg.h>

#include <adjoint/autograd/ops/arithmetic.h>
#include <adjoint/autograd/ops/elementwise.h>
#include <adjoint/autograd/ops/reduce.h>
#include <adjoint/autograd/ops/shape.h>
#include <adjoint/autograd/record/apply.h>
#include <adjoint/autograd/record/autocast.h>
#include <adjoint/core/base/format.h>
#include <adjoint/core/tensor/loops.h>

namespace adjoint {
namespace {

// Which factor of a product is to be read with its last two dimensions exchanged.
struct Layout {
    bool transpose_a = false, transpose_b = false;
};

// What a product of matrices does besides, and where its sums are kept if that is asked for.
struct Then {
    Activation activation = Activation::none;
    Tensor* sums = nullptr;
};

// a b over broadcast leading dimensions, plus a bias row. Everything is checked here.
Tensor product(const char* op, const Tensor& a, const Tensor& b, const Tensor& bias, Layout layout,
               Then then = {}) {
    const Shape& left = a.shape();
    const Shape& right = b.shape();
    check<ShapeError>(left.size() >= 2 && right.size() >= 2, "{}: needs matrices, the shapes are {} and {}",
                      op, left, right);
    apply::check_same_device(op, a, b);
    if (a.dtype() != b.dtype() || a.dtype() == DType::boolean) [[unlikely]] {
        const DType both = promote(a.dtype(), b.dtype());
        const DType common = both == DType::boolean ? DType::i64 : both;  // products of truth values count
        return product(op, a.to(common), b.to(common), bias, layout, then);
    }
    const int last_a = left.size() - 1, last_b = right.size() - 1;
    const int row_a = last_a - (layout.transpose_a ? 0 : 1), column_a = last_a - (layout.transpose_a ? 1 : 0);
    const int row_b = last_b - (layout.transpose_b ? 0 : 1), column_b = last_b - (layout.transpose_b ? 1 : 0);
    call::MatMul p;
    p.m = left[row_a];
    p.k = left[column_a];
    p.n = right[column_b];
    check<ShapeError>(p.k == right[row_b], "{}: inner sizes differ: {}{} x {}{}: {} against {}", op, left,
                      layout.transpose_a ? " transposed" : "", right, layout.transpose_b ? " transposed" : "",
                      p.k, right[row_b]);
    p.a_row = a.strides()[row_a];
    p.a_column = a.strides()[column_a];
    p.b_row = b.strides()[row_b];
    p.b_column = b.strides()[column_b];
    p.out_row = p.n;

    Shape shape{p.m, p.n};
    if (left.size() > 2 || right.size() > 2) {
        const Shape batch_a(std::span(left.begin(), static_cast<std::size_t>(last_a - 1)));
        const Shape batch_b(std::span(right.begin(), static_cast<std::size_t>(last_b - 1)));
        shape = broadcast_shapes(op, batch_a, batch_b);
        p.batch_rank = shape.size();
        std::int64_t step = p.m * p.n;
        for (int d = shape.size() - 1; d >= 0; --d) {
            p.batch_sizes[d] = shape[d];
            p.out_batch[d] = step;
            step *= shape[d];
            const int da = d - (shape.size() - batch_a.size()), db = d - (shape.size() - batch_b.size());
            p.a_batch[d] = da < 0 || batch_a[da] == 1 ? 0 : a.strides()[da];
            p.b_batch[d] = db < 0 || batch_b[db] == 1 ? 0 : b.strides()[db];
        }
        shape.push_back(p.m);
        shape.push_back(p.n);
    }
    Tensor dense_bias;
    if (bias.defined()) {
        check<ShapeError>(bias.dim() == 1 && bias.numel() == p.n, "{}: bias of shape {} for {} outputs", op,
                          bias.shape(), p.n);
        apply::check_same_device(op, a, bias);
        dense_bias = bias.to(a.dtype()).contiguous();
        p.epilogue.bias = dense_bias.impl().data;
    }
    Tensor out = empty(shape, {.dtype = a.dtype(), .device = a.device()});
    p.out = operand(out);
    p.epilogue.activation = then.activation;
    if (then.sums) {
        *then.sums = empty(shape, {.dtype = a.dtype(), .device = a.device()});
        p.epilogue.sums = then.sums->impl().data;
    }
    p.a = operand(a);
    p.b = operand(b);
    if (out.numel() > 0) backend(a.device()).run(p);
    return out;
}

Tensor multiply(const Tensor& a, const Tensor& b, Layout layout);

/// y = a b: da = g b^T, db = a^T g; y = a b^T: da = g b, db = g^T a; y = a^T b: da = b g^T, db = a g. So the
/// gradients of all orders are products of these three kinds, and no transpose is ever made.
struct MatMulFunction : Function {
    static constexpr auto name = "matmul";
    Layout layout;
    Saved a, b;
    explicit MatMulFunction(Layout l) : layout(l) {}
    template <class V> void attributes(V& v) const {
        v("transpose_a", layout.transpose_a);
        v("transpose_b", layout.transpose_b);
    }
    Tensor forward(const Tensor& x, const Tensor& y) {
        if (needs(1)) a = x;
        if (needs(0)) b = y;
        return product(name, x, y, {}, layout);
    }
    Grads backward(const Tensor& g) {
        const auto [ta, tb] = layout;
        Grads grads{Tensor(), Tensor()};
        if (needs(0))
            grads[0] = ta ? multiply(b.get(), g, {false, true}) : multiply(g, b.get(), {false, !tb});
        if (needs(1))
            grads[1] = tb ? multiply(g, a.get(), {true, false}) : multiply(a.get(), g, {!ta, false});
        return grads;
    }
};

// The product of two tensors of at least two dimensions, recorded.
Tensor multiply(const Tensor& a, const Tensor& b, Layout layout) {
    if (autocast_type() && (a.dtype() == DType::f32 || b.dtype() == DType::f32)) [[unlikely]]
        return multiply(apply::lowered(a), apply::lowered(b), layout);
    if (a.dim() > 2 && b.dim() == 2 && !layout.transpose_a && a.numel() > 0) {  // a tall matrix, not a batch
        Shape shape = a.shape();
        shape[shape.size() - 1] = b.shape()[layout.transpose_b ? 0 : 1];
        const auto tall = [&] {
            return reshape(record(MatMulFunction(layout), reshape(a, {-1, a.shape().back()}), b), shape);
        };
        return composed(
            MatMulFunction::name, [&](auto& v) { MatMulFunction(layout).attributes(v); }, tall, a, b);
    }
    return record(MatMulFunction(layout), a, b);
}

// What a layer of matrices passes back in one call of the device; what it is not made for is done by products
// that are recorded and take any layout.
class LayerBackward {
  public:
    LayerBackward(const Function& layer, const Tensor& g, const Saved& x, const Saved& w)
        : layer_(layer),
          g_(g),
          x_(layer.needs(1) ? x.get() : Tensor()),
          w_(layer.needs(0) ? w.get() : Tensor()) {}

    Grads run(Activation activation, const Tensor& saved) const {
        if (!serves(saved)) return by_products(apply::activation_backward(activation, g_, saved));
        const Options like{.dtype = g_.dtype(), .device = g_.device()};
        const std::int64_t rows = g_.shape()[0], outputs = g_.shape()[1];
        const std::int64_t inputs = x_.defined() ? x_.shape()[1] : (w_.defined() ? w_.shape()[1] : 0);
        Grads grads{w_.defined() ? empty({rows, inputs}, like) : Tensor(),
                    x_.defined() ? empty({outputs, inputs}, like) : Tensor(),
                    layer_.needs(2) ? empty({outputs}, like) : Tensor()};
        const auto data = [](const Tensor& t) { return t.defined() ? t.impl().data : nullptr; };
        backend(g_.device())
            .run(call::LinearBackward{.dx = data(grads[0]),
                                      .dw = data(grads[1]),
                                      .db = data(grads[2]),
                                      .g = data(g_),
                                      .saved = data(saved),
                                      .x = data(x_),
                                      .w = data(w_),
                                      .rows = rows,
                                      .inputs = inputs,
                                      .outputs = outputs,
                                      .dtype = g_.dtype(),
                                      .activation = activation});
        return grads;
    }

  private:
    bool serves(const Tensor& saved) const {
        const auto alike = [&](const Tensor& t) {
            return !t.defined() || (t.dtype() == g_.dtype() && t.is_contiguous());
        };
        return !grad_enabled() && g_.numel() > 0 && is_floating(g_.dtype()) && alike(g_) && alike(saved) &&
               alike(x_) && alike(w_) && !(x_.defined() && x_.numel() == 0) &&
               !(w_.defined() && w_.numel() == 0);
    }
    Grads by_products(const Tensor& g) const {
        return {w_.defined() ? multiply(g, w_, {}) : Tensor(),
                x_.defined() ? multiply(g, x_, {true, false}) : Tensor(),
                layer_.needs(2) ? sum(g, 0) : Tensor()};
    }

    const Function& layer_;
    const Tensor& g_;
    const Tensor x_, w_;
};

void check_matrices(const char* op, const Tensor& x, const Tensor& w) {
    check<ShapeError>(x.dim() == 2 && w.dim() == 2, "{}: needs matrices, the shapes are {} and {}", op,
                      x.shape(), w.shape());
}

}  // namespace

namespace fn {

Tensor Affine::forward(const Tensor& input, const Tensor& weight, const Tensor& bias) {
    if (input.dim() == 1 && weight.dim() == 2) {
        const Tensor row = forward(unsqueeze(input, 0), weight, bias);
        if (needs(1)) x = input;
        return squeeze(row, 0);
    }
    check_matrices(name, input, weight);
    if (needs(1)) x = input;
    if (needs(0)) w = weight;
    return product(name, input, weight, bias, {});
}

Grads Affine::backward(const Tensor& g) {
    const auto rows = [](const Tensor& t) { return t.dim() == 1 ? unsqueeze(t, 0) : t; };
    const Tensor dy = rows(g);
    Tensor dx = needs(0) ? multiply(dy, w.get(), {false, true}) : Tensor();
    if (needs(0) && g.dim() == 1) dx = squeeze(dx, 0);
    return {dx, needs(1) ? multiply(rows(x.get()), dy, {true, false}) : Tensor(),
            needs(2) ? sum(dy, 0) : Tensor()};
}

Tensor Linear::forward(const Tensor& input, const Tensor& weight, const Tensor& bias) {
    check_matrices(name, input, weight);
    if (needs(1)) x = input;
    if (needs(0)) w = weight;
    return product(name, input, weight, bias, {false, true});
}

Grads Linear::backward(const Tensor& g) { return LayerBackward(*this, g, x, w).run(Activation::none, {}); }

ActivatedLinear::ActivatedLinear(Activation f) : called(apply::activated_name<Linear>(f)), activation(f) {}

Tensor ActivatedLinear::forward(const Tensor& input, const Tensor& weight, const Tensor& bias) {
    check_matrices(called, input, weight);
    const bool of_input = needs_any() && apply::saves_input(activation);
    if (needs(1) || of_input) x = input;
    if (needs(0) || of_input) w = weight;
    if (of_input && bias.defined()) b = bias;
    Tensor out = product(called, input, weight, bias, {false, true}, {activation, of_input ? &z : nullptr});
    if (needs_any() && !of_input) y.keep_output(out);
    return out;
}

Grads ActivatedLinear::backward(const Tensor& g) {
    const auto input = [&] {
        return grad_enabled() ? record(Linear{}, x.get(), w.get(), b.defined() ? b.get() : Tensor()) : z;
    };
    return LayerBackward(*this, g, x, w).run(activation, z.defined() ? input() : y.get());
}

}  // namespace fn

namespace {

// Features that are not those of the layer, and what the input may have been meant to be.
[[noreturn]] void throw_features(const char* op, const Shape& x, const Shape& w) {
    const std::int64_t features = w.back();
    std::string hint;
    for (int d = 1; d + 1 < x.size() && hint.empty(); ++d)
        if (Shape(std::span(x.begin() + d, x.end())).numel() == features)
            hint = fmt::format("; flatten(x, {}) gives rows of {}", d, features);
    if (hint.empty() && x.numel() == features)
        hint = fmt::format("; one sample is reshape(x, {{1, {}}})", features);
    fail<ShapeError>("{}: the input {} has {} features in its last dimension, the weight {} takes {}{}", op,
                     x, x.back(), w, features, hint);
}

// A layer of matrices over any leading dimensions.
template <class Layer>
Tensor over_rows(const Layer& layer, const Tensor& x, const Tensor& w, const Tensor& b) {
    const char* const op = detail::caller(layer);
    apply::check_defined(op, x);
    apply::check_defined(op, w);
    if (autocast_type() && (x.dtype() == DType::f32 || w.dtype() == DType::f32)) [[unlikely]]
        return over_rows(layer, apply::lowered(x), apply::lowered(w), b);
    if (x.dim() > 0 && w.dim() == 2 && x.shape().back() != w.shape()[1]) [[unlikely]]
        throw_features(op, x.shape(), w.shape());
    if (x.dim() == 2) return record(Layer(layer), x, w, b);
    check<ShapeError>(x.dim() > 0 && w.dim() == 2, "{}: input {} for a weight {}", op, x.shape(), w.shape());
    Shape shape = x.shape();
    shape[shape.size() - 1] = w.shape()[0];
    Shape flat{1, x.shape().back()};
    for (int d = 0; d + 1 < x.dim(); ++d) flat[0] *= x.shape()[d];
    const auto rows = [&] { return reshape(record(Layer(layer), reshape(x, flat), w, b), shape); };
    const auto attributes = [&](auto& v) {
        if constexpr (requires { layer.attributes(v); }) layer.attributes(v);
    };
    return composed(Layer::name, attributes, rows, x, w, b);
}

}  // namespace

Tensor matmul(const Tensor& a, const Tensor& b) {
    apply::check_defined("matmul", a);
    apply::check_defined("matmul", b);
    check<ShapeError>(a.dim() > 0 && b.dim() > 0, "matmul: a 0-d operand, the shapes are {} and {}; use mul",
                      a.shape(), b.shape());
    if (a.dim() == 1 && b.dim() == 1) return dot(apply::lowered(a), apply::lowered(b));
    if (a.dim() == 1) return squeeze(matmul(unsqueeze(a, 0), b), -2);
    if (b.dim() == 1) return squeeze(matmul(a, unsqueeze(b, 1)), -1);
    return multiply(a, b, {});
}

Tensor bmm(const Tensor& a, const Tensor& b) {
    check<ShapeError>(a.dim() == 3 && b.dim() == 3 && a.shape()[0] == b.shape()[0],
                      "bmm: needs (b, m, k) and (b, k, n), the shapes are {} and {}", a.shape(), b.shape());
    return matmul(a, b);
}

Tensor dot(const Tensor& a, const Tensor& b) {
    check<ShapeError>(a.dim() == 1 && b.dim() == 1 && a.numel() == b.numel(),
                      "dot: needs two vectors of one length, the shapes are {} and {}", a.shape(), b.shape());
    return sum(a * b);
}

Tensor outer(const Tensor& a, const Tensor& b) {
    check<ShapeError>(a.dim() == 1 && b.dim() == 1, "outer: needs two vectors, the shapes are {} and {}",
                      a.shape(), b.shape());
    return unsqueeze(a, 1) * b;
}

Tensor addmm(const Tensor& c, const Tensor& a, const Tensor& b, double beta, double alpha) {
    return named("addmm", [&] {
        check_matrices("addmm", a, b);
        Tensor scaled = alpha == 1 ? matmul(a, b) : matmul(a, b) * alpha;
        if (beta == 0) return scaled;  // c may hold NaN then
        return scaled + (beta == 1 ? c : c * beta);
    });
}

Tensor affine(const Tensor& x, const Tensor& w, const Tensor& b) {
    if (autocast_type()) [[unlikely]]
        return record(fn::Affine{}, apply::lowered(x), apply::lowered(w), b);
    return record(fn::Affine{}, x, w, b);
}

Tensor linear(const Tensor& x, const Tensor& w, const Tensor& b, const EpilogueOptions& options) {
    if (options.then == Activation::none) return over_rows(fn::Linear{}, x, w, b);
    apply::check_activation("linear", options.then);
    // Functions without an integer form have floating results of integers, as when they stand alone.
    if (options.then != Activation::relu && x.defined() && w.defined() &&
        !is_floating(promote(x.dtype(), w.dtype())))
        return apply::activated(linear(x, w, b), options.then);
    return over_rows(fn::ActivatedLinear(options.then), x, w, b);
}

}  // namespace adjoint
