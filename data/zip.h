// Zip archives of less than 4 GiB: members that are stored or deflated. Private.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace adjoint::data {

/// An archive that was read and whose table of contents has been checked.
class ZipReader {
  public:
    /// errors: IoError naming the file and what is wrong with it, also for members that overlap, or that
    /// unpack to more than `most_unpacked` bytes together.
    ZipReader(const std::string& path, std::uint64_t most_unpacked);

    std::size_t size() const noexcept { return members_.size(); }
    const std::string& name(std::size_t i) const { return members_.at(i).name; }
    /// The content of a member, unpacked, of the size and with the checksum that the table gives.
    std::vector<std::byte> read(std::size_t i) const;

  private:
    struct Member {
        std::string name;
        unsigned method = 0;
        std::uint32_t crc = 0, packed = 0, size = 0, offset = 0;
    };

    void read_table();
    void check_apart() const;
    std::span<const std::byte> packed_bytes(const Member& member) const;

    std::string path_;
    std::vector<std::byte> bytes_;
    std::size_t table_ = 0;  // where the table of contents begins; members lie in front of it
    std::vector<Member> members_;
};

struct ZipMember {
    std::string name;
    std::vector<std::span<const std::byte>> content;  ///< parts that follow one another
};
/// errors: ValueError naming `op` beyond 4 GiB or 65535 members; IoError.
void write_zip(const std::string& path, std::span<const ZipMember> members, bool compress, const char* op);

}  // namespace adjoint::data
