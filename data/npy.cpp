// Reading and writing .npy.
#include <adjoint/data/npy.h>

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cstring>
#include <optional>
#include <vector>

#include <adjoint/core/base/format.h>
#include <adjoint/core/tensor/creation.h>
#include <adjoint/data/excerpt.h>
#include <adjoint/data/file.h>
#include <adjoint/data/memory.h>
#include <adjoint/data/npy_format.h>
#include <adjoint/data/tensor_bytes.h>

namespace adjoint::data {

namespace {

static_assert(std::endian::native == std::endian::little, "elements are written as they lie in memory");

constexpr std::string_view magic = "\x93NUMPY";
// Far above what eight dimensions need, far below what would hurt.
constexpr std::uint32_t longest_header = 1 << 20;

struct Description {
    std::string_view text;
    DType dtype;
    ForeignInteger stored = {};
};

// Those of our types stand first.
constexpr Description descriptions[] = {
    {"<f2", DType::f16},
    {"<f4", DType::f32},
    {"<f8", DType::f64},
    {"<i4", DType::i32},
    {"<i8", DType::i64},
    {"|u1", DType::u8},
    {"|b1", DType::boolean},
    {"|i1", DType::i32, {1, true}},
    {"<i2", DType::i32, {2, true}},
    {"<u2", DType::i32, {2, false}},
    {"<u4", DType::i64, {4, false}},
    {"<u8", DType::i64, {8, false}},
};

struct NpyHeader {
    std::optional<DType> dtype;
    ForeignInteger stored{};
    std::optional<bool> column_major;
    std::optional<std::vector<std::uint64_t>> sizes;
};

/// Parser of the header: a Python dictionary with exactly the keys descr, fortran_order and shape.
class NpyHeaderParser {
  public:
    NpyHeaderParser(std::string_view text, const std::string& path) : text_(text), path_(path) {}

    NpyHeader parse() {
        expect('{');
        while (!accept('}')) {
            entry();
            if (accept(',')) continue;
            expect('}');
            break;
        }
        skip_blanks();
        if (at_ != text_.size()) malformed("the end");
        const char* const missing = !header_.dtype          ? "descr"
                                    : !header_.column_major ? "fortran_order"
                                    : !header_.sizes        ? "shape"
                                                            : nullptr;
        if (missing) fail<IoError>("{}: the header has no {}", path_, missing);
        return header_;
    }

  private:
    void entry() {
        const std::string_view key = quoted();
        expect(':');
        const bool again = (key == "descr" && header_.dtype) ||
                           (key == "fortran_order" && header_.column_major) ||
                           (key == "shape" && header_.sizes);
        check<IoError>(!again, "{}: the header has {} twice", path_, key);
        if (key == "descr") return parse_type();
        if (key == "fortran_order") return parse_order();
        if (key == "shape") return parse_sizes();
        fail<IoError>("{}: the header has the key {}, expected descr, fortran_order and shape", path_,
                      excerpt(key));
    }

    void parse_type() {
        skip_blanks();
        if (at_ < text_.size() && text_[at_] == '[')
            fail<IoError>("{}: holds records with fields, expected plain numbers", path_);
        const std::string_view wanted = quoted();
        const std::string_view order = wanted.substr(0, 1), type = wanted.substr(1);
        for (const Description& known : descriptions) {
            const bool single_byte = known.text[0] == '|';
            const bool order_fits = order == known.text.substr(0, 1) || order == "=" ||
                                    (single_byte && (order == "<" || order == ">"));
            if (!order_fits || type != known.text.substr(1)) continue;
            header_.dtype = known.dtype;
            header_.stored = known.stored;
        }
        check<IoError>(
            header_.dtype.has_value(),
            "{}: holds elements of type {}, expected one of <f2, <f4, <f8, <i2, <i4, <i8, <u2, <u4, "
            "<u8, |i1, |u1, |b1{}",
            path_, excerpt(wanted), wanted.starts_with('>') ? " (it is big-endian)" : "");
    }

    void parse_order() {
        skip_blanks();
        const std::string_view rest = text_.substr(at_);
        constexpr std::string_view yes = "True", no = "False";
        if (!rest.starts_with(yes) && !rest.starts_with(no)) malformed("True or False");
        header_.column_major = rest.starts_with(yes);
        at_ += *header_.column_major ? yes.size() : no.size();
    }

    void parse_sizes() {
        header_.sizes.emplace();
        expect('(');
        while (!accept(')')) {
            skip_blanks();
            std::uint64_t size = 0;
            const char* const last = text_.data() + text_.size();
            const auto [end, code] = std::from_chars(text_.data() + at_, last, size);
            if (code != std::errc{}) malformed("a size below 2^64");
            at_ = static_cast<std::size_t>(end - text_.data());
            // Files from Python 2 have the L of a long integer.
            if (at_ < text_.size() && text_[at_] == 'L') ++at_;
            header_.sizes->push_back(size);
            check<IoError>(header_.sizes->size() <= max_dims, "{}: the array has more than {} dimensions",
                           path_, max_dims);
            if (accept(',')) continue;
            expect(')');
            break;
        }
    }

    std::string_view quoted() {
        skip_blanks();
        const char quote = at_ < text_.size() ? text_[at_] : '\0';
        if (quote != '\'' && quote != '"') malformed("a quoted word");
        const std::size_t start = at_ + 1, end = text_.find(quote, start);
        if (end == std::string_view::npos || end == start) malformed("a quoted word");
        at_ = end + 1;
        return text_.substr(start, end - start);
    }

    void skip_blanks() {
        while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n')) ++at_;
    }
    bool accept(char c) {
        skip_blanks();
        if (at_ == text_.size() || text_[at_] != c) return false;
        ++at_;
        return true;
    }
    void expect(char c) {
        if (!accept(c)) malformed(std::string{'\'', c, '\''});
    }
    [[noreturn]] void malformed(std::string_view wanted) const {
        fail<IoError>("{}: malformed header: {} expected at {}", path_, wanted, excerpt(text_.substr(at_)));
    }

    std::string_view text_;
    const std::string& path_;
    std::size_t at_ = 0;
    NpyHeader header_;
};

NpyHeader read_header(InputStream& stream) {
    std::array<std::byte, 8> start{};
    stream.read(start, "an npy header");
    ByteReader reader(start, stream.path());
    const auto found = reader.take(magic.size());
    check<IoError>(std::memcmp(found.data(), magic.data(), magic.size()) == 0,
                   "{}: not an npy file: starts with {}, expected \\x93NUMPY", stream.path(),
                   excerpt({reinterpret_cast<const char*>(found.data()), found.size()}));
    const unsigned major = reader.read_u8(), minor = reader.read_u8();
    check<IoError>(major >= 1 && major <= 3 && minor == 0, "{}: npy format {}.{}, expected 1.0, 2.0 or 3.0",
                   stream.path(), major, minor);
    std::array<std::byte, 4> length_read{};
    const std::size_t length_bytes = major == 1 ? 2 : 4;
    stream.read(std::span(length_read.data(), length_read.size()).first(length_bytes), "the header's length");
    const std::uint32_t length = ByteReader(length_read, stream.path(), start.size()).read_u32_le();
    check<IoError>(length <= longest_header, "{}: a header of {} bytes, at most {} are allowed",
                   stream.path(), length, longest_header);
    stream.expect(length, "the header");
    std::string text(length, '\0');
    stream.read(std::as_writable_bytes(std::span(text.data(), text.size())), "the header");
    return NpyHeaderParser(text, stream.path()).parse();
}

/// Copies elements of `width` bytes from column-major order to row-major.
void transpose(std::span<const std::byte> from, std::span<std::byte> to, const Shape& shape,
               std::size_t width) {
    if (to.empty()) return;
    Shape steps = shape, index = Shape::filled(shape.size(), 0);
    std::int64_t step = 1;
    for (int i = 0; i < shape.size(); ++i) {
        steps[i] = step;
        step *= shape[i];
    }
    std::size_t source = 0;
    for (std::size_t done = 0; done < to.size(); done += width) {
        std::memcpy(to.data() + done, from.data() + source * width, width);
        for (int i = shape.size(); i-- > 0;) {
            source += static_cast<std::size_t>(steps[i]);
            if (++index[i] < shape[i]) break;
            source -= static_cast<std::size_t>(steps[i] * shape[i]);
            index[i] = 0;
        }
    }
}

}  // namespace

Tensor read_npy(InputStream& stream) {
    const std::string& path = stream.path();
    const NpyHeader header = read_header(stream);
    const Claim wanted = claim(path, "the header", *header.sizes, *header.dtype);
    const std::string what = fmt::format("the array {} of {}", to_string(wanted.shape), name(wanted.dtype));
    Tensor tensor = read_tensor(stream, wanted, header.stored, what);
    stream.expect_end();
    if (!*header.column_major || wanted.shape.size() < 2) return tensor;
    Tensor turned = empty(wanted.shape, wanted.dtype, Device::cpu());
    transpose(fresh_bytes(tensor), fresh_bytes(turned), wanted.shape, size_of(wanted.dtype));
    return turned;
}

Tensor read_npy(const std::string& path) {
    return in_memory(path, [&] {
        InputStream stream(path);
        return read_npy(stream);
    });
}

std::string npy_header(const Tensor& tensor, std::string_view op) {
    const auto* const type =
        std::find_if(std::begin(descriptions), std::end(descriptions),
                     [&](const Description& known) { return known.dtype == tensor.dtype(); });
    check<DTypeError>(type != std::end(descriptions), "{}: NumPy has no {}; convert with to(f32)", op,
                      name(tensor.dtype()));
    std::string header = fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': {}, }}", type->text,
                                     to_string(tensor.shape()));
    // NumPy wants the data to start at a multiple of 64 so that it can map the file.
    constexpr std::size_t alignment = 64, before = magic.size() + 4;
    const std::size_t used = before + header.size() + 1;
    header.append((alignment - used % alignment) % alignment, ' ');
    header += '\n';
    const auto length = static_cast<std::uint16_t>(header.size());
    std::string start(magic);
    start += std::string_view("\x01\x00", 2);
    start += std::string_view(reinterpret_cast<const char*>(&length), sizeof(length));
    return start + header;
}

void write_npy(const std::string& path, const Tensor& tensor) {
    const auto bytes = bytes_of(tensor, "write_npy", "the tensor");
    in_memory(path, [&] {
        const std::string header = npy_header(tensor, "write_npy");
        atomic_write(path, [&](Writer& writer) {
            writer.write(header);
            writer.write(bytes);
        });
    });
}

}  // namespace adjoint::data
