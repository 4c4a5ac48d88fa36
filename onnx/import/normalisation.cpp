// Normalisation, softmax and dropout.
#include <cmath>

#include <adjoint/autograd/ops/arithmetic.h>
#include <adjoint/autograd/ops/batch_norm.h>
#include <adjoint/autograd/ops/dropout.h>
#include <adjoint/autograd/ops/elementwise.h>
#include <adjoint/autograd/ops/layer_norm.h>
#include <adjoint/autograd/ops/rearrange.h>
#include <adjoint/autograd/ops/reduce.h>
#include <adjoint/autograd/ops/shape.h>
#include <adjoint/autograd/ops/softmax.h>
#include <adjoint/core/base/format.h>
#include <adjoint/core/tensor/creation.h>
#include <adjoint/onnx/import/helpers.h>
#include <adjoint/onnx/import/tables.h>

namespace adjoint::onnx {

namespace {

/// Before version 13 everything from the axis on counts as one dimension.
template <Tensor (*f)(const Tensor&, int)> Kernel along_axis(const Build& b) {
    const bool flat = b.opset < 13;
    return one([flat, axis = b.attributes.integer("axis", flat ? 1 : -1)](const Call& c) {
        const Tensor& x = c[0];
        const int dim = x.dim() == 0 ? 0 : wrapped_axis(axis, x.dim());
        if (!flat || dim == x.dim() - 1) return f(x, dim);
        return reshape(f(flatten(x, dim), dim), x.shape());
    });
}

/// A file may ask for training itself (training_mode): then the statistics of the batch normalise, and the
/// moved ones are results. Elsewhere training moves the running ones, as in nn::BatchNorm2d.
Kernel batch_normalisation(const Build& b) {
    const double eps = b.attributes.real("epsilon", 1e-5), momentum = b.attributes.real("momentum", 0.9);
    const bool trains = b.attributes.flag("training_mode");
    b.attributes.ignore("is_test");
    b.attributes.ignore("consumed_inputs");
    check<Unsupported>(b.attributes.flag("spatial", true), "spatial=0 is not supported");
    return [=](const Call& c) -> Values {
        const Tensor& x = c[0];
        if (!trains) {
            const BatchNormOptions options{.training = c.training, .momentum = 1 - momentum, .eps = eps};
            // Of 16 bits, statistics may be of f32; the result is of x's type.
            return {Value(batch_norm(x, c[3], c[4], c[1], c[2], options).to(x.dtype()))};
        }
        Dims dims;
        for (int i = 0; i < x.dim(); ++i)
            if (i != 1) dims.list.push_back(i);
        const Tensor mean_now = mean(x, dims), var_now = var(x, dims, false, {.unbiased = false});
        const Tensor y = batch_norm(x, mean_now, var_now, c[1], c[2], {.eps = eps});
        return {Value(y), Value(c[3] * momentum + mean_now * (1 - momentum)),
                Value(c[4] * momentum + var_now * (1 - momentum))};
    };
}

Kernel instance_normalisation(const Build& b) {
    return one([eps = b.attributes.real("epsilon", 1e-5)](const Call& c) {
        // A channel of one value is normalised, too: to its bias.
        return group_norm(c[0], c[0].dim() < 2 ? 1 : c[0].size(1), c[1], c[2], eps);
    });
}

/// Results besides the first: the mean, and the inverse of the deviation.
Kernel layer_normalisation(const Build& b) {
    const double eps = b.attributes.real("epsilon", 1e-5);
    b.attributes.ignore("stash_type");
    return [eps, axis = b.attributes.integer("axis", -1)](const Call& c) -> Values {
        const Tensor& x = c[0];
        const int first = wrapped_axis(axis, x.dim());
        Shape over;
        Dims dims;
        for (int i = first; i < x.dim(); ++i) over.push_back(x.size(i)), dims.list.push_back(i);
        const bool plain = c[1].shape() == over && (!c.has(2) || c[2].shape() == over);
        const Tensor bias = c.has(2) ? c[2] : Tensor();
        if (plain && c.outputs == 1) return {Value(layer_norm(x, over, c[1], bias, eps))};
        const Tensor wide = x.dtype() == DType::f64 ? x : x.to(DType::f32);
        const Tensor middle = mean(wide, dims, true),
                     inverse = rsqrt(var(wide, dims, true, {.unbiased = false}) + eps);
        Tensor y = ((wide - middle) * inverse).to(x.dtype()) * c[1];
        if (bias.defined()) y = y + bias;
        return {Value(y), Value(middle), Value(inverse)};
    };
}

Kernel rms_normalisation(const Build& b) {
    const double eps = b.attributes.real("epsilon", 1e-5);
    b.attributes.ignore("stash_type");
    return one([eps, axis = b.attributes.integer("axis", -1)](const Call& c) {
        const Tensor& x = c[0];
        Dims dims;
        for (int i = wrapped_axis(axis, x.dim()); i < x.dim(); ++i) dims.list.push_back(i);
        const Tensor wide = x.dtype() == DType::f64 ? x : x.to(DType::f32);
        return (wide * rsqrt(mean(square(wide), dims, true) + eps)).to(x.dtype()) * c[1];
    });
}

/// Scale and bias are those of the groups in version 18, of the channels from version 21 on.
Kernel group_normalisation(const Build& b) {
    const double eps = b.attributes.real("epsilon", 1e-5);
    const std::int64_t groups = b.attributes.integer("num_groups");
    b.attributes.ignore("stash_type");
    check<ValueError>(groups > 0, "num_groups is {}", groups);
    return one([=, by_group = b.opset < 21](const Call& c) {
        if (!by_group) return group_norm(c[0], groups, c[1], c[2], eps);
        check<ShapeError>(c[1].numel() == groups && c[2].numel() == groups && c[0].size(1) % groups == 0,
                          "{} groups of {} channels, scale {}, bias {}", groups, c[0].size(1), c[1].shape(),
                          c[2].shape());
        const auto spread = [&](const Tensor& x) {
            const std::int64_t each = c[0].size(1) / groups;
            return reshape(broadcast_to(reshape(x, {groups, 1}), {groups, each}), {groups * each});
        };
        return group_norm(c[0], groups, spread(c[1]), spread(c[2]), eps);
    });
}

Kernel lp_normalisation(const Build& b) {
    const double p = static_cast<double>(b.attributes.integer("p", 2));
    return one([p, axis = b.attributes.integer("axis", -1)](const Call& c) {
        const Tensor length = norm(c[0], p, wrapped_axis(axis, c[0].dim()), true);
        const Tensor zero = filled({}, 0, length);
        // Nothing is 0 over 0 here.
        return c[0] / where(eq(length, zero), filled({}, 1, length), length);
    });
}

Kernel mean_variance_normalisation(const Build& b) {
    const Integers axes = b.attributes.integers("axes").value_or(Integers{0, 2, 3});
    return one([axes](const Call& c) {
        Dims dims;
        dims.list = shape_of(wrapped_axes(axes, c[0].dim()));
        const Tensor& x = c[0];
        return (x - mean(x, dims, true)) / (std(x, dims, true, {.unbiased = false}) + 1e-9);
    });
}

/// Each element divided by what the squares of its neighbouring channels give.
Kernel local_response(const Build& b) {
    const double alpha = b.attributes.real("alpha", 1e-4), beta = b.attributes.real("beta", 0.75);
    const double bias = b.attributes.real("bias", 1);
    const std::int64_t size = b.attributes.integer("size");
    check<ValueError>(size > 0 && size <= 4096, "size is {}", size);
    return one([=](const Call& c) {
        const Tensor& x = c[0];
        check<ShapeError>(x.dim() >= 2, "{} has no channels", x.shape());
        Integers amounts(static_cast<std::size_t>(2 * (x.dim() - 1)), 0);
        amounts[amounts.size() - 2] = (size - 1) / 2;
        amounts.back() = size - 1 - (size - 1) / 2;
        const Tensor squares = pad(square(x), shape_of(amounts));
        Tensor sum;
        for (std::int64_t i = 0; i < size; ++i) {
            const Tensor part = narrow(squares, 1, i, x.size(1));
            sum = sum.defined() ? sum + part : part;
        }
        return x / pow(sum * (alpha / static_cast<double>(size)) + bias, beta);
    });
}

/// Ratio and mode are attributes or the module's in older versions, inputs from version 12 on, where the
/// file may ask for training itself.
Kernel dropout_of(const Build& b) {
    const double fixed = b.attributes.real("ratio", 0.5);
    for (const char* name : {"seed", "is_test", "consumed_inputs"}) b.attributes.ignore(name);
    return [fixed, opset = b.opset](const Call& c) -> Values {
        const double ratio = opset >= 12 && c.has(1) ? c.number(1) : fixed;
        const bool trains = c.training || (opset >= 12 && c.has(2) && c.numbers(2).at(0) != 0);
        const DType mask_type = opset >= 10 ? DType::boolean : c[0].dtype();
        if (!trains || ratio == 0)
            return {Value(c[0]), Value(ones(c[0].shape(), {.dtype = mask_type, .device = c[0].device()}))};
        const Tensor mask = dropout(filled(c[0].shape(), 1, c[0]), ratio);
        return {Value(c[0] * mask), Value(ne(mask, filled({}, 0, mask)).to(mask_type))};
    };
}

}  // namespace

std::span<const Row> normalisation_rows() {
    static constexpr Row rows[] = {
        {.name = "BatchNormalization", .since = 1, .make = batch_normalisation, .statistics = set_of({3, 4})},
        {"Dropout", 1, dropout_of, set_of({1, 2}), Nature::random},
        {"GroupNormalization", 18, group_normalisation},
        {"InstanceNormalization", 1, instance_normalisation},
        {.name = "LRN", .since = 1, .make = local_response, .costly = true},
        {"LayerNormalization", 17, layer_normalisation},
        {"LogSoftmax", 1, along_axis<log_softmax>},
        {"LpNormalization", 1, lp_normalisation},
        {"MeanVarianceNormalization", 9, mean_variance_normalisation},
        {"RMSNormalization", 23, rms_normalisation},
        {"Softmax", 1, along_axis<softmax>},
    };
    return rows;
}

}  // namespace adjoint::onnx
