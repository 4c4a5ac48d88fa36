// Element types of the format, and the way of elements from bytes to tensors and back.
#include <adjoint/onnx/format/tensor_value.h>

#include <cstring>
#include <limits>

#include <adjoint/core/base/format.h>
#include <adjoint/core/tensor/creation.h>
#include <adjoint/data/excerpt.h>

namespace adjoint::onnx {

namespace {

struct TypeRow {
    ElementType type;
    const char* name;
    int bits;
    std::optional<DType> stored;
};

constexpr TypeRow type_rows[] = {
    {ElementType::undefined, "undefined", 0, {}},
    {ElementType::f32, "float", 32, DType::f32},
    {ElementType::u8, "uint8", 8, DType::u8},
    {ElementType::i8, "int8", 8, DType::i32},
    {ElementType::u16, "uint16", 16, DType::i32},
    {ElementType::i16, "int16", 16, DType::i32},
    {ElementType::i32, "int32", 32, DType::i32},
    {ElementType::i64, "int64", 64, DType::i64},
    {ElementType::string, "string", 0, {}},
    {ElementType::boolean, "bool", 8, DType::boolean},
    {ElementType::f16, "float16", 16, DType::f16},
    {ElementType::f64, "double", 64, DType::f64},
    {ElementType::u32, "uint32", 32, DType::i64},
    {ElementType::u64, "uint64", 64, DType::i64},
    {ElementType::complex64, "complex64", 64, {}},
    {ElementType::complex128, "complex128", 128, {}},
    {ElementType::bf16, "bfloat16", 16, DType::bf16},
    {ElementType::f8e4m3fn, "float8e4m3fn", 8, {}},
    {ElementType::f8e4m3fnuz, "float8e4m3fnuz", 8, {}},
    {ElementType::f8e5m2, "float8e5m2", 8, {}},
    {ElementType::f8e5m2fnuz, "float8e5m2fnuz", 8, {}},
    {ElementType::u4, "uint4", 4, {}},
    {ElementType::i4, "int4", 4, {}},
    {ElementType::f4e2m1, "float4e2m1", 4, {}},
};

const TypeRow& row(ElementType type) noexcept {
    const auto number = static_cast<std::size_t>(static_cast<std::int32_t>(type));
    return number < std::size(type_rows) ? type_rows[number] : type_rows[0];
}

/// The elements, stored as From in the bytes, as a tensor of Into.
template <class From, class Into> Tensor widened(const TensorValue& value, const Shape& shape) {
    std::vector<Into> elements(value.bytes.view.size() / sizeof(From));
    for (std::size_t i = 0; i < elements.size(); ++i) {
        From element;
        std::memcpy(&element, value.bytes.view.data() + i * sizeof(From), sizeof(From));
        if constexpr (sizeof(From) == sizeof(Into))
            check<ValueError>(element <= static_cast<From>(std::numeric_limits<Into>::max()),
                              "tensor {}: the uint64 {} at index {} is above 2^63 - 1",
                              data::excerpt(value.name), element, i);
        elements[i] = static_cast<Into>(element);
    }
    return tensor(elements, shape, Device::cpu());
}

}  // namespace

const char* name(ElementType type) noexcept { return row(type).name; }
int bits_of(ElementType type) noexcept { return row(type).bits; }
std::optional<DType> stored_as(ElementType type) noexcept { return row(type).stored; }

ElementType element_type(DType type) noexcept {
    constexpr ElementType types[] = {ElementType::f16, ElementType::bf16,   ElementType::f32,
                                     ElementType::f64, ElementType::u8,     ElementType::i32,
                                     ElementType::i64, ElementType::boolean};
    return types[static_cast<std::size_t>(type)];
}

std::optional<std::uint64_t> bytes_for(ElementType type, std::span<const std::int64_t> dims) noexcept {
    std::uint64_t count = 1;
    bool zero = false;
    for (const std::int64_t size : dims) {
        if (size < 0) return {};
        zero = zero || size == 0;
        if (size > 0 && __builtin_mul_overflow(count, static_cast<std::uint64_t>(size), &count)) return {};
    }
    const auto bits = static_cast<std::uint64_t>(bits_of(type));
    if (count > std::numeric_limits<std::int64_t>::max() / 128) return {};
    return zero ? 0 : (count * bits + 7) / 8;
}

Tensor to_tensor(const TensorValue& value) {
    const std::string shown = data::excerpt(value.name);
    const auto stored = stored_as(value.type);
    check<DTypeError>(stored.has_value(), "tensor {}: the element type {} is not supported", shown,
                      name(value.type));
    check<ValueError>(value.dims.size() <= max_dims, "tensor {}: {} dimensions, at most {} are supported",
                      shown, value.dims.size(), max_dims);
    const auto bytes = bytes_for(value.type, value.dims);
    check<ValueError>(bytes == value.bytes.view.size(), "tensor {}: {} bytes do not fill ({}) of {}", shown,
                      value.bytes.view.size(), fmt::join(value.dims, ", "), name(value.type));
    const Shape shape(value.dims);
    switch (value.type) {
        case ElementType::i8:
            return widened<std::int8_t, std::int32_t>(value, shape);
        case ElementType::i16:
            return widened<std::int16_t, std::int32_t>(value, shape);
        case ElementType::u16:
            return widened<std::uint16_t, std::int32_t>(value, shape);
        case ElementType::u32:
            return widened<std::uint32_t, std::int64_t>(value, shape);
        case ElementType::u64:
            return widened<std::uint64_t, std::int64_t>(value, shape);
        case ElementType::boolean: {
            std::vector<std::uint8_t> elements(value.bytes.view.size());
            for (std::size_t i = 0; i < elements.size(); ++i)
                elements[i] = value.bytes.view[i] != std::byte{0};
            return tensor(elements, shape, DType::boolean, Device::cpu());
        }
        default:
            break;
    }
    return tensor_from_host(value.bytes.view.data(), shape, *stored,
                            {.dtype = *stored, .device = Device::cpu()});
}

TensorValue tensor_value(const std::string& name, const Tensor& tensor) {
    const auto owner = std::make_shared<const Tensor>(tensor.detach().to(Device::cpu()).contiguous());
    const auto* first = reinterpret_cast<const std::byte*>(owner->impl().data);
    const auto size = static_cast<std::size_t>(owner->numel()) * size_of(owner->dtype());
    return {.name = name,
            .type = element_type(tensor.dtype()),
            .dims = {tensor.shape().begin(), tensor.shape().end()},
            .bytes = {.view = {first, size}, .owner = owner},
            .strings = {}};
}

}  // namespace adjoint::onnx
