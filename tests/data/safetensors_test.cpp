// safetensors files: exact round trips, and headers that must be refused.
#include <adjoint/data/safetensors.h>

#include "test_files.h"

namespace adjoint::data {
namespace {

std::string file_with(const std::string& header, const std::string& data) {
    return raw(static_cast<std::uint64_t>(header.size())) + header + data;
}

Tensor filled(const Shape& shape, DType dtype) {
    Tensor out = empty(shape, {.dtype = dtype});
    for (std::size_t i = 0; i < static_cast<std::size_t>(out.numel()) * size_of(dtype); ++i)
        out.impl().data[i] = static_cast<char>(dtype == boolean ? i % 2 : i * 37 + 11);
    return out;
}

TEST(SafeTensors, ReadsWhatOthersWrite) {
    const TemporaryFolder folder;
    const std::string header =
        R"({"__metadata__":{"format":"pt","note":"\u00e4\n"},"w":{"dtype":"F32","shape":[2,1],"data_offsets":[0,8]},)"
        R"( "step": {"data_offsets": [8, 16], "shape": [], "dtype": "I64"}, "none":{"dtype":"U8","shape":[0,3],"data_offsets":[16,16]}}   )";
    const SafeTensors file =
        load_safetensors(folder.file("a", file_with(header, floats({1.5F, -2}) + raw(std::int64_t{7}))));
    EXPECT_EQ(file.metadata, (std::map<std::string, std::string>{{"format", "pt"}, {"note", "\xc3\xa4\n"}}));
    ASSERT_EQ(file.tensors.size(), 3U);
    EXPECT_EQ(file.tensors[1].first, "step");
    EXPECT_TRUE(same(file["w"], tensor<float>({1.5F, -2}, {2, 1})));
    EXPECT_TRUE(same(file["step"], tensor<std::int64_t>({7}, {})));
    EXPECT_EQ(file["none"].shape(), (Shape{0, 3}));
    expect_error<IndexError>([&] { (void)file["x"]; }, {"no tensor \"x\""});
    EXPECT_TRUE(load_safetensors(folder.file("b", file_with("{}", ""))).tensors.empty());
}

TEST(SafeTensors, OrderOfTheFileIsKept) {
    const TemporaryFolder folder;
    const std::string header =
        R"({"late":{"dtype":"F32","shape":[1],"data_offsets":[4,8]},"early":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})";
    const SafeTensors file = load_safetensors(folder.file("a", file_with(header, floats({1, 2}))));
    ASSERT_EQ(file.tensors.size(), 2U);
    EXPECT_EQ(file.tensors[0].first, "early");
    EXPECT_EQ(file["late"].data<float>()[0], 2.F);
}

TEST(SafeTensors, WritesTheSpecifiedBytes) {
    const TemporaryFolder folder;
    save_safetensors(folder / "a", {{"flag", filled({2}, boolean)}, {"w\"\n", tensor<float>({1, 2}, {1, 2})}},
                     {{"k", "v"}});
    std::string header =
        R"({"__metadata__":{"k":"v"},"w\"\n":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]},"flag":{"dtype":"BOOL","shape":[2],"data_offsets":[8,10]}})";
    header.resize((header.size() + 7) / 8 * 8, ' ');
    EXPECT_EQ(content_of(folder / "a"), file_with(header, floats({1, 2}) + bytes("\0\1")));
}

TEST(SafeTensors, RoundTripIsExact) {
    const TemporaryFolder folder;
    NamedTensors tensors;
    for (const DType dtype : {f16, bf16, f32, f64, u8, i32, i64, boolean})
        for (const Shape& shape :
             {Shape{}, Shape{3}, Shape{2, 3}, Shape{0, 5}, Shape{1, 2, 1, 2, 1, 2, 1, 2}})
            tensors.emplace_back(std::string(name(dtype)) + " \xe2\x82\xac/" + std::to_string(tensors.size()),
                                 filled(shape, dtype));
    tensors.emplace_back("", filled({2}, f32));
    tensors.emplace_back(bytes("nul\0\x1f\x7f inside"), filled({2}, f32));
    const std::map<std::string, std::string> metadata = {{"", ""}, {"a\\\"", bytes("\0\t\xf0\x9f\x98\x80")}};
    save_safetensors(folder / "a", tensors, metadata);
    const SafeTensors file = load_safetensors(folder / "a");
    EXPECT_EQ(file.metadata, metadata);
    ASSERT_EQ(file.tensors.size(), tensors.size());
    for (const auto& [name, written] : tensors) EXPECT_TRUE(same(file[name], written)) << name;
    save_safetensors(folder / "b", file.tensors, file.metadata);
    EXPECT_EQ(content_of(folder / "a"), content_of(folder / "b"));
    const std::string content = content_of(folder / "a");
    EXPECT_EQ(
        (8 + static_cast<unsigned char>(content[0]) + 256U * static_cast<unsigned char>(content[1])) % 8, 0U);
}

/// One tensor "w" of four bytes with the given fields.
std::string one(const std::string& fields) { return file_with("{\"w\":{" + fields + "}}", "abcd"); }
std::string shaped(const std::string& dtype, const std::string& shape) {
    return one("\"dtype\":\"" + dtype + "\",\"shape\":" + shape + ",\"data_offsets\":[0,4]");
}
std::string offset(const std::string& offsets) {
    return one(R"("dtype":"F32","shape":[1],"data_offsets":)" + offsets);
}
std::string two(const std::string& first, const std::string& second, std::size_t size) {
    return file_with(R"({"a":{"dtype":"U8","shape":[4],"data_offsets":)" + first +
                         R"(},"b":{"dtype":"U8","shape":[4],"data_offsets":)" + second + "}}",
                     std::string(size, 'x'));
}
std::string repeated(const std::string& text, int count) {
    std::string out;
    for (int i = 0; i < count; ++i) out += text;
    return out;
}

TEST(SafeTensors, RefusesWhatIsMalformed) {
    const TemporaryFolder folder;
    const std::string good = R"("dtype":"F32","shape":[1],"data_offsets":[0,4])";
    const std::vector<Malformed> table = {
        // the header's length
        {"", "header's length needs 8 bytes"},
        {"1234567", "header's length needs 8 bytes"},
        {raw(std::uint64_t{0}), "header must start with {"},
        {raw(std::uint64_t{3}) + "{}", "a header of 3 bytes in a file of 10"},
        {raw(std::uint64_t{1} << 63) + "{}", "a header of 9223372036854775808 bytes in a file of 10"},
        {raw(~std::uint64_t{0}) + "{}", "a header of 18446744073709551615 bytes"},
        {zipped(file_with("{}", "")), "is gzip"},
        {"\x80\x02}q\x01(X\x04 a pickle", "not a safetensors file; in Python safetensors.torch.save_file"},
        // JSON
        {file_with("", "abcd"), "header must start with {"},
        {file_with(" {}", ""), "header must start with {, found \" {}\""},
        {file_with("[]", ""), "header must start with {"},
        {file_with("{", ""), "no JSON at offset"},
        {file_with("{}{}", ""), "no JSON at offset 11"},
        {file_with(bytes("{} \0x"), ""), "NUL"},
        {file_with(bytes("{}\0\0"), ""), "NUL"},
        {file_with("{'w':{}}", ""), "no JSON"},
        {file_with("{\"w\":{" + good + "},}", "abcd"), "no JSON"},
        {file_with("{\"w\xff\":{" + good + "}}", "abcd"), "ill-formed UTF-8"},
        {file_with("{\"w\xed\xa0\x80\":{" + good + "}}", "abcd"), "ill-formed UTF-8"},
        {file_with(R"({"w\ud800":{)" + good + "}}", "abcd"), "no JSON"},
        {file_with(R"({"w\x":{)" + good + "}}", "abcd"), "no JSON"},
        {file_with("{\"" + std::string(100'000, 'w'), ""), "no JSON"},
        {file_with("{\"w\":{" + good + "},\"w\":{" + good + "}}", "abcd"), "\"w\" occurs twice"},
        {file_with(R"({"w":{"dtype":"F32","dtype":"F32"}})", "abcd"), "has dtype twice"},
        {file_with(R"({"__metadata__":{"a":"1","a":"2"}})", ""), "metadata has \"a\" twice"},
        {file_with(R"({"__metadata__":{},"__metadata__":{}})", ""), "\"__metadata__\" occurs twice"},
        {file_with(R"({"__metadata__":{"a":1}})", ""), "metadata \"a\" must be text, found a number"},
        {file_with(R"({"__metadata__":{"a":{}}})", ""), "metadata \"a\" must be text, found an object"},
        {file_with(R"({"__metadata__":null})", ""), "metadata must be an object, found null"},
        {file_with(R"({"__metadata__":["a"]})", ""), "metadata must be an object, found a list"},
        {file_with("{\"w\":" + std::string(100'000, '['), ""),
         "tensor \"w\" must be an object, found a list"},
        {file_with(repeated("{\"w\":", 100'000), ""), "a field \"w\""},
        {one("\"dtype\":\"F32\",\"shape\":" + std::string(100'000, '[')), "found a list"},
        // fields
        {file_with(R"({"w":1})", ""), "tensor \"w\" must be an object, found a number"},
        {one(""), "has no dtype"},
        {one(R"("shape":[1],"data_offsets":[0,4])"), "has no dtype"},
        {one(R"("dtype":"F32","data_offsets":[0,4])"), "has no shape"},
        {one(R"("dtype":"F32","shape":[1])"), "has no data_offsets"},
        {one(good + ",\"more\":1"), "a field \"more\""},
        {one(R"("dtype":7,"shape":[1],"data_offsets":[0,4])"), "dtype of tensor \"w\" must be text"},
        {shaped("I16", "[2]"), "type \"I16\", expected one of F16"},
        {shaped("F8_E4M3", "[4]"), "type \"F8_E4M3\""},
        {shaped("f32", "[1]"), "type \"f32\""},
        {shaped("F32", "1"), "shape of tensor \"w\" must be a list"},
        {shaped("F32", "[-1]"), "found the number -1"},
        {shaped("F32", "[1.0]"), "found the number \"1.0\""},
        {shaped("F32", "[1e0]"), "found the number"},
        {shaped("F32", "[\"1\"]"), "found text"},
        {shaped("F32", "[true]"), "found true or false"},
        {shaped("F32", "[18446744073709551616]"), "found the number"},
        {shaped("F32", "[[1]]"), "found a list"},
        {shaped("F32", "[2]"), "of f32 and shape (2,) has 8 bytes, its data_offsets span 4"},
        {shaped("F32", "[0]"), "has 0 bytes, its data_offsets span 4"},
        {shaped("F32", "[4294967296,4294967296]"), "more than 2^63 bytes"},
        {shaped("U8", "[4294967296,4294967296]"), "more than 2^63 bytes"},
        {shaped("F32", "[0,9223372036854775808,4]"), "more than 2^63 bytes"},
        {shaped("F32", "[9223372036854775808,4,0]"), "more than 2^63 bytes"},
        {shaped("F32", "[1,1,1,1,1,1,1,1,1]"), "more than 8 dimensions"},
        {shaped("F32", "[" + repeated("1,", 1'000'000) + "1]"), "more than 8 dimensions"},
        {shaped("BOOL", "[4]"), "of type bool but holds the byte 97 at index 0"},
        // offsets
        {offset("[4,0]"), "begins at 4 after its end 0"},
        {offset("[0]"), "has 1 data_offsets, expected 2"},
        {offset("[]"), "has 0 data_offsets"},
        {offset("[0,4,4]"), "more than 2 data_offsets"},
        {offset("[-1,3]"), "found the number -1"},
        {offset("[0.0,4]"), "found the number"},
        {offset("[4,8]"), "nothing describes the bytes from 0 to 4"},
        {offset("[0,9007199254740993]"), "span 9007199254740993"},
        {offset("[9007199254740989,9007199254740993]"), "nothing describes the bytes"},
        {offset("[18446744073709551611,18446744073709551615]"), "nothing describes the bytes"},
        {two("[0,4]", "[4,8]", 7), "\"b\" ends at 8, the data at 7"},
        {two("[0,4]", "[4,8]", 9), "the tensors end at 8, the data at 9"},
        {two("[0,4]", "[2,6]", 6), "\"b\" begins at 2 inside another that ends at 4"},
        {two("[0,4]", "[0,4]", 4), "begins at 0 inside another"},
        {two("[0,4]", "[5,9]", 9), "nothing describes the bytes from 4 to 5"},
        {two("[1,5]", "[5,9]", 9), "nothing describes the bytes from 0 to 1"},
        {file_with("{}", "x"), "the tensors end at 0, the data at 1"},
        {file_with(R"({"w":{"dtype":"U8","shape":[0],"data_offsets":[9,9]}})", ""),
         "nothing describes the bytes from 0 to 9"},
    };
    for (const Malformed& row : table) {
        const std::string path = folder.file("bad", row.content);
        expect_refusal([&] { load_safetensors(path); }, {path, row.message});
    }
}

TEST(SafeTensors, EveryTruncationIsAnError) {
    const TemporaryFolder folder;
    save_safetensors(folder / "a", {{"w", filled({2, 2}, f32)}, {"b", filled({2}, f64)}}, {{"k", "v"}});
    const std::string content = content_of(folder / "a");
    for (std::size_t length = 0; length < content.size(); ++length)
        EXPECT_THROW(load_safetensors(folder.file("cut", content.substr(0, length))), IoError) << length;
    expect_error([&] { load_safetensors(folder.file("long", content + "x")); }, {"the data at"});
}

TEST(SafeTensors, RefusesToSaveWhatCannotBeRead) {
    const TemporaryFolder folder;
    const std::string path = folder.file("a", "old");
    const Tensor x = filled({2}, f32);
    expect_error<ValueError>([&] { save_safetensors(path, {{"w", x}, {"w", x}}); }, {"name \"w\" is taken"});
    expect_error<ValueError>(
        [&] {
            save_safetensors(path, {{"__metadata__", x}});
        },
        {"\"__metadata__\" is taken"});
    expect_error<ValueError>([&] { save_safetensors(path, {{"w\xff", x}}); }, {"is not UTF-8"});
    expect_error<ValueError>([&] { save_safetensors(path, {}, {{"k", "\xc3"}}); }, {"is not UTF-8"});
    expect_error<ValueError>([&] { save_safetensors(path, {{"w", Tensor()}}); }, {"\"w\" is undefined"});
    EXPECT_EQ(content_of(path), "old");
    expect_error([&] { save_safetensors("/dev/full", {{"w", x}}); }, {"/dev/full", "No space left"});
    expect_error([&] { save_safetensors(folder / "none/a", {{"w", x}}); }, {folder / "none/a"});
    EXPECT_EQ(folder.entries().size(), 1U);
}

TEST(SafeTensors, ManyTensorsAreFast) {
    const TemporaryFolder folder;
    NamedTensors tensors;
    for (int i = 0; i < 20'000; ++i)
        tensors.emplace_back("layer." + std::to_string(i) + ".weight", filled({3}, f32));
    save_safetensors(folder / "a", tensors);
    const double start = work_done();
    const SafeTensors file = load_safetensors(folder / "a");
    const double end = work_done();
    ASSERT_EQ(file.tensors.size(), tensors.size());
    EXPECT_EQ(file.tensors.back().first, "layer.19999.weight");
    EXPECT_LT(end - start, 100 * refusal_limit());
}

TEST(SafeTensors, KilledWhileSavingLoadsAsOldOrNew) {
    const TemporaryFolder folder;
    const std::string path = folder / "a";
    const Tensor small = filled({50'000}, f32), large = filled({90'000}, f32);
    save_safetensors(path, {{"w", small}});
    for (int round = 0; round < 15; ++round) {
        run_until_killed(
            [&] {
                save_safetensors(path, {{"w", large}});
                save_safetensors(path, {{"w", small}});
            },
            std::chrono::microseconds(700 + 431 * round));
        const SafeTensors file = load_safetensors(path);
        ASSERT_TRUE(same(file["w"], small) || same(file["w"], large));
    }
    save_safetensors(path, {{"w", small}});
    EXPECT_EQ(folder.entries().size(), 1U);
}

TEST(SafeTensors, AnIndexNamesTheFilesOfAModel) {
    const TemporaryFolder folder;
    save_safetensors(folder / "a.safetensors", {{"w", tensor<float>({1, 2}, {2})}, {"other", ones({1})}});
    save_safetensors(folder / "b.safetensors", {{"v", tensor<float>({3}, {1})}});
    const auto index = [&](const std::string& content) {
        return load_safetensors(folder.file("m.safetensors.index.json", content));
    };
    const SafeTensors all = index(
        R"({"metadata":{"total_size":12,"from":"us"},"weight_map":{"v":"b.safetensors","w":"a.safetensors"}})");
    ASSERT_EQ(all.tensors.size(), 2U);
    EXPECT_TRUE(same(all["w"], tensor<float>({1, 2}, {2})));
    EXPECT_TRUE(same(all["v"], tensor<float>({3}, {1})));
    EXPECT_EQ(all.metadata.at("total_size"), "12");
    EXPECT_EQ(all.metadata.at("from"), "us");
    expect_error<IoError>([&] { index(R"({"weight_map":{"x":"a.safetensors"}})"); },
                          {"\"x\" is not in \"a.safetensors\""});
    expect_error<IoError>([&] { index(R"({"weight_map":{"x":"../a.safetensors"}})"); },
                          {"\"../a.safetensors\"", "beside the index"});
    expect_error<IoError>([&] { index(R"({"weight_map":{"x":"c"}})"); }, {"/c"});
    expect_error<IoError>([&] { index(R"({"weight_map":{"x":3}})"); }, {"\"x\" has no file"});
    expect_error<IoError>([&] { index(R"({"weight":{}})"); }, {"no weight_map"});
    expect_error<IoError>([&] { index("{"); }, {"no index"});
}

}  // namespace
}  // namespace adjoint::data
