// Random numbers, drawn from the library's generator: seeds in the file do not count.
#include <cmath>

#include <adjoint/autograd/ops/arithmetic.h>
#include <adjoint/autograd/ops/elementwise.h>
#include <adjoint/autograd/ops/rearrange.h>
#include <adjoint/autograd/ops/reduce.h>
#include <adjoint/autograd/ops/shape.h>
#include <adjoint/core/base/format.h>
#include <adjoint/core/tensor/creation.h>
#include <adjoint/onnx/import/helpers.h>
#include <adjoint/onnx/import/tables.h>

namespace adjoint::onnx {

namespace {

using Draw = std::function<Tensor(const Shape&, const Options&)>;

Draw normal_draw(const Build& b) {
    const double mean = b.attributes.real("mean", 0), scale = b.attributes.real("scale", 1);
    return [=](const Shape& shape, const Options& options) { return randn(shape, options) * scale + mean; };
}
Draw uniform_draw(const Build& b) {
    const double low = b.attributes.real("low", 0), high = b.attributes.real("high", 1);
    return
        [=](const Shape& shape, const Options& options) { return rand(shape, options) * (high - low) + low; };
}

template <Draw (*draw)(const Build&)> Kernel of_shape(const Build& b) {
    b.attributes.ignore("seed");
    const auto sizes = b.attributes.integers("shape");
    check<ValueError>(sizes.has_value(), "there is no shape");
    const DType type = *stored_as(type_attribute(b, "dtype", ElementType::f32));
    return one([=, numbers = draw(b)](const Call& c) {
        return numbers(c.bounded(shape_of(*sizes)), {.dtype = type, .device = Device::cpu()});
    });
}

template <Draw (*draw)(const Build&)> Kernel like(const Build& b) {
    b.attributes.ignore("seed");
    const bool typed = b.attributes.has("dtype");
    const DType type = *stored_as(type_attribute(b, "dtype", ElementType::f32));
    return one([=, numbers = draw(b)](const Call& c) {
        const DType own = is_floating(c[0].dtype()) ? c[0].dtype() : DType::f32;
        return numbers(c[0].shape(), {.dtype = typed ? type : own, .device = c[0].device()});
    });
}

Kernel bernoulli_of(const Build& b) {
    b.attributes.ignore("seed");
    const bool typed = b.attributes.has("dtype");
    const ElementType type = type_attribute(b, "dtype", ElementType::f32);
    return
        [=](const Call& c) -> Values { return {cast(bernoulli(c[0].detach()), typed ? type : c.type(0))}; };
}

/// Class numbers by unnormalised log-probabilities: the largest after noise of Gumbel's distribution.
Kernel multinomial(const Build& b) {
    b.attributes.ignore("seed");
    const std::int64_t samples = b.attributes.integer("sample_size", 1);
    const ElementType type = type_attribute(b, "dtype", ElementType::i32);
    return [=](const Call& c) -> Values {
        const Tensor& x = c[0];
        check<ShapeError>(x.dim() == 2, "{} is no matrix", x.shape());
        const Shape shape = c.bounded({x.size(0), samples, x.size(1)});
        const Tensor noise = neg(log(neg(log(rand(shape, {.dtype = x.dtype(), .device = x.device()})))));
        return {cast(argmax(unsqueeze(x, 1) + noise, 2), type)};
    };
}

}  // namespace

std::span<const Row> random_rows() {
    static constexpr Row rows[] = {
        {"Bernoulli", 15, bernoulli_of, 0, Nature::random},
        {"Multinomial", 7, multinomial, 0, Nature::random},
        {"RandomNormal", 1, of_shape<normal_draw>, 0, Nature::random},
        {"RandomNormalLike", 1, like<normal_draw>, 0, Nature::random},
        {"RandomUniform", 1, of_shape<uniform_draw>, 0, Nature::random},
        {"RandomUniformLike", 1, like<uniform_draw>, 0, Nature::random},
    };
    return rows;
}

}  // namespace adjoint::onnx
