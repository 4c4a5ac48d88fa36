// Conversions by the types of the file, and integers on the host.
#include <adjoint/onnx/import/helpers.h>

#include <algorithm>

#include <adjoint/autograd/ops/arithmetic.h>
#include <adjoint/autograd/ops/elementwise.h>
#include <adjoint/autograd/ops/shape.h>
#include <adjoint/core/base/format.h>
#include <adjoint/core/tensor/creation.h>

namespace adjoint::onnx {

const Tensor& Call::operator[](std::size_t i) const {
    check<ValueError>(has(i), "input {} is missing", i);
    return inputs[i].tensor;
}

std::vector<std::int64_t> Call::integers(std::size_t i) const {
    const Tensor& x = (*this)[i];
    check<DTypeError>(is_integer(x) || x.dtype() == DType::boolean, "input {} is of {}, expected integers", i,
                      name(x.dtype()));
    return inputs[i].host ? inputs[i].host->integers : x.to_vector<std::int64_t>();
}

std::vector<double> Call::numbers(std::size_t i) const {
    const Tensor& x = (*this)[i];
    return inputs[i].host ? inputs[i].host->numbers : x.to_vector<double>();
}

std::int64_t Call::integer(std::size_t i) const {
    const auto all = integers(i);
    check<ShapeError>(all.size() == 1, "input {} has {} elements, expected one", i, all.size());
    return all[0];
}

double Call::number(std::size_t i) const {
    const auto all = numbers(i);
    check<ShapeError>(all.size() == 1, "input {} has {} elements, expected one", i, all.size());
    return all[0];
}

std::optional<double> Call::known(std::size_t i) const {
    if (!has(i) || !inputs[i].host || inputs[i].host->numbers.size() != 1) return {};
    return inputs[i].host->numbers[0];
}

std::int64_t bytes_of(const Value& value) {
    if (!value.tensor.defined()) return 0;
    const Storage* storage = value.tensor.impl().storage.get();
    const std::int64_t own = value.tensor.numel() * static_cast<std::int64_t>(size_of(value.tensor.dtype()));
    return storage ? std::min(own, static_cast<std::int64_t>(storage->bytes())) : own;
}

void Allowance::hold(const Value& value) {
    held_ += bytes_of(value);
    check<OutOfMemoryError>(held_ <= bytes_,
                            "the values of the model have {} bytes, at most {} are allowed{}", held_, bytes_,
                            run_bytes_hint);
}

void Allowance::iterate() {
    check<ValueError>(iterated_++ < iterations_,
                      "the loops of the model have taken {} steps; onnx::Limits::iterations is the limit",
                      iterations_);
}

const Shape& bounded(const Shape& shape, std::int64_t most) {
    std::int64_t count = 1;
    for (const std::int64_t size : shape) {
        check<ValueError>(size >= 0, "a result of shape {} is asked for", shape);
        const bool large = size != 0 && __builtin_mul_overflow(count, size, &count);
        check<ValueError>(!large && count <= most, "a result of shape {} is asked for, more than {} elements",
                          shape, most);
    }
    return shape;
}

bool is_integer(const Tensor& x) noexcept {
    return x.dtype() == DType::u8 || x.dtype() == DType::i32 || x.dtype() == DType::i64;
}

std::int64_t negated(std::int64_t x) noexcept {
    return static_cast<std::int64_t>(-static_cast<std::uint64_t>(x));
}

bool is_unsigned(ElementType type) noexcept {
    return type == ElementType::u8 || type == ElementType::u16 || type == ElementType::u32 ||
           type == ElementType::u64;
}

Range range_of(ElementType type) {
    const int bits = bits_of(type);
    check<DTypeError>(bits <= 32, "a type of at most 32 bits is expected, not {}", name(type));
    if (is_unsigned(type)) return {0, (std::int64_t{1} << bits) - 1};
    return {-(std::int64_t{1} << (bits - 1)), (std::int64_t{1} << (bits - 1)) - 1};
}

Value wrapped(const Tensor& x, ElementType type) {
    switch (type) {
        case ElementType::i8:
            return {map_integers(x, [](auto v) -> std::int64_t { return static_cast<std::int8_t>(v); }),
                    type};
        case ElementType::i16:
            return {map_integers(x, [](auto v) -> std::int64_t { return static_cast<std::int16_t>(v); }),
                    type};
        case ElementType::u16:
            return {map_integers(x, [](auto v) -> std::int64_t { return static_cast<std::uint16_t>(v); }),
                    type};
        case ElementType::u32:
            return {map_integers(x, [](auto v) -> std::int64_t { return static_cast<std::uint32_t>(v); }),
                    type};
        default:
            return {x, type};
    }
}

Value cast(const Tensor& x, ElementType type) {
    const DType wanted = *stored_as(type);
    if (wanted == DType::boolean && x.dtype() != DType::boolean) return {ne(x, filled({}, 0, x)), type};
    const bool narrow = bits_of(type) < static_cast<int>(8 * size_of(wanted));
    if (!narrow) return {x.to(wanted), type};
    return wrapped(x.to(DType::i64).to(wanted), type);
}

ElementType storable(std::int64_t type) {
    const auto element = static_cast<ElementType>(type);
    const bool known = type > 0 && type < 24;
    check<Unsupported>(known && stored_as(element), "the element type {} is not supported",
                       known ? name(element) : std::to_string(type));
    return element;
}

ElementType type_attribute(const Build& build, const char* name, ElementType otherwise) {
    return storable(build.attributes.integer(name, static_cast<std::int64_t>(otherwise)));
}

Tensor integers_of(const Integers& values) {
    return integers_of(values, {static_cast<std::int64_t>(values.size())});
}
Tensor integers_of(const Integers& values, const Shape& shape) {
    return tensor(values, shape, Device::cpu());
}

Shape shape_of(const Integers& sizes) {
    check<ShapeError>(sizes.size() <= max_dims, "{} dimensions, at most {} are supported", sizes.size(),
                      max_dims);
    return Shape(sizes);
}

Integers sizes_of(const Tensor& x) { return {x.shape().begin(), x.shape().end()}; }

Tensor map_integers(const Tensor& x, const std::function<std::int64_t(std::int64_t)>& f) {
    Integers values = x.to_vector<std::int64_t>();
    for (std::int64_t& value : values) value = f(value);
    return integers_of(values, x.shape()).to(x.dtype()).to(x.device());
}

Tensor map_integers(const Tensor& a, const Tensor& b,
                    const std::function<std::int64_t(std::int64_t, std::int64_t)>& f) {
    const Shape shape = broadcast_shapes("onnx", a.shape(), b.shape());
    Integers left = broadcast_to(a, shape).to_vector<std::int64_t>();
    const Integers right = broadcast_to(b, shape).to_vector<std::int64_t>();
    for (std::size_t i = 0; i < left.size(); ++i) left[i] = f(left[i], right[i]);
    return integers_of(left, shape).to(a.dtype()).to(a.device());
}

int wrapped_axis(std::int64_t axis, int rank) {
    check<IndexError>(axis >= -rank && axis < rank, "axis {} of a tensor of {} dimensions", axis, rank);
    return static_cast<int>(axis < 0 ? axis + rank : axis);
}

Integers wrapped_axes(const Integers& axes, int rank) {
    Integers out;
    for (const std::int64_t axis : axes) out.push_back(wrapped_axis(axis, rank));
    std::sort(out.begin(), out.end());
    const auto twice = std::adjacent_find(out.begin(), out.end());
    check<ValueError>(twice == out.end(), "axis {} is named twice", twice == out.end() ? 0 : *twice);
    return out;
}

std::function<std::optional<Integers>(const Call&)> axes_of(const Build& build, std::int64_t since,
                                                            std::size_t input, const char* name) {
    if (build.opset < since) return [axes = build.attributes.integers(name)](const Call&) { return axes; };
    return [input](const Call& call) {
        return call.has(input) ? std::optional(call.integers(input)) : std::nullopt;
    };
}

Tensor activated(const Tensor& x, Activation activation) {
    check<ValueError>(activation == Activation::none || activation == Activation::relu,
                      "an activation that nothing puts behind a step");
    return activation == Activation::relu ? relu(x) : x;
}

Tensor filled(const Shape& shape, double value, const Tensor& like) {
    return full(shape, value, {.dtype = like.dtype(), .device = like.device()});
}

}  // namespace adjoint::onnx
