// Tensors seen with other shapes, joined and repeated, and those made of a shape or of nothing.
#include <cmath>
#include <numeric>

#include <adjoint/autograd/ops/arithmetic.h>
#include <adjoint/autograd/ops/rearrange.h>
#include <adjoint/autograd/ops/shape.h>
#include <adjoint/core/base/format.h>
#include <adjoint/core/tensor/creation.h>
#include <adjoint/onnx/import/helpers.h>
#include <adjoint/onnx/import/tables.h>

namespace adjoint::onnx {

namespace {

/// The shape that `wanted` asks for: 0 keeps a size unless `allow_zero`, one -1 is what is left over.
Shape reshaped(const Tensor& x, Integers wanted, bool allow_zero) {
    std::int64_t known = 1;
    int open = -1;
    for (std::size_t i = 0; i < wanted.size(); ++i) {
        if (wanted[i] == 0 && !allow_zero) {
            check<ShapeError>(static_cast<int>(i) < x.dim(), "size {} of {} is to be kept, which has {}", i,
                              x.shape(), x.dim());
            wanted[i] = x.size(static_cast<std::int64_t>(i));
        }
        if (wanted[i] == -1) {
            check<ShapeError>(open < 0, "two sizes of ({}) are left open", fmt::join(wanted, ", "));
            open = static_cast<int>(i);
        } else {
            check<ShapeError>(wanted[i] >= 0, "a size of ({}) is negative", fmt::join(wanted, ", "));
            known = checked_mul(known, wanted[i]);
        }
    }
    if (open >= 0) {
        check<ShapeError>(known > 0 && x.numel() % known == 0, "{} elements of {} do not fill ({})",
                          x.numel(), x.shape(), fmt::join(wanted, ", "));
        wanted[static_cast<std::size_t>(open)] = x.numel() / known;
    }
    return shape_of(wanted);
}

Kernel reshape_of(const Build& b) {
    b.attributes.ignore("consumed_inputs");
    const bool allow_zero = b.attributes.flag("allowzero");
    return [=, sizes = axes_of(b, 5, 1, "shape")](const Call& c) -> Values {
        const auto wanted = sizes(c);
        check<ValueError>(wanted.has_value(), "there is no shape");
        return {Value(reshape(c[0], reshaped(c[0], *wanted, allow_zero)), c.type(0))};
    };
}

Kernel flatten_of(const Build& b) {
    return [axis = b.attributes.integer("axis", 1)](const Call& c) -> Values {
        const Tensor& x = c[0];
        const int split = axis == x.dim() ? x.dim() : wrapped_axis(axis, x.dim());
        std::int64_t rows = 1, columns = 1;
        for (int i = 0; i < x.dim(); ++i) (i < split ? rows : columns) *= x.size(i);
        return {Value(reshape(x, {rows, columns}), c.type(0))};
    };
}

Kernel squeeze_of(const Build& b) {
    return [axes = axes_of(b, 13, 1)](const Call& c) -> Values {
        const auto given = axes(c);
        Shape shape = c[0].shape();
        if (!given) {
            for (int i = shape.size() - 1; i >= 0; --i)
                if (shape[i] == 1) shape.erase(i);
        } else {
            const Integers out = wrapped_axes(*given, shape.size());
            for (auto axis = out.rbegin(); axis != out.rend(); ++axis) {
                const int i = static_cast<int>(*axis);
                check<ShapeError>(shape[i] == 1, "size {} of {} is not 1 and cannot be squeezed", i,
                                  c[0].shape());
                shape.erase(i);
            }
        }
        return {Value(reshape(c[0], shape), c.type(0))};
    };
}

Kernel unsqueeze_of(const Build& b) {
    return [axes = axes_of(b, 13, 1)](const Call& c) -> Values {
        const auto given = axes(c);
        check<ValueError>(given.has_value(), "there are no axes");
        Shape shape = c[0].shape();
        for (const std::int64_t axis : wrapped_axes(*given, shape.size() + static_cast<int>(given->size())))
            shape.insert(static_cast<int>(axis), 1);
        return {Value(reshape(c[0], shape), c.type(0))};
    };
}

Kernel transpose_of(const Build& b) {
    return [perm = b.attributes.integers("perm")](const Call& c) -> Values {
        Integers order = perm.value_or(Integers{});
        if (!perm)
            for (int i = c[0].dim() - 1; i >= 0; --i) order.push_back(i);
        check<ShapeError>(static_cast<int>(order.size()) == c[0].dim(), "perm names {} axes of {}",
                          order.size(), c[0].shape());
        return {Value(permute(c[0], shape_of(order)), c.type(0))};
    };
}

Kernel expand_of(const Build&) {
    return [](const Call& c) -> Values {
        const Shape shape = broadcast_shapes("Expand", c[0].shape(), shape_of(c.integers(1)));
        return {Value(broadcast_to(c[0], c.bounded(shape)), c.type(0))};
    };
}

/// Its first version repeats along one axis.
Kernel tile(const Build& b) {
    return [opset = b.opset](const Call& c) -> Values {
        Integers times(static_cast<std::size_t>(c[0].dim()), 1);
        if (opset < 6)
            times[static_cast<std::size_t>(wrapped_axis(c.integer(2), c[0].dim()))] = c.integer(1);
        else
            times = c.integers(1);
        check<ShapeError>(static_cast<int>(times.size()) == c[0].dim(), "{} repeats for {}", times.size(),
                          c[0].shape());
        Shape result = c[0].shape();
        for (int i = 0; i < result.size(); ++i)
            result[i] = checked_mul(result[i], times[static_cast<std::size_t>(i)]);
        (void)c.bounded(result);
        return {Value(repeat(c[0], shape_of(times)), c.type(0))};
    };
}

Kernel concat(const Build& b) {
    const std::int64_t axis = b.opset < 4 ? b.attributes.integer("axis", 1) : b.attributes.integer("axis");
    return [axis](const Call& c) -> Values {
        std::vector<Tensor> parts;
        for (std::size_t i = 0; i < c.inputs.size(); ++i) parts.push_back(c[i]);
        return {Value(cat(parts, wrapped_axis(axis, c[0].dim())), c.type(0))};
    };
}

Kernel shape_kernel(const Build& b) {
    const std::int64_t start = b.attributes.integer("start", 0);
    const std::int64_t end = b.attributes.integer("end", max_dims);
    return [=](const Call& c) -> Values {
        const std::int64_t rank = c[0].dim();
        const auto bound = [&](std::int64_t i) {
            return std::clamp<std::int64_t>(i < 0 ? i + rank : i, 0, rank);
        };
        const Integers all = sizes_of(c[0]);
        const Integers part(all.begin() + bound(start), all.begin() + std::max(bound(start), bound(end)));
        return {Value(integers_of(part), ElementType::i64)};
    };
}

Kernel size_kernel(const Build&) {
    return [](const Call& c) -> Values { return {Value(integers_of({c[0].numel()}, {}), ElementType::i64)}; };
}

/// Blocks of channels become places, in the order of mode.
Kernel depth_to_space(const Build& b) {
    const std::int64_t block = b.attributes.integer("blocksize");
    const std::string mode = b.attributes.text("mode", "DCR");
    check<ValueError>(block > 0 && block < 1 << 20, "blocksize is {}", block);
    check<ValueError>(mode == "DCR" || mode == "CRD", "mode is \"{}\"", mode);
    return [=](const Call& c) -> Values {
        const Tensor& x = c[0];
        check<ShapeError>(x.dim() == 4 && x.size(1) % (block * block) == 0,
                          "{} does not have channels for blocks of {} x {}", x.shape(), block, block);
        const std::int64_t n = x.size(0), depth = x.size(1) / (block * block), h = x.size(2), w = x.size(3);
        const Tensor y = mode == "DCR"
                             ? permute(reshape(x, {n, block, block, depth, h, w}), {0, 3, 4, 1, 5, 2})
                             : permute(reshape(x, {n, depth, block, block, h, w}), {0, 1, 4, 2, 5, 3});
        return {Value(reshape(y, {n, depth, h * block, w * block}), c.type(0))};
    };
}

Kernel space_to_depth(const Build& b) {
    const std::int64_t block = b.attributes.integer("blocksize");
    check<ValueError>(block > 0 && block < 1 << 20, "blocksize is {}", block);
    return [=](const Call& c) -> Values {
        const Tensor& x = c[0];
        check<ShapeError>(x.dim() == 4 && x.size(2) % block == 0 && x.size(3) % block == 0,
                          "{} cannot be cut into blocks of {} x {}", x.shape(), block, block);
        const std::int64_t n = x.size(0), channels = x.size(1), h = x.size(2) / block, w = x.size(3) / block;
        const Tensor y = permute(reshape(x, {n, channels, h, block, w, block}), {0, 3, 5, 1, 2, 4});
        return {Value(reshape(y, {n, channels * block * block, h, w}), c.type(0))};
    };
}

Value value_of(const TensorValue& value) {
    (void)storable(static_cast<std::int64_t>(value.type));
    return {to_tensor(value), value.type};
}

Kernel constant(const Build& b) {
    const Attributes& a = b.attributes;
    for (const char* name : {"value_string", "value_strings", "sparse_value"})
        check<Unsupported>(!a.has(name), "the attribute {} is not supported", name);
    Value value;
    if (const TensorValue* given = a.tensor("value"))
        value = value_of(*given);
    else if (a.has("value_float"))
        value = Tensor(static_cast<float>(a.real("value_float", 0)));
    else if (a.has("value_int"))
        value = Tensor(a.integer("value_int"));
    else if (const auto numbers = a.reals("value_floats"))
        value = tensor(*numbers, {static_cast<std::int64_t>(numbers->size())}, DType::f32, Device::cpu());
    else if (const auto integers = a.integers("value_ints"))
        value = integers_of(*integers);
    check<ValueError>(value.tensor.defined(), "there is no value");
    return [value](const Call&) -> Values { return {value}; };
}

Kernel constant_of_shape(const Build& b) {
    Value value = Tensor(0.0F);
    if (const TensorValue* given = b.attributes.tensor("value")) value = value_of(*given);
    check<ValueError>(value.tensor.numel() == 1, "the value has {} elements, expected one",
                      value.tensor.numel());
    return [value](const Call& c) -> Values {
        const Shape shape = c.bounded(shape_of(c.integers(0)));
        return {Value(broadcast_to(reshape(value.tensor, Shape{}), shape).clone(), value.type)};
    };
}

Kernel eye_like(const Build& b) {
    const std::int64_t k = b.attributes.integer("k", 0);
    const bool typed = b.attributes.has("dtype");
    const ElementType type = type_attribute(b, "dtype", ElementType::f32);
    return [=](const Call& c) -> Values {
        check<ShapeError>(c[0].dim() == 2, "{} is no matrix", c[0].shape());
        const ElementType wanted = typed ? type : element_type(c[0].dtype());
        const Tensor rows = reshape(arange(c[0].size(0), Device::cpu()), {c[0].size(0), 1}) + k;
        return {cast(eq(rows, arange(c[0].size(1), Device::cpu())), wanted)};
    };
}

Kernel range_kernel(const Build&) {
    return [](const Call& c) -> Values {
        const double start = c.number(0), end = c.number(1), step = c.number(2);
        check<ValueError>(step != 0, "the step is 0");
        const double count = std::max(0.0, std::ceil((end - start) / step));
        check<ValueError>(count <= static_cast<double>(c.most), "{} elements from {} to {}", count, start,
                          end);
        const Tensor places = arange(static_cast<std::int64_t>(count), Device::cpu());
        if (is_integer(c[0])) return {Value((places * c[2] + c[0]).to(c[0].dtype()), c.type(0))};
        return {Value((places.to(DType::f64) * step + start).to(c[0].dtype()))};
    };
}

}  // namespace

std::span<const Row> shape_rows() {
    static constexpr Row rows[] = {
        {"Concat", 1, concat},
        {"Constant", 1, constant},
        {"ConstantOfShape", 9, constant_of_shape, set_of({0})},
        {"DepthToSpace", 1, depth_to_space},
        {"Expand", 8, expand_of, second_input},
        {"EyeLike", 9, eye_like, 0, Nature::of_shape},
        {"Flatten", 1, flatten_of},
        {"Range", 11, range_kernel, set_of({0, 1, 2})},
        {"Reshape", 1, reshape_of, second_input},
        {"Shape", 1, shape_kernel, 0, Nature::of_shape},
        {"Size", 1, size_kernel, 0, Nature::of_shape},
        {"SpaceToDepth", 1, space_to_depth},
        {"Squeeze", 1, squeeze_of, second_input},
        {"Tile", 1, tile, set_of({1, 2})},
        {"Transpose", 1, transpose_of},
        {"Unsqueeze", 1, unsqueeze_of, second_input},
    };
    return rows;
}

}  // namespace adjoint::onnx
