// .npy files as NumPy writes them, other accepted forms, and malformed ones.
#include <adjoint/data/npy.h>

#include "test_files.h"

namespace adjoint::data {
namespace {

std::string npy(const std::string& dictionary, const std::string& elements,
                const std::string& version = bytes("\1\0")) {
    const auto length = static_cast<std::uint32_t>(dictionary.size());
    const std::string length_bytes = version[0] == 1 ? raw(static_cast<std::uint16_t>(length)) : raw(length);
    return "\x93NUMPY" + version + length_bytes + dictionary + elements;
}

TEST(Npy, ReadsAFileOfNumPy) {
    const TemporaryFolder folder;
    std::string header = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }";
    header += std::string(117 - header.size(), ' ') + '\n';
    const std::string path = folder.file("a.npy", npy(header, floats({1, 2, 3, 4, 5, 6})));
    const Tensor wanted = tensor<float>({1, 2, 3, 4, 5, 6}, {2, 3});
    EXPECT_TRUE(same(read_npy(path), wanted));
    write_npy(folder / "b.npy", wanted);
    EXPECT_EQ(content_of(folder / "b.npy"), content_of(path));
}

TEST(Npy, ReadsOtherFormsOfTheHeader) {
    const TemporaryFolder folder;
    const std::string elements = floats({1, 2});
    const Tensor wanted = tensor<float>({1, 2}, {2});
    for (const std::string dictionary : {"{'shape':(2,),'fortran_order':False,'descr':'<f4'}",
                                         "{ \"descr\" : \"=f4\", 'shape': (2L,), 'fortran_order': True}\n",
                                         "{'descr': '<f4', 'fortran_order': False, 'shape': (2,)  , }     "})
        EXPECT_TRUE(same(read_npy(folder.file("a", npy(dictionary, elements))), wanted)) << dictionary;
    const std::string usual = "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }";
    for (const std::string& version : {bytes("\1\0"), bytes("\2\0"), bytes("\3\0")})
        EXPECT_TRUE(same(read_npy(folder.file("a", npy(usual, elements, version))), wanted));
    EXPECT_TRUE(same(read_npy(folder.file("a.gz", zipped(npy(usual, elements)))), wanted));
}

TEST(Npy, OtherIntegersAreReadAsThoseThatHoldThem) {
    const TemporaryFolder folder;
    const auto read = [&](const std::string& type, const std::string& elements, const std::string& sizes) {
        return read_npy(folder.file(
            "a",
            npy("{'descr': '" + type + "', 'fortran_order': True, 'shape': (" + sizes + "), }", elements)));
    };
    EXPECT_TRUE(same(read("|i1", "\x7f\x80", "2,"), tensor<std::int32_t>({127, -128}, {2})));
    EXPECT_TRUE(same(read("<i2", bytes("\0\x80\2\1"), "2,"), tensor<std::int32_t>({-32768, 258}, {2})));
    EXPECT_TRUE(same(read("<u2", bytes("\0\x80\2\1"), "1, 2"), tensor<std::int32_t>({32768, 258}, {1, 2})));
    EXPECT_TRUE(same(read("<u4", "\xff\xff\xff\xff", "1,"), tensor<std::int64_t>({4294967295}, {1})));
    EXPECT_TRUE(
        same(read("<u8", "\1\2\3\4\5\6\7\x08", "1,"), tensor<std::int64_t>({0x0807060504030201}, {1})));
    EXPECT_TRUE(same(read("|i1", "\1\2\3\4", "2, 2"), tensor<std::int32_t>({1, 3, 2, 4}, {2, 2})));
    expect_error<IoError>([&] { read("<u8", std::string(7, '\0') + "\x80", "1,"); },
                          {"9223372036854775808", "index 0"});
    expect_error<IoError>([&] { read("<i2", "abc", "2,"); }, {"the array (2,) of i32"});
}

TEST(Npy, TransposesColumnMajorArrays) {
    const TemporaryFolder folder;
    const std::string two = "{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3), }";
    EXPECT_TRUE(same(read_npy(folder.file("a", npy(two, floats({1, 4, 2, 5, 3, 6})))),
                     tensor<float>({1, 2, 3, 4, 5, 6}, {2, 3})));
    const std::string three = "{'descr': '|u1', 'fortran_order': True, 'shape': (2, 3, 2), }";
    EXPECT_TRUE(same(read_npy(folder.file("b", npy(three, bytes("\0\6\2\x08\4\x0a\1\7\3\x09\5\x0b")))),
                     tensor<std::uint8_t>({0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}, {2, 3, 2})));
    const std::string none = "{'descr': '|u1', 'fortran_order': True, 'shape': (2, 0, 2), }";
    EXPECT_EQ(read_npy(folder.file("c", npy(none, ""))).shape(), (Shape{2, 0, 2}));
}

TEST(Npy, EveryTypeReturnsAsItWas) {
    const TemporaryFolder folder;
    for (const DType dtype : {f16, f32, f64, u8, i32, i64, boolean}) {
        for (const Shape& shape :
             {Shape{}, Shape{4}, Shape{2, 3}, Shape{0, 2}, Shape{1, 1, 1, 1, 1, 1, 1, 2}}) {
            const Tensor written = empty(shape, {.dtype = dtype});
            char* const data = written.impl().data;
            for (std::size_t i = 0; i < static_cast<std::size_t>(written.numel()) * size_of(dtype); ++i)
                data[i] = static_cast<char>(dtype == boolean ? i % 2 : i * 7);
            write_npy(folder / "a.npy", written);
            EXPECT_TRUE(same(read_npy(folder / "a.npy"), written)) << name(dtype) << to_string(shape);
            const std::string content = content_of(folder / "a.npy");
            EXPECT_EQ(content.find('\n') % 64, 63U) << "the data starts at a multiple of 64";
        }
    }
    expect_error<DTypeError>([&] { write_npy(folder / "b.npy", empty({2}, {.dtype = bf16})); }, {"no bf16"});
}

TEST(Npy, RefusesWhatIsMalformed) {
    const TemporaryFolder folder;
    const auto with = [](const std::string& dictionary) { return npy(dictionary, std::string(8, 'x')); };
    const std::string good = "{'descr': '<f4', 'fortran_order': False, 'shape': (2,)}";
    const auto shape = [&](const std::string& sizes) {
        return with("{'descr': '<f4', 'fortran_order': False, 'shape': " + sizes + "}");
    };
    const auto type = [&](const std::string& descr) {
        return with("{'descr': " + descr + ", 'fortran_order': False, 'shape': (2,)}");
    };
    const std::vector<Malformed> table = {
        {"", "needs 8 bytes"},
        {"PK\3\4abcdefgh", "not an npy file"},
        {bytes("\x93NUMPY\4\0abcdefgh"), "npy format 4.0"},
        {bytes("\x93NUMPY\1\1abcdefgh"), "npy format 1.1"},
        {bytes("\x93NUMPY\1\0\xff\xff{"), "the header needs 65535 bytes"},
        {bytes("\x93NUMPY\2\0\xff\xff\xff\xff{"), "4294967295 bytes, at most"},
        {with(""), "'{' expected"},
        {with("[]"), "'{' expected"},
        {with("{"), "a quoted word expected"},
        {with("{}"), "no descr"},
        {with("{'descr': '<f4', 'shape': (2,)}"), "no fortran_order"},
        {with("{'descr': '<f4', 'fortran_order': False}"), "no shape"},
        {with(good + "x"), "the end expected"},
        {with("{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (2,)}"), "descr twice"},
        {with("{'descr': '<f4', 'fortran_order': False, 'shape': (2,), 'more': 1}"), "the key \"more\""},
        {with("{'descr': '<f4', 'fortran_order': 0, 'shape': (2,)}"), "True or False expected"},
        {with("{'descr': '<f4' 'fortran_order': False}"), "'}' expected"},
        {with("{'descr: 1}"), "a quoted word expected"},
        {type("'>f4'"), "big-endian"},
        {type("'<c8'"), "elements of type \"<c8\""},
        {type("'|O'"), "elements of type \"|O\""},
        {type("'<u3'"), "elements of type \"<u3\""},
        {type("''"), "a quoted word expected"},
        {type("'<'"), "elements of type \"<\""},
        {type("[('a', '<f4')]"), "records with fields"},
        {shape("2"), "'(' expected"},
        {shape("(-1,)"), "a size below 2^64 expected"},
        {shape("(2.0,)"), "')' expected"},
        {shape("(99999999999999999999,)"), "a size below 2^64"},
        {shape("(2"), "')' expected"},
        {shape("(1,1,1,1,1,1,1,1,2)"), "more than 8 dimensions"},
        {shape("(4611686018427387904, 4)"), "more than 2^63 bytes"},
        {shape("(0, 4611686018427387904, 4)"), "more than 2^63 bytes"},
        {shape("(18446744073709551615,)"), "more than 2^63 bytes"},
        {shape("(3,)"), "needs 12 bytes, the file has 8"},
        {shape("(1,)"), "the data should end"},
        {npy("{'descr': '|b1', 'fortran_order': False, 'shape': (2,)}", "\1\2"),
         "holds the byte 2 at index 1"},
    };
    for (const Malformed& row : table)
        expect_error([&] { read_npy(folder.file("bad.npy", row.content)); },
                     {folder / "bad.npy", row.message});
}

}  // namespace
}  // namespace adjoint::data
