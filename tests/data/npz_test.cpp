// .npz archives: bytes put together here as NumPy's zip writer does, what comes back, and what is refused.
#include <adjoint/data/npz.h>

#include <zlib.h>

#include <adjoint/data/npy.h>

#include "test_files.h"

namespace adjoint::data {
namespace {

// An archive by its description, with every field open to damage.
struct Entry {
    std::string name, content;
    std::uint16_t method = 0, flags = 0;
    std::string extra = {};  // of the local header: numpy.savez puts sizes for zip64 there
    std::string packed = {};
    std::uint32_t crc = 0, packed_size = 0, size = 0;

    Entry(std::string n, std::string c) : name(std::move(n)), content(std::move(c)), packed(content) {
        measure();
    }
    void measure() {
        crc = static_cast<std::uint32_t>(
            ::crc32(0, reinterpret_cast<const Bytef*>(content.data()), static_cast<uInt>(content.size())));
        packed_size = static_cast<std::uint32_t>(packed.size());
        size = static_cast<std::uint32_t>(content.size());
    }
    Entry& deflate() {
        z_stream stream{};
        deflateInit2(&stream, 9, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
        packed.assign(content.size() + 100, '\0');
        stream.next_in = reinterpret_cast<Bytef*>(content.data());
        stream.avail_in = static_cast<uInt>(content.size());
        stream.next_out = reinterpret_cast<Bytef*>(packed.data());
        stream.avail_out = static_cast<uInt>(packed.size());
        EXPECT_EQ(::deflate(&stream, Z_FINISH), Z_STREAM_END);
        packed.resize(stream.total_out);
        deflateEnd(&stream);
        method = 8;
        measure();
        return *this;
    }
};

std::string u16(std::uint64_t value) { return raw(static_cast<std::uint16_t>(value)); }
std::string u32(std::uint64_t value) { return raw(static_cast<std::uint32_t>(value)); }

std::string facts(const Entry& e) {
    return u16(20) + u16(e.flags) + u16(e.method) + u16(0) + u16(0x21) + u32(e.crc) + u32(e.packed_size) +
           u32(e.size) + u16(e.name.size());
}

std::string archive(const std::vector<Entry>& entries, const std::string& comment = "") {
    std::string members, table;
    for (const Entry& e : entries) {
        table += "PK\1\2" + u16(20) + facts(e) + u16(0) + u16(0) + u16(0) + u16(0) + u32(0) +
                 u32(members.size()) + e.name;
        members += "PK\3\4" + facts(e) + u16(e.extra.size()) + e.name + e.extra + e.packed;
    }
    return members + table + "PK\5\6" + u16(0) + u16(0) + u16(entries.size()) + u16(entries.size()) +
           u32(table.size()) + u32(members.size()) + u16(comment.size()) + comment;
}

std::string npy(const Tensor& tensor) {
    const TemporaryFolder folder;
    write_npy(folder / "a", tensor);
    return content_of(folder / "a");
}

const Tensor matrix = tensor<float>({1, 2, 3, 4, 5, 6}, {2, 3});
const Tensor numbers = tensor<std::int64_t>({7, -8}, {2});

TEST(Npz, ReadsStoredAndDeflatedMembers) {
    const TemporaryFolder folder;
    Entry with_extra("x.npy", npy(matrix));
    with_extra.extra = u16(1) + u16(16) + std::string(16, '\0');
    Entry packed("folder/labels.npy", npy(numbers));
    packed.deflate();
    const NamedTensors read =
        read_npz(folder.file("a.npz", archive({with_extra, packed}, "a comment, PK\5\6 not an end")));
    ASSERT_EQ(read.size(), 2U);
    EXPECT_EQ(read[0].first, "x");
    EXPECT_EQ(read[1].first, "folder/labels");
    EXPECT_TRUE(same(read[0].second, matrix));
    EXPECT_TRUE(same(read[1].second, numbers));
    EXPECT_TRUE(read_npz(folder.file("none.npz", archive({}))).empty());
}

TEST(Npz, WhatIsWrittenIsReadBack) {
    const TemporaryFolder folder;
    NamedTensors tensors;
    for (const DType dtype : {f16, f32, f64, u8, i32, i64, boolean})
        for (const Shape& shape : {Shape{}, Shape{3}, Shape{0, 2}, Shape{40, 50}})
            tensors.emplace_back(std::string(name(dtype)) + to_string(shape), ones(shape, {.dtype = dtype}));
    std::size_t sizes[2];
    for (const bool compress : {false, true}) {
        write_npz(folder / "a.npz", tensors, {.compress = compress});
        const NamedTensors read = read_npz(folder / "a.npz");
        ASSERT_EQ(read.size(), tensors.size());
        for (std::size_t i = 0; i < read.size(); ++i) {
            EXPECT_EQ(read[i].first, tensors[i].first);
            EXPECT_TRUE(same(read[i].second, tensors[i].second)) << read[i].first;
        }
        sizes[compress] = content_of(folder / "a.npz").size();
        write_npz(folder / "b.npz", tensors, {.compress = compress});
        EXPECT_EQ(content_of(folder / "a.npz"), content_of(folder / "b.npz"));
    }
    EXPECT_LT(sizes[1], sizes[0] / 3);
}

TEST(Npz, WritesTheBytesOfTheFormat) {
    const TemporaryFolder folder;
    write_npz(folder / "a.npz", {{"x", matrix}, {"n", numbers}});
    Entry x("x.npy", npy(matrix)), n("n.npy", npy(numbers));
    x.flags = n.flags = 0x800;
    EXPECT_EQ(content_of(folder / "a.npz"), archive({x, n}));
}

TEST(Npz, RefusesWhatCannotBeWritten) {
    const TemporaryFolder folder;
    const auto write = [&](const NamedTensors& tensors) {
        return [&, tensors] { write_npz(folder / "a", tensors); };
    };
    expect_error<ValueError>(write({{"", matrix}}), {"write_npz", "empty"});
    expect_error<ValueError>(write({{"x", matrix}, {"x", matrix}}), {"twice"});
    expect_error<ValueError>(write({{bytes("a\0b"), matrix}}), {"control characters"});
    expect_error<DTypeError>(write({{"x", matrix}, {"y", empty({2}, {.dtype = bf16})}}),
                             {"write_npz", "no bf16"});
    EXPECT_TRUE(folder.entries().empty());
    expect_error<IoError>([&] { write_npz(folder / "no/a", {{"x", matrix}}); }, {"no/a"});
}

TEST(Npz, RefusesDamagedArchives) {
    const TemporaryFolder folder;
    const Entry good("x.npy", npy(matrix));
    const auto changed = [&](const std::function<void(Entry&)>& change) {
        Entry entry = good;
        change(entry);
        return archive({entry});
    };
    const std::string whole = archive({good});
    const auto end_field = [&](std::size_t at, const std::string& value) {
        std::string file = whole;
        return file.replace(file.size() - 22 + at, value.size(), value);
    };
    std::string other_name = whole;
    other_name[30] = 'y';
    const std::vector<std::pair<std::string, std::string>> table = {
        {"", "not a zip archive"},
        {"PK", "not a zip archive"},
        {std::string(1000, 'x'), "no end record"},
        {whole.substr(0, whole.size() - 1), "no end record"},
        {whole.substr(1), "does not end at the end record"},
        {whole.substr(0, 60) + whole.substr(61), "does not end at the end record"},
        {end_field(4, u16(1)), "in pieces"},
        {end_field(8, u16(2)), "in pieces"},
        {end_field(8, u16(2) + u16(2)), "bytes wanted at offset"},
        {end_field(8, u16(0) + u16(0)), "behind the last entry"},
        {end_field(8, u16(0xffff) + u16(0xffff)), "zip64"},
        {end_field(16, u32(0xffffffff)), "zip64"},
        {end_field(16, u32(5)), "does not end"},
        {other_name, "another name"},
        {changed([](Entry& e) { e.crc ^= 1; }), "checksum"},
        {changed([](Entry& e) { e.packed[100] = 'x'; }), "checksum"},
        {changed([](Entry& e) { e.flags = 1; }), "encrypted"},
        {changed([](Entry& e) { e.method = 12; }), "method 12"},
        {changed([](Entry& e) { e.size = 0xffffffff; }), "4 GiB"},
        {changed([](Entry& e) { e.size += 1; }), "cannot hold"},
        {changed([](Entry& e) { e.packed_size = e.size = 1 << 30; }), "cut off"},
        {changed([](Entry& e) { e.deflate().size += 1; }), "corrupt deflate data"},
        {changed([](Entry& e) { e.deflate().size -= 1; }), "corrupt deflate data"},
        {changed([](Entry& e) { e.deflate().packed_size -= 1; }), "corrupt deflate data"},
        {changed([](Entry& e) { e.deflate().size = 0xfffffff0; }), "cannot hold"},
        {changed([](Entry& e) { e.deflate().packed[10] ^= 0x55; }), "x.npy"},
        {changed([](Entry& e) { e.name = "x.txt"; }), "does not end in .npy"},
        {changed([](Entry& e) { e.name = ".npy"; }), "does not end in .npy"},
        {changed([](Entry& e) { e.name = ""; }), "empty"},
        {changed([](Entry& e) { e.name = "a\nb.npy"; }), "control characters"},
        {archive({good, good}), "there twice"},
        {archive({Entry("x.npy", npy(matrix) + "y")}), "the data should end"},
        {archive({Entry("x.npy", npy(matrix).substr(0, 140))}), "needs 24 bytes"},
        {archive({Entry("x.npy", "no array")}), "not an npy file"}};
    for (const auto& [content, message] : table) {
        const std::string path = folder.file("bad.npz", content);
        expect_refusal([&] { read_npz(path); }, {message, path});
    }
}

TEST(Npz, NoPrefixAndNoFlippedByteCrashes) {
    const TemporaryFolder folder;
    Entry packed("b.npy", npy(numbers));
    const std::string whole = archive({Entry("a.npy", npy(matrix)), packed.deflate()});
    int read = 0;
    for (std::size_t i = 0; i < whole.size(); ++i) {
        std::string damaged = whole;
        damaged[i] = static_cast<char>(damaged[i] ^ 0x41);
        for (const std::string& content : {whole.substr(0, i), damaged}) {
            try {
                read_npz(folder.file("bad.npz", content));
                ++read;
            } catch (const IoError&) {
            }
        }
    }
    // Versions, times, attributes and what a local header repeats, 40 bytes a member, are nobody's concern;
    // contents are under a checksum.
    EXPECT_LE(read, 2 * 40);
}

// Two entries of the table for one body: the second header hides in the extra field of the first.
TEST(Npz, MembersThatOverlapAreRefused) {
    const TemporaryFolder folder;
    Entry inner("b.npy", npy(matrix));
    Entry outer("a.npy", npy(matrix));
    const std::string hidden = "PK\3\4" + facts(inner) + u16(0) + inner.name;
    outer.extra = hidden;
    std::string bytes = archive({outer, inner});
    // The second header is not where archive() put it, behind the first body.
    const std::size_t second = 30 + outer.name.size() + hidden.size() + outer.packed.size();
    const std::string there = u32(second) + inner.name, here = u32(30 + outer.name.size()) + inner.name;
    const std::size_t at = bytes.rfind(there);
    ASSERT_NE(at, std::string::npos);
    bytes.replace(at, here.size(), here);
    expect_refusal([&] { read_npz(folder.file("a.npz", bytes)); },
                   {"members \"a.npy\" and \"b.npy\" overlap"});
    EXPECT_EQ(read_npz(folder.file("b.npz", archive({outer, inner}))).size(), 2u);
}

TEST(Npz, UnpacksToNoMoreThanTheLimit) {
    const TemporaryFolder folder;
    Entry zero("a.npy", npy(zeros({1000, 1000}, {.dtype = u8}))),
        one("b.npy", npy(ones({1000, 1000}, {.dtype = u8})));
    const std::string path = folder.file("a.npz", archive({zero.deflate(), one.deflate()}));
    const std::uint64_t both = zero.size + one.size;
    expect_refusal([&] { read_npz(path, both - 1); }, {path, "unpacks to 2000256 bytes", "limit"});
    EXPECT_EQ(read_npz(path, both).size(), 2u);
}

}  // namespace
}  // namespace adjoint::data
