// Reading and writing IDX.
#include <adjoint/data/idx.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <limits>
#include <optional>
#include <vector>

#include <adjoint/core/base/format.h>
#include <adjoint/data/file.h>
#include <adjoint/data/memory.h>
#include <adjoint/data/tensor_bytes.h>

namespace adjoint::data {

namespace {

static_assert(std::endian::native == std::endian::little, "the byte order is swapped on reading and writing");

struct ElementType {
    const char* name;
    std::uint8_t code;
    std::optional<DType> dtype;
};

constexpr ElementType element_types[] = {
    {"u8", 0x08, DType::u8},   {"i8", 0x09, std::nullopt}, {"i16", 0x0b, std::nullopt},
    {"i32", 0x0c, DType::i32}, {"f32", 0x0d, DType::f32},  {"f64", 0x0e, DType::f64},
};

const ElementType* find_type(unsigned code) {
    for (const ElementType& type : element_types)
        if (type.code == code) return &type;
    return nullptr;
}

/// Element type and number of dimensions from the first four bytes.
std::pair<DType, int> parse_magic(const std::string& path, std::uint32_t magic) {
    constexpr std::uint32_t gzip_magic = 0x1f8b;
    check<IoError>(magic >> 16 != gzip_magic, "{}: not IDX but gzip inside gzip; unpack it once", path);
    const ElementType* const type = find_type(magic >> 8);
    if (type == nullptr) {
        const std::uint32_t swapped = __builtin_bswap32(magic);
        const bool reversed = find_type(swapped >> 8) != nullptr;
        fail<IoError>(
            "{}: not an IDX file: the magic number is 0x{:08x} ({}), expected 0x0000TTDD with a type TT of "
            "08, 0c, 0d or 0e and DD dimensions{}",
            path, magic, magic, reversed ? "; its bytes are reversed, IDX is big-endian" : "");
    }
    check<IoError>(type->dtype.has_value(), "{}: holds elements of type {}, expected u8, i32, f32 or f64",
                   path, type->name);
    return {*type->dtype, static_cast<int>(magic & 0xff)};
}

template <class T> void swap_each(std::span<std::byte> bytes) {
    for (std::size_t i = 0; i < bytes.size(); i += sizeof(T)) {
        T value;
        std::memcpy(&value, bytes.data() + i, sizeof(T));
        if constexpr (sizeof(T) == 4)
            value = __builtin_bswap32(value);
        else
            value = __builtin_bswap64(value);
        std::memcpy(bytes.data() + i, &value, sizeof(T));
    }
}

void swap_elements(std::span<std::byte> bytes, DType dtype) {
    if (size_of(dtype) == 4) swap_each<std::uint32_t>(bytes);
    if (size_of(dtype) == 8) swap_each<std::uint64_t>(bytes);
}

}  // namespace

namespace {

Tensor read_array(const std::string& path) {
    InputStream stream(path);
    std::array<std::byte, 4> magic{};
    stream.read(magic, "an IDX header");
    const auto [dtype, dims] = parse_magic(path, ByteReader(magic, path).read_u32_be());
    check<IoError>(dims <= max_dims, "{}: the header claims {} dimensions, at most {} are supported", path,
                   dims, max_dims);
    std::vector<std::byte> sizes_read(4 * static_cast<std::size_t>(dims));
    stream.read(sizes_read, "the list of sizes");
    ByteReader reader(sizes_read, path, magic.size());
    std::vector<std::uint64_t> sizes(static_cast<std::size_t>(dims));
    for (auto& size : sizes) size = reader.read_u32_be();

    const Claim wanted = claim(path, "the header", sizes, dtype);
    const std::string what =
        fmt::format("the array {} of {} in the header", to_string(wanted.shape), name(dtype));
    Tensor tensor = read_tensor(stream, wanted, what);
    stream.expect_end();
    swap_elements(fresh_bytes(tensor), dtype);
    return tensor;
}

void write_array(const std::string& path, const Tensor& tensor) {
    const auto bytes = bytes_of(tensor, "write_idx", "the tensor");
    const ElementType* found = nullptr;
    for (const ElementType& type : element_types)
        if (type.dtype == tensor.dtype()) found = &type;
    check<DTypeError>(found != nullptr, "write_idx: IDX holds u8, i32, f32 and f64, got {}",
                      name(tensor.dtype()));

    const std::size_t start = 4 + 4 * static_cast<std::size_t>(tensor.dim());
    std::vector<std::byte> file = room_for(start + bytes.size(), path, "the file");
    auto put = [at = file.begin()](std::uint32_t value) mutable {
        for (int shift = 24; shift >= 0; shift -= 8) *at++ = static_cast<std::byte>(value >> shift);
    };
    put(static_cast<std::uint32_t>(found->code) << 8 | static_cast<std::uint32_t>(tensor.dim()));
    for (const std::int64_t size : tensor.shape()) {
        check<ValueError>(size <= std::numeric_limits<std::uint32_t>::max(),
                          "write_idx: sizes in IDX have 32 bits, got {}", size);
        put(static_cast<std::uint32_t>(size));
    }
    std::copy(bytes.begin(), bytes.end(), file.begin() + static_cast<std::ptrdiff_t>(start));
    swap_elements(std::span(file.data(), file.size()).subspan(start), tensor.dtype());
    if (path.ends_with(".gz")) file = gzip(file);
    atomic_write(path, [&file](Writer& writer) { writer.write(file); });
}

}  // namespace

Tensor read_idx(const std::string& path) {
    return in_memory(path, [&] { return read_array(path); });
}
void write_idx(const std::string& path, const Tensor& tensor) {
    in_memory(path, [&] { write_array(path, tensor); });
}

}  // namespace adjoint::data
