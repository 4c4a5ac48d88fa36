// Archives from their end: the end record, the table of contents it points to, the members that one lists.
#include <adjoint/data/zip.h>

#include <zlib.h>

#include <algorithm>
#include <limits>
#include <memory>
#include <numeric>
#include <set>

#include <adjoint/core/base/format.h>
#include <adjoint/data/deflate.h>
#include <adjoint/data/excerpt.h>
#include <adjoint/data/file.h>
#include <adjoint/data/memory.h>

namespace adjoint::data {
namespace {

constexpr std::uint32_t member_magic = 0x04034b50, entry_magic = 0x02014b50, end_magic = 0x06054b50;
constexpr std::size_t member_size = 30, entry_size = 46, end_size = 22, longest_comment = 65535;
constexpr unsigned stored = 0, deflated = 8;
constexpr std::uint32_t in_zip64 = 0xffffffff;
// The records that a writer of zip64 puts before the end record, also where it does without their numbers.
constexpr std::uint32_t end64_magic = 0x06064b50, locator_magic = 0x07064b50;
constexpr std::size_t end64_size = 56, locator_size = 20;

std::uint32_t u32_at(std::span<const std::byte> bytes, std::size_t at) {
    std::uint32_t value = 0;
    for (std::size_t i = 4; i-- > 0;) value = value << 8 | std::to_integer<std::uint32_t>(bytes[at + i]);
    return value;
}

std::string text_of(std::span<const std::byte> bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

bool printable(const std::string& name) {
    return !name.empty() && std::none_of(name.begin(), name.end(),
                                         [](char c) { return static_cast<unsigned char>(c) < 0x20; });
}

// Bytes that are put together number by number, the lowest byte first.
class Bytes {
  public:
    Bytes& u16(std::uint64_t value) { return put(value, 2); }
    Bytes& u32(std::uint64_t value) { return put(value, 4); }
    Bytes& text(const std::string& value) {
        content_ += value;
        return *this;
    }
    const std::string& content() const noexcept { return content_; }

  private:
    Bytes& put(std::uint64_t value, int count) {
        for (int i = 0; i < count; ++i, value >>= 8) content_ += static_cast<char>(value & 255);
        return *this;
    }
    std::string content_;
};

// Raw deflate data into exactly the room there is.
void inflate_into(std::span<std::byte> out, std::span<const std::byte> packed, const std::string& what) {
    z_stream inflater{};
    check<IoError>(inflateInit2(&inflater, -MAX_WBITS) == Z_OK, "{}: zlib cannot start", what);
    const std::unique_ptr<z_stream, int (*)(z_stream*)> guard(&inflater, inflateEnd);
    // zlib's interface is not const-correct; it does not write to its input.
    inflater.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(packed.data()));
    inflater.avail_in = static_cast<uInt>(packed.size());
    // An empty member still has an end to be read, and zlib wants a place to write to.
    std::byte nowhere{};
    inflater.next_out = reinterpret_cast<Bytef*>(out.empty() ? &nowhere : out.data());
    inflater.avail_out = static_cast<uInt>(out.size());
    const int code = inflate(&inflater, Z_FINISH);
    check<IoError>(code == Z_STREAM_END && inflater.avail_out == 0 && inflater.avail_in == 0,
                   "{}: corrupt deflate data: {} of {} bytes after {} of {}", what,
                   out.size() - inflater.avail_out, out.size(), packed.size() - inflater.avail_in,
                   packed.size());
}

}  // namespace

ZipReader::ZipReader(const std::string& path, std::uint64_t most_unpacked)
    : path_(path), bytes_(read_file(path)) {
    read_table();
    check_apart();
    std::uint64_t total = 0;
    for (const Member& member : members_) total += member.size;
    check<IoError>(total <= most_unpacked, "{}: unpacks to {} bytes, the limit that was given is {}", path_,
                   total, most_unpacked);
}

// Members that share bytes would unpack to more than any archive of this size can hold.
void ZipReader::check_apart() const {
    std::vector<std::size_t> order(members_.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::sort(order.begin(), order.end(),
              [&](std::size_t a, std::size_t b) { return members_[a].offset < members_[b].offset; });
    for (std::size_t i = 1; i < order.size(); ++i) {
        const Member &before = members_[order[i - 1]], &member = members_[order[i]];
        const auto body = packed_bytes(before);
        const auto end = static_cast<std::uint64_t>(body.data() + body.size() - bytes_.data());
        check<IoError>(member.offset >= end, "{}: members {} and {} overlap", path_, excerpt(before.name),
                       excerpt(member.name));
    }
}

void ZipReader::read_table() {
    check<IoError>(bytes_.size() >= end_size, "{}: not a zip archive: {} bytes", path_, bytes_.size());
    // A comment of any length may follow the end record.
    std::size_t at = bytes_.size() - end_size;
    const std::size_t lowest = at - std::min(at, longest_comment);
    while (at > lowest && u32_at(bytes_, at) != end_magic) --at;
    check<IoError>(u32_at(bytes_, at) == end_magic,
                   "{}: not a zip archive, or cut off: no end record in the last {} bytes", path_,
                   bytes_.size() - lowest);
    ByteReader end(std::span<const std::byte>(bytes_).subspan(at + 4), path_, at + 4);
    const unsigned disk = end.read_u16_le(), first_disk = end.read_u16_le(), here = end.read_u16_le(),
                   count = end.read_u16_le();
    const std::uint32_t size = end.read_u32_le(), start = end.read_u32_le();
    check<IoError>(count != 0xffff && size != in_zip64 && start != in_zip64,
                   "{}: a zip64 archive; archives of less than 4 GiB and 65535 members can be read", path_);
    check<IoError>(disk == 0 && first_disk == 0 && here == count, "{}: a part of an archive in pieces",
                   path_);
    if (at >= end64_size + locator_size && u32_at(bytes_, at - locator_size) == locator_magic &&
        u32_at(bytes_, at - locator_size - end64_size) == end64_magic)
        at -= locator_size + end64_size;
    check<IoError>(std::uint64_t{start} + size == at,
                   "{}: the table of contents, {} bytes at {}, does not end at the end record at {}", path_,
                   size, start, at);
    table_ = start;
    ByteReader table(std::span<const std::byte>(bytes_).subspan(start, size), path_, start);
    std::set<std::string> names;
    for (unsigned i = 0; i < count; ++i) {
        check<IoError>(table.read_u32_le() == entry_magic,
                       "{}: entry {} of the table of contents is malformed", path_, i);
        table.take(4);
        const unsigned flags = table.read_u16_le();
        Member member;
        member.method = table.read_u16_le();
        table.take(4);
        member.crc = table.read_u32_le();
        member.packed = table.read_u32_le();
        member.size = table.read_u32_le();
        const unsigned name_length = table.read_u16_le(), extra = table.read_u16_le(),
                       comment = table.read_u16_le();
        table.take(8);
        member.offset = table.read_u32_le();
        member.name = text_of(table.take(name_length));
        table.take(std::size_t{extra} + comment);
        const std::string what = fmt::format("{}: member {}", path_, excerpt(member.name));
        check<IoError>(printable(member.name), "{}: a name that is empty or holds control characters", what);
        check<IoError>((flags & 1) == 0, "{}: is encrypted", what);
        check<IoError>(member.method == stored || member.method == deflated,
                       "{}: packed by method {}, expected 0 (stored) or 8 (deflated)", what, member.method);
        check<IoError>(member.packed != in_zip64 && member.size != in_zip64 && member.offset != in_zip64,
                       "{}: has 4 GiB or more (zip64)", what);
        check<IoError>(member.method == stored ? member.size == member.packed
                                               : member.size / deflate_ratio <= member.packed,
                       "{}: {} bytes cannot hold {}", what, member.packed, member.size);
        check<IoError>(names.insert(member.name).second, "{}: is there twice", what);
        packed_bytes(member);
        members_.push_back(std::move(member));
    }
    check<IoError>(table.remaining() == 0, "{}: {} bytes behind the last entry of the table of contents",
                   path_, table.remaining());
}

std::span<const std::byte> ZipReader::packed_bytes(const Member& member) const {
    const std::string what = fmt::format("{}: member {}", path_, excerpt(member.name));
    check<IoError>(std::uint64_t{member.offset} + member_size <= table_,
                   "{}: begins at {}, behind the members", what, member.offset);
    ByteReader header(std::span<const std::byte>(bytes_).subspan(member.offset, table_ - member.offset),
                      path_, member.offset);
    check<IoError>(header.read_u32_le() == member_magic, "{}: no member begins at {}", what, member.offset);
    // Sizes and checksum stand in the table; here a writer that cannot go back leaves them out.
    header.take(member_size - 4 - 4);
    const unsigned name_length = header.read_u16_le(), extra = header.read_u16_le();
    check<IoError>(text_of(header.take(name_length)) == member.name, "{}: has another name at {}", what,
                   member.offset);
    header.take(extra);
    check<IoError>(header.remaining() >= member.packed, "{}: is cut off: {} bytes of {}", what,
                   header.remaining(), member.packed);
    return header.take(member.packed);
}

std::vector<std::byte> ZipReader::read(std::size_t i) const {
    const Member& member = members_.at(i);
    const std::string what = fmt::format("{}: member {}", path_, excerpt(member.name));
    const auto packed = packed_bytes(member);
    std::vector<std::byte> content = room_for(member.size, path_, excerpt(member.name));
    if (member.method == stored)
        std::copy(packed.begin(), packed.end(), content.begin());
    else
        inflate_into(content, packed, what);
    check<IoError>(crc32(content) == member.crc, "{}: checksum {:08x}, expected {:08x}", what, crc32(content),
                   member.crc);
    return content;
}

void write_zip(const std::string& path, std::span<const ZipMember> members, bool compress, const char* op) {
    constexpr std::uint64_t most = in_zip64 - 1;
    struct Packed {
        std::uint32_t crc = 0;
        std::uint64_t size = 0, packed_size = 0, offset = 0;
        std::vector<std::byte> deflate = {};  // if it is compressed
    };
    check<ValueError>(members.size() < 0xffff, "{}: {} arrays, at most 65534 fit into an archive", op,
                      members.size());
    std::vector<Packed> all;
    std::uint64_t offset = 0;
    for (const ZipMember& member : members) {
        Packed one;
        one.offset = offset;
        std::vector<std::byte> whole;
        for (const auto part : member.content) {
            one.crc = crc32(part, one.crc);
            one.size += part.size();
            if (compress) whole.insert(whole.end(), part.begin(), part.end());
        }
        one.packed_size = one.size;
        if (compress) {
            // A gzip archive is deflate data between a header of ten bytes and a trailer of eight.
            const std::vector<std::byte> archive = gzip(whole);
            one.deflate.assign(archive.begin() + 10, archive.end() - 8);
            one.packed_size = one.deflate.size();
        }
        offset += member_size + member.name.size() + one.packed_size;
        check<ValueError>(one.size <= most && offset + (entry_size + 0xffff) * members.size() <= most,
                          "{}: the archive would have 4 GiB or more; write several files", op);
        all.push_back(std::move(one));
    }
    // Version 2.0, names in UTF-8, method, and the first day that zip knows: the same arrays, the same bytes.
    const auto facts = [&](const ZipMember& member, const Packed& one) {
        return Bytes()
            .u16(20)
            .u16(0x800)
            .u16(compress ? deflated : stored)
            .u16(0)
            .u16(0x21)
            .u32(one.crc)
            .u32(one.packed_size)
            .u32(one.size)
            .u16(member.name.size())
            .u16(0)
            .content();
    };
    atomic_write(path, [&](Writer& out) {
        Bytes table;
        for (std::size_t i = 0; i < members.size(); ++i) {
            out.write(
                Bytes().u32(member_magic).text(facts(members[i], all[i])).text(members[i].name).content());
            if (compress)
                out.write(all[i].deflate);
            else
                for (const auto part : members[i].content) out.write(part);
            table.u32(entry_magic).u16(20).text(facts(members[i], all[i]));
            table.u16(0).u16(0).u16(0).u32(0).u32(all[i].offset).text(members[i].name);
        }
        out.write(table.content());
        out.write(Bytes()
                      .u32(end_magic)
                      .u16(0)
                      .u16(0)
                      .u16(members.size())
                      .u16(members.size())
                      .u32(table.content().size())
                      .u32(offset)
                      .u16(0)
                      .content());
    });
}

}  // namespace adjoint::data
