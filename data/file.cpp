// Reading files, plain and gzip, and picking numbers out of their bytes.
#include <adjoint/data/file.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <limits>

#include <adjoint/core/base/format.h>
#include <adjoint/data/deflate.h>
#include <adjoint/data/descriptor.h>
#include <adjoint/data/memory.h>

namespace adjoint::data {

namespace {

constexpr std::size_t input_chunk = 256 * 1024;
constexpr auto gzip_first = std::byte{0x1f}, gzip_second = std::byte{0x8b};

struct OpenFile {
    Descriptor descriptor;
    std::uint64_t size;
};

OpenFile open_regular(const std::string& path) {
    // Without O_NONBLOCK opening a pipe would wait for its other end before we can refuse it.
    Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (!file.valid()) {
        const int code = errno;
        if (code == ENOENT) fail<IoError>("{}: no such file", path);
        fail<IoError>("{}: cannot be opened: {}", path, system_reason(code));
    }
    struct stat info {};
    check<IoError>(::fstat(file.get(), &info) == 0, "{}: cannot be examined: {}", path, system_reason(errno));
    check<IoError>(!S_ISDIR(info.st_mode), "{}: is a directory, a file was expected", path);
    check<IoError>(S_ISREG(info.st_mode), "{}: is not a regular file", path);
    return {std::move(file), static_cast<std::uint64_t>(info.st_size)};
}

/// Fills `out` up to the end of the file.
std::size_t read_up_to(const Descriptor& file, std::span<std::byte> out, const std::string& path) {
    std::size_t done = 0;
    while (done < out.size()) {
        const ssize_t count = ::read(file.get(), out.data() + done, out.size() - done);
        if (count == 0) break;
        if (count < 0) {
            if (errno == EINTR) continue;
            fail<IoError>("{}: cannot be read: {}", path, system_reason(errno));
        }
        done += static_cast<std::size_t>(count);
    }
    return done;
}

}  // namespace

struct InputStream::State {
    std::string path;
    Descriptor file;
    std::uint64_t size = 0;
    std::uint64_t position = 0;  // in the unpacked data
    bool compressed = false;
    bool in_member = false;  // of the archive, which may hold several one after another
    z_stream inflater{};
    std::vector<std::byte> input;
    std::optional<std::vector<std::byte>> memory;  // instead of a file

    State(std::vector<std::byte> content, std::string name)
        : path(std::move(name)), size(content.size()), memory(std::move(content)) {}
    explicit State(std::string name) : path(std::move(name)) {
        auto [descriptor, bytes] = open_regular(path);
        file = std::move(descriptor);
        size = bytes;
        std::array<std::byte, 2> magic{};
        const ssize_t seen = ::pread(file.get(), magic.data(), magic.size(), 0);
        check<IoError>(seen >= 0, "{}: cannot be read: {}", path, system_reason(errno));
        compressed = seen == 2 && magic[0] == gzip_first && magic[1] == gzip_second;
        if (!compressed) return;
        input.resize(input_chunk);
        constexpr int gzip_only = 16 + MAX_WBITS;
        check<IoError>(inflateInit2(&inflater, gzip_only) == Z_OK, "{}: zlib cannot start", path);
        in_member = true;
    }
    ~State() {
        if (compressed) inflateEnd(&inflater);
    }
    State(const State&) = delete;
    State& operator=(const State&) = delete;

    std::size_t copy(std::span<std::byte> out) {
        if (!memory) return read_up_to(file, out, path);
        const auto rest = std::span(memory->data(), memory->size()).subspan(position);
        const std::size_t count = std::min(out.size(), rest.size());
        std::copy_n(rest.begin(), count, out.begin());
        return count;
    }

    bool refill() {
        const std::size_t count = read_up_to(file, input, path);
        inflater.next_in = reinterpret_cast<Bytef*>(input.data());
        inflater.avail_in = static_cast<uInt>(count);
        return count > 0;
    }

    /// True at the start of a further member, false at the end of the file.
    bool next_member() {
        if (inflater.avail_in == 0 && !refill()) return false;
        check<IoError>(static_cast<std::byte>(*inflater.next_in) == gzip_first,
                       "{}: something else follows the gzip data", path);
        inflateReset(&inflater);
        in_member = true;
        return true;
    }

    std::size_t unpack(std::span<std::byte> out) {
        std::size_t done = 0;
        while (done < out.size()) {
            if (!in_member && !next_member()) break;
            const bool at_end = inflater.avail_in == 0 && !refill();
            constexpr std::size_t most = std::numeric_limits<uInt>::max();
            const auto room = static_cast<uInt>(std::min(out.size() - done, most));
            inflater.next_out = reinterpret_cast<Bytef*>(out.data() + done);
            inflater.avail_out = room;
            const int code = inflate(&inflater, Z_NO_FLUSH);
            done += room - inflater.avail_out;
            if (code == Z_STREAM_END) {
                in_member = false;
            } else if (code == Z_BUF_ERROR && at_end) {
                fail<IoError>("{}: truncated gzip data: {} bytes unpack to {} and there the file ends", path,
                              size, position + done);
            } else if (code != Z_OK && code != Z_BUF_ERROR) {
                fail<IoError>("{}: corrupt gzip data after {} unpacked bytes: {}", path, position + done,
                              inflater.msg ? inflater.msg : zError(code));
            }
        }
        return done;
    }
};

InputStream::InputStream(std::string path) : state_(std::make_unique<State>(std::move(path))) {}
InputStream::InputStream(std::vector<std::byte> content, std::string name)
    : state_(std::make_unique<State>(std::move(content), std::move(name))) {}
InputStream::~InputStream() = default;
InputStream::InputStream(InputStream&&) noexcept = default;
InputStream& InputStream::operator=(InputStream&&) noexcept = default;

const std::string& InputStream::path() const noexcept { return state_->path; }
bool InputStream::compressed() const noexcept { return state_->compressed; }
std::uint64_t InputStream::file_size() const noexcept { return state_->size; }

void InputStream::expect(std::uint64_t bytes, std::string_view what) const {
    if (compressed()) {
        check<IoError>(bytes / deflate_ratio <= state_->size,
                       "{}: {} needs {} bytes, an archive of {} bytes cannot hold them", path(), what, bytes,
                       state_->size);
        return;
    }
    const std::uint64_t left = state_->size - std::min(state_->size, state_->position);
    check<IoError>(bytes <= left, "{}: {} needs {} bytes, the file has {} left at offset {}", path(), what,
                   bytes, left, state_->position);
}

std::size_t InputStream::read_some(std::span<std::byte> out) {
    const std::size_t count = compressed() ? state_->unpack(out) : state_->copy(out);
    state_->position += count;
    return count;
}

void InputStream::read(std::span<std::byte> out, std::string_view what) {
    const std::uint64_t start = state_->position;
    const std::size_t count = read_some(out);
    check<IoError>(count == out.size(), "{}: {} needs {} bytes at offset {}, only {} are there", path(), what,
                   out.size(), start, count);
}

void InputStream::expect_end() {
    const std::uint64_t end = state_->position;
    std::byte extra{};
    if (read_some({&extra, 1}) == 0) return;
    if (compressed()) fail<IoError>("{}: the data should end after {} bytes but goes on", path(), end);
    fail<IoError>("{}: the data should end after {} bytes, the file has {}", path(), end, state_->size);
}

std::vector<std::byte> read_file(const std::string& path) {
    const OpenFile file = open_regular(path);
    std::vector<std::byte> bytes = room_for(file.size, path, "the file");
    const std::size_t count = read_up_to(file.descriptor, bytes, path);
    check<IoError>(count == bytes.size(), "{}: {} bytes expected, {} read", path, bytes.size(), count);
    return bytes;
}

bool starts_with(const std::string& path, std::string_view bytes) {
    const OpenFile file = open_regular(path);
    std::string front(bytes.size(), '\0');
    const std::size_t count =
        read_up_to(file.descriptor, std::as_writable_bytes(std::span(front.data(), front.size())), path);
    return count == bytes.size() && front == bytes;
}

std::vector<std::byte> read_maybe_gzip(const std::string& path, std::optional<std::uint64_t> at_most) {
    InputStream stream(path);
    const std::uint64_t most = at_most.value_or(std::numeric_limits<std::uint64_t>::max() - 1);
    // One byte more than wanted, so that the end is seen without growing.
    std::uint64_t room = std::min(stream.file_size() * (stream.compressed() ? 4 : 1), most) + 1;
    std::vector<std::byte> bytes;
    std::size_t done = 0;
    for (;;) {
        std::vector<std::byte> larger = room_for(room, path, "the content");
        std::copy(bytes.begin(), bytes.end(), larger.begin());
        bytes = std::move(larger);
        done += stream.read_some(std::span(bytes.data(), bytes.size()).subspan(done));
        check<IoError>(done <= most, "{}: holds more than the {} bytes expected", path, most);
        if (done < room) break;
        room = std::min(2 * room, most + 1);
    }
    bytes.resize(done);
    return bytes;
}

std::vector<std::byte> gzip(std::span<const std::byte> bytes) {
    z_stream deflater{};
    constexpr int gzip_header = 16 + MAX_WBITS, memory_level = 8;
    check<IoError>(deflateInit2(&deflater, Z_DEFAULT_COMPRESSION, Z_DEFLATED, gzip_header, memory_level,
                                Z_DEFAULT_STRATEGY) == Z_OK,
                   "gzip: zlib cannot start");
    const std::unique_ptr<z_stream, int (*)(z_stream*)> guard(&deflater, deflateEnd);
    std::vector<std::byte> out;
    std::size_t used = 0, done = 0;
    for (int code = Z_OK; code != Z_STREAM_END;) {
        if (out.size() - done < input_chunk) out.resize(2 * out.size() + input_chunk);
        const auto piece = static_cast<uInt>(std::min<std::size_t>(bytes.size() - used, 1 << 30));
        const auto room = static_cast<uInt>(std::min<std::size_t>(out.size() - done, 1 << 30));
        // zlib's interface is not const-correct; it does not write to its input.
        deflater.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(bytes.data() + used));
        deflater.avail_in = piece;
        deflater.next_out = reinterpret_cast<Bytef*>(out.data() + done);
        deflater.avail_out = room;
        code = deflate(&deflater, used + piece == bytes.size() ? Z_FINISH : Z_NO_FLUSH);
        check<IoError>(code != Z_STREAM_ERROR, "gzip: zlib failed");
        used += piece - deflater.avail_in;
        done += room - deflater.avail_out;
    }
    out.resize(done);
    return out;
}

std::uint32_t crc32(std::span<const std::byte> bytes, std::uint32_t before) noexcept {
    return static_cast<std::uint32_t>(
        ::crc32_z(before, reinterpret_cast<const Bytef*>(bytes.data()), static_cast<z_size_t>(bytes.size())));
}

namespace {

template <class T> T little_endian(std::span<const std::byte> bytes) {
    T value = 0;
    for (std::size_t i = sizeof(T); i-- > 0;)
        value =
            static_cast<T>(static_cast<std::uint64_t>(value) << 8 | std::to_integer<std::uint64_t>(bytes[i]));
    return value;
}

}  // namespace

std::span<const std::byte> ByteReader::take(std::uint64_t count) {
    check<IoError>(count <= remaining(), "{}: {} bytes wanted at offset {}, only {} are there", path_, count,
                   offset(), remaining());
    const auto bytes = bytes_.subspan(position_, static_cast<std::size_t>(count));
    position_ += bytes.size();
    return bytes;
}

std::uint8_t ByteReader::read_u8() { return std::to_integer<std::uint8_t>(take(1)[0]); }
std::uint16_t ByteReader::read_u16_le() { return little_endian<std::uint16_t>(take(2)); }
std::uint32_t ByteReader::read_u32_le() { return little_endian<std::uint32_t>(take(4)); }
std::uint32_t ByteReader::read_u32_be() { return __builtin_bswap32(read_u32_le()); }
std::uint64_t ByteReader::read_u64_le() { return little_endian<std::uint64_t>(take(8)); }

}  // namespace adjoint::data
