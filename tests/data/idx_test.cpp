// IDX files: every type, gzip, and headers that lie.
#include <adjoint/data/idx.h>

#include "test_files.h"

namespace adjoint::data {
namespace {

/// An IDX header: type code, then big-endian sizes.
std::string header(unsigned type, const std::vector<std::uint32_t>& sizes) {
    std::string out = big_endian(type << 8 | static_cast<std::uint32_t>(sizes.size()));
    for (const std::uint32_t size : sizes) out += big_endian(size);
    return out;
}

TEST(Idx, ReadsBytesPlainAndGzip) {
    const TemporaryFolder folder;
    const std::string content = header(0x08, {2, 3}) + bytes("\0\1\2\3\4\377");
    const Tensor wanted = tensor<std::uint8_t>({0, 1, 2, 3, 4, 255}, {2, 3});
    EXPECT_TRUE(same(read_idx(folder.file("a", content)), wanted));
    EXPECT_TRUE(same(read_idx(folder.file("a.gz", zipped(content))), wanted));
    EXPECT_TRUE(same(read_idx(folder.file("zipped_without_saying_so", zipped(content))), wanted));
}

TEST(Idx, ReadsBigEndianNumbers) {
    const TemporaryFolder folder;
    const auto four = [](auto value) { return big_endian(std::bit_cast<std::uint32_t>(value)); };
    const auto eight = [](double value) {
        return raw(__builtin_bswap64(std::bit_cast<std::uint64_t>(value)));
    };
    EXPECT_TRUE(same(read_idx(folder.file("i", header(0x0c, {2}) + four(-2) + four(70000))),
                     tensor<std::int32_t>({-2, 70000}, {2})));
    EXPECT_TRUE(same(read_idx(folder.file("f", header(0x0d, {1, 2}) + four(1.5F) + four(-3e10F))),
                     tensor<float>({1.5F, -3e10F}, {1, 2})));
    EXPECT_TRUE(same(read_idx(folder.file("d", header(0x0e, {2}) + eight(0.1) + eight(-1e300))),
                     tensor<double>({0.1, -1e300}, {2})));
}

TEST(Idx, ReadsEmptyAndScalarArrays) {
    const TemporaryFolder folder;
    EXPECT_EQ(read_idx(folder.file("a", header(0x08, {0, 28, 28}))).shape(), (Shape{0, 28, 28}));
    const Tensor scalar = read_idx(folder.file("b", header(0x08, {}) + "x"));
    EXPECT_EQ(scalar.shape(), Shape{});
    EXPECT_EQ(scalar.data<std::uint8_t>()[0], 'x');
}

struct MalformedIdx {
    std::string content;
    std::vector<std::string> message;
};

TEST(Idx, RefusesWhatIsMalformed) {
    const TemporaryFolder folder;
    constexpr std::uint32_t most = 0xffffffff;
    const std::vector<MalformedIdx> table = {
        {"", {"an IDX header needs 4 bytes", "only 0"}},
        {bytes("\0\0\x08"), {"an IDX header needs 4 bytes", "only 3"}},
        {zipped(zipped(header(0x08, {1}) + "x")), {"gzip inside gzip"}},
        {bytes("\x01\x08\0\0\1\0\0\0x"), {"0x01080000", "reversed", "big-endian"}},
        {bytes("\0\0\x07\x01\0\0\0\1x"), {"not an IDX file", "0x00000701 (1793)"}},
        {bytes("\0\1\x08\x01\0\0\0\1x"), {"not an IDX file", "0x00010801"}},
        {"<html>404</html>", {"not an IDX file", "0x3c68746d"}},
        {header(0x09, {1}) + "x", {"elements of type i8, expected u8, i32, f32 or f64"}},
        {header(0x0b, {1}) + "xx", {"elements of type i16"}},
        {bytes("\0\0\x08\x03\0\0\0\1"), {"the list of sizes needs 12 bytes", "only 4"}},
        {bytes("\0\0\x08\xff") + std::string(255 * 4, '\1'), {"255 dimensions, at most 8"}},
        {header(0x08, std::vector<std::uint32_t>(9, 1)) + "x", {"9 dimensions, at most 8"}},
        {header(0x08, {60000, 28, 28}) + std::string(100, 'x'),
         {"(60000, 28, 28) of u8", "needs 47040000 bytes", "100 left at offset 16"}},
        {header(0x08, {3}) + "xx", {"needs 3 bytes", "has 2 left"}},
        {header(0x08, {2}) + "xxx", {"end after 10 bytes, the file has 11"}},
        {header(0x08, {most, most}) + "xx", {"more than 2^63 bytes"}},
        {header(0x0e, {most, most}), {"(4294967295, 4294967295) of f64, more than 2^63 bytes"}},
        {header(0x08, {most, most, most}), {"more than 2^63 bytes"}},
        {header(0x08, {0, most, most, most}), {"more than 2^63 bytes"}},
        {header(0x08, {most, most, most, 0}), {"more than 2^63 bytes"}},
    };
    for (const MalformedIdx& row : table) {
        for (const bool archive : {false, true}) {
            // The wording on sizes differs for archives; that each is refused does not.
            const std::string path = folder.file("bad", archive ? zipped(row.content) : row.content);
            auto parts = archive ? std::vector<std::string>{path} : row.message;
            parts.push_back(path);
            expect_refusal([&] { read_idx(path); }, parts);
        }
    }
}

TEST(Idx, ArchivesThatPromiseTooMuchAreRefusedBeforeAllocating) {
    const TemporaryFolder folder;
    const std::string path = folder.file("a.gz", zipped(header(0x08, {1u << 20, 1u << 20})));
    expect_error([&] { read_idx(path); }, {"needs 1099511627776 bytes", "cannot hold"});
    const std::string damaged = zipped(header(0x08, {1000}) + std::string(1000, 'x'));
    expect_error([&] { read_idx(folder.file("cut.gz", damaged.substr(0, damaged.size() - 1))); },
                 {"truncated gzip"});
    expect_error(
        [&] { read_idx(folder.file("long.gz", zipped(header(0x08, {10}) + std::string(1000, 'x')))); },
        {"end after 18 bytes but goes on"});
}

TEST(Idx, WritesWhatItReads) {
    const TemporaryFolder folder;
    const std::vector<Tensor> tensors = {tensor<std::uint8_t>({1, 2, 3, 4, 5, 255}, {3, 1, 2}),
                                         tensor<std::int32_t>({-1, 1 << 30}, {2}),
                                         tensor<float>({0.1F, -2e-30F}, {1, 2}),
                                         tensor<double>({0.1, 1e-300, 3}, {3}),
                                         empty({0, 4}),
                                         tensor<float>({4.5F}, {})};
    for (const Tensor& written : tensors) {
        for (const std::string file : {"a.idx", "a.idx.gz"}) {
            write_idx(folder / file, written);
            EXPECT_TRUE(same(read_idx(folder / file), written));
        }
        EXPECT_EQ(content_of(folder / "a.idx.gz").substr(0, 2), "\x1f\x8b");
    }
    write_idx(folder / "b", tensor<std::int32_t>({1, -2}, {2, 1}));
    EXPECT_EQ(content_of(folder / "b"), bytes("\0\0\x0c\x02\0\0\0\2\0\0\0\1\0\0\0\1\xff\xff\xff\xfe"));
    expect_error<DTypeError>([&] { write_idx(folder / "c", tensor<std::int64_t>({1}, {1})); },
                             {"write_idx", "got i64"});
    expect_error<ValueError>([&] { write_idx(folder / "c", Tensor()); }, {"write_idx", "undefined"});
    EXPECT_FALSE(std::filesystem::exists(folder / "c"));
}

}  // namespace
}  // namespace adjoint::data
