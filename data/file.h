// Files: checked reading, gzip unpacked on the way in, and saves that replace a file whole or not at all.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <adjoint/core/base/export.h>

namespace adjoint::data {

/// A regular file read front to back; one that starts with the gzip magic is unpacked on the way. Or bytes
/// that are there already, so that one reader serves both.
/// errors: IoError naming the file: missing, a directory, unreadable; truncated, corrupt or continued gzip.
class ADJOINT_API InputStream {
  public:
    explicit InputStream(std::string path);
    /// Bytes that were read before, as they are; messages call them `name`.
    InputStream(std::vector<std::byte> content, std::string name);
    ~InputStream();
    InputStream(InputStream&&) noexcept;
    InputStream& operator=(InputStream&&) noexcept;

    /// The file, and whether it is gzip.
    const std::string& path() const noexcept;
    bool compressed() const noexcept;
    /// Bytes of the file as it lies on the disk.
    std::uint64_t file_size() const noexcept;

    /// Fails unless `bytes` more can follow; asked before memory is taken for what a header promises.
    /// Exact for a plain file; for gzip, what no archive of this size can reach.
    void expect(std::uint64_t bytes, std::string_view what) const;
    /// Fills `out`; less arrives only at the end of the data.
    std::size_t read_some(std::span<std::byte> out);
    /// Fills `out` entirely.
    /// errors: IoError saying how much of `what` there was.
    void read(std::span<std::byte> out, std::string_view what);
    /// Fails if anything follows; for gzip this is also what compares the checksum.
    void expect_end();

  private:
    struct State;
    std::unique_ptr<State> state_;
};

/// The whole file as it is.
/// errors: IoError; OutOfMemoryError.
ADJOINT_API std::vector<std::byte> read_file(const std::string& path);

/// Whether the bytes of the file, as they lie on the disk, begin with these.
/// errors: IoError.
ADJOINT_API bool starts_with(const std::string& path, std::string_view bytes);

/// The whole file, unpacked if it is gzip.
/// errors: IoError, also beyond `at_most` bytes of content; OutOfMemoryError.
ADJOINT_API std::vector<std::byte> read_maybe_gzip(const std::string& path,
                                                   std::optional<std::uint64_t> at_most = std::nullopt);

/// `bytes` as a gzip archive; the same input gives the same archive.
ADJOINT_API std::vector<std::byte> gzip(std::span<const std::byte> bytes);

/// CRC-32 as in gzip and zip; `before` is that of the bytes in front of these.
ADJOINT_API std::uint32_t crc32(std::span<const std::byte> bytes, std::uint32_t before = 0) noexcept;

/// A cursor over bytes that came from a file.
/// errors: IoError naming the file and the offset of a read past the end.
class ADJOINT_API ByteReader {
  public:
    /// `start` is where in the file the first byte lies; the bytes must outlive the reader.
    ByteReader(std::span<const std::byte> bytes, std::string path, std::uint64_t start = 0)
        : bytes_(bytes), path_(std::move(path)), start_(start) {}

    /// How many bytes follow, and where in the file the next one lies.
    std::size_t remaining() const noexcept { return bytes_.size() - position_; }
    std::uint64_t offset() const noexcept { return start_ + position_; }

    /// A number, little or big endian; the next bytes.
    std::uint8_t read_u8();
    std::uint16_t read_u16_le();
    std::uint32_t read_u32_be();
    std::uint32_t read_u32_le();
    std::uint64_t read_u64_le();
    std::span<const std::byte> take(std::uint64_t count);

  private:
    std::span<const std::byte> bytes_;
    std::string path_;
    std::uint64_t start_;
    std::size_t position_ = 0;
};

/// Where atomic_write's callback puts the bytes.
/// errors: IoError naming the file and the system's reason.
class ADJOINT_API Writer {
  public:
    Writer(int descriptor, std::string path) : descriptor_(descriptor), path_(std::move(path)) {}
    Writer(const Writer&) = delete;
    Writer& operator=(const Writer&) = delete;

    /// Bytes or text behind what was written.
    void write(std::span<const std::byte> bytes);
    void write(std::string_view text) { write(std::as_bytes(std::span(text.data(), text.size()))); }
    /// Hands what is buffered to the system.
    void flush();

  private:
    void write_through(std::span<const std::byte> bytes);

    int descriptor_;
    std::string path_;
    std::vector<std::byte> buffer_;
};

/// Replaces `path` by what `fill` writes: temporary file beside it, write, fsync, close, rename, fsync of the
/// folder. On any error the old file is untouched; what a killed process left is removed by the next save.
/// Keeps the old file's mode; through a link the target is replaced;
/// a pipe or /dev/null is written to directly.
/// errors: IoError naming the file and the system's reason; whatever `fill` throws.
ADJOINT_API void atomic_write(const std::string& path, const std::function<void(Writer&)>& fill);

/// Fails where atomic_write would, without writing: to be asked before work whose result is to be saved. A
/// file is made beside the path and removed again.
/// errors: as atomic_write.
ADJOINT_API void check_writable(const std::string& path);

}  // namespace adjoint::data
