// Checks on what files claim, and reading into tensors.
#include <adjoint/data/tensor_bytes.h>

#include <algorithm>
#include <array>
#include <limits>
#include <utility>
#include <vector>

#include <adjoint/core/base/format.h>
#include <adjoint/core/tensor/creation.h>

namespace adjoint::data {

Claim claim(const std::string& path, std::string_view what, std::span<const std::uint64_t> sizes,
            DType dtype) {
    check<IoError>(sizes.size() <= max_dims, "{}: {} has {} dimensions, at most {} are supported", path, what,
                   sizes.size(), max_dims);
    std::array<std::int64_t, max_dims> signed_sizes{};
    std::int64_t bytes = static_cast<std::int64_t>(size_of(dtype));
    bool zero = false, overflow = false;
    for (std::size_t i = 0; i < sizes.size(); ++i) {
        zero = zero || sizes[i] == 0;
        overflow = overflow ||
                   sizes[i] > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()) ||
                   __builtin_mul_overflow(
                       bytes, std::max<std::int64_t>(1, static_cast<std::int64_t>(sizes[i])), &bytes);
        if (!overflow) signed_sizes[i] = static_cast<std::int64_t>(sizes[i]);
    }
    check<IoError>(!overflow, "{}: {} claims the sizes ({}) of {}, more than 2^63 bytes", path, what,
                   fmt::join(sizes, ", "), name(dtype));
    return {Shape(std::span<const std::int64_t>(signed_sizes.data(), sizes.size())), dtype,
            zero ? 0 : static_cast<std::uint64_t>(bytes)};
}

Tensor read_tensor(InputStream& stream, const Claim& wanted, std::string_view what) {
    stream.expect(wanted.bytes, what);
    Tensor tensor = empty(wanted.shape, wanted.dtype, Device::cpu());
    const auto bytes = fresh_bytes(tensor);
    stream.read(bytes, what);
    if (wanted.dtype == DType::boolean) {
        const auto odd =
            std::find_if(bytes.begin(), bytes.end(), [](std::byte b) { return b > std::byte{1}; });
        if (odd != bytes.end())
            fail<IoError>("{}: {} is of type bool but holds the byte {} at index {}", stream.path(), what,
                          std::to_integer<int>(*odd), odd - bytes.begin());
    }
    return tensor;
}

namespace {

template <class Stored, class Into>
Tensor widened_integers(InputStream& stream, const Claim& wanted, std::string_view what) {
    const auto count = static_cast<std::size_t>(wanted.shape.numel());
    stream.expect(count * sizeof(Stored), what);
    std::vector<Stored> stored(count);
    stream.read(std::as_writable_bytes(std::span(stored.data(), stored.size())), what);
    std::vector<Into> values(count);
    for (std::size_t i = 0; i < count; ++i) {
        check<IoError>(std::in_range<Into>(stored[i]), "{}: {} holds {} at index {}, more than {} can",
                       stream.path(), what, stored[i], i, name(wanted.dtype));
        values[i] = static_cast<Into>(stored[i]);
    }
    return tensor(values, wanted.shape, Device::cpu());
}

}  // namespace

Tensor read_tensor(InputStream& stream, const Claim& wanted, ForeignInteger stored, std::string_view what) {
    switch (stored.bytes) {
        case 1:
            return widened_integers<std::int8_t, std::int32_t>(stream, wanted, what);
        case 2:
            return stored.is_signed ? widened_integers<std::int16_t, std::int32_t>(stream, wanted, what)
                                    : widened_integers<std::uint16_t, std::int32_t>(stream, wanted, what);
        case 4:
            return widened_integers<std::uint32_t, std::int64_t>(stream, wanted, what);
        case 8:
            return widened_integers<std::uint64_t, std::int64_t>(stream, wanted, what);
        default:
            return read_tensor(stream, wanted, what);
    }
}

std::span<std::byte> fresh_bytes(const Tensor& tensor) {
    return {reinterpret_cast<std::byte*>(tensor.impl().data),
            static_cast<std::size_t>(tensor.numel()) * size_of(tensor.dtype())};
}

std::span<const std::byte> bytes_of(const Tensor& tensor, std::string_view op, std::string_view what) {
    check<ValueError>(tensor.defined(), "{}: {} is undefined", op, what);
    check<DeviceError>(tensor.device().is_cpu(), "{}: {} lives on {}; move it with to(Device::cpu())", op,
                       what, to_string(tensor.device()));
    check<ValueError>(tensor.is_contiguous(), "{}: {} is not dense; pass contiguous()", op, what);
    return fresh_bytes(tensor);
}

}  // namespace adjoint::data
