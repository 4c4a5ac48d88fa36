// Files of torch.save: what their pickles say, written out instruction by instruction, and what is refused.
#include <adjoint/data/torch.h>

#include <functional>

#include <adjoint/autograd/ops/shape.h>
#include <adjoint/data/zip.h>

#include "test_files.h"

namespace adjoint::data {
namespace {

std::string text(const std::string& value) {
    return "X" + raw(static_cast<std::uint32_t>(value.size())) + value;
}
std::string number(int value) { return "K" + std::string(1, static_cast<char>(value)); }
std::string tuple(const std::vector<int>& values) {
    std::string out = "(";
    for (const int value : values) out += number(value);
    return out + "t";
}
// torch._utils._rebuild_tensor_v2(storage, offset, sizes, strides, requires_grad, hooks)
std::string tensor_code(const std::string& type, const std::string& key, int count, int offset,
                        const std::vector<int>& sizes, const std::vector<int>& strides) {
    return "ctorch._utils\n_rebuild_tensor_v2\n((" + text("storage") + "ctorch\n" + type + "\n" + text(key) +
           text("cpu") + number(count) + "tQ" + number(offset) + tuple(sizes) + tuple(strides) +
           "\x89"
           "ccollections\nOrderedDict\n)RtR";
}
std::string pickle(const std::string& code) { return "\x80\x02" + code + "."; }

struct Part {
    std::string name, content;
};

std::string archive(const TemporaryFolder& folder, const std::vector<Part>& parts) {
    std::vector<ZipMember> members;
    for (const Part& part : parts)
        members.push_back({"net/" + part.name, {std::as_bytes(std::span(part.content))}});
    write_zip(folder / "net.pt", members, false, "test");
    return folder / "net.pt";
}

TEST(Torch, ReadsAStateDictionary) {
    const TemporaryFolder folder;
    // An ordered dictionary, as a module's state is, with the attribute that it has besides.
    const std::string code = "ccollections\nOrderedDict\nq\x01)Rq\x02(" + text("fc.weight") +
                             tensor_code("FloatStorage", "0", 6, 0, {2, 3}, {3, 1}) + text("fc.weight_t") +
                             tensor_code("FloatStorage", "0", 6, 0, {3, 2}, {1, 3}) + text("fc.last") +
                             tensor_code("FloatStorage", "0", 6, 5, {}, {}) + text("steps") +
                             tensor_code("LongStorage", "1", 1, 0, {1}, {1}) + "u}" + text("_metadata") +
                             "h\x02sb";
    const TorchFile file = load_torch(archive(folder, {{"data.pkl", pickle(code)},
                                                       {"byteorder", "little"},
                                                       {"data/0", floats({1, 2, 3, 4, 5, 6})},
                                                       {"data/1", raw(std::int64_t{9})}}));
    ASSERT_EQ(file.tensors.size(), 4U);
    EXPECT_EQ(file.tensors[0].first, "fc.weight");
    EXPECT_TRUE(same(file["fc.weight"], tensor<float>({1, 2, 3, 4, 5, 6}, {2, 3})));
    EXPECT_EQ(file["fc.weight_t"].to_vector<float>(), (std::vector<float>{1, 4, 2, 5, 3, 6}));
    EXPECT_EQ(file["fc.last"].item(), 6);
    EXPECT_EQ(file["steps"].item<std::int64_t>(), 9);
    // One memory in the file is one here.
    file["fc.weight"].fill_(0);
    EXPECT_EQ(file["fc.last"].item(), 0);
    expect_error<IndexError>([&] { (void)file["x"]; }, {"no tensor \"x\""});
}

TEST(Torch, ReadsADictionaryInsideOfACheckpoint) {
    const TemporaryFolder folder;
    const std::string state = "}(" + text("w") + tensor_code("DoubleStorage", "0", 1, 0, {1}, {1}) + "u";
    const std::string code = "}(" + text("epoch") + number(3) + text("lr") + "G\x3f\xe0" +
                             std::string(6, '\0') + text("done") + "\x88" + text("best") + "N" +
                             text("state_dict") + state + text("list") + "](" + text("word") + number(7) +
                             "eu";
    const std::string path = archive(folder, {{"data.pkl", pickle(code)}, {"data/0", raw(2.5)}});
    const TorchFile all = load_torch(path);
    EXPECT_EQ(all["state_dict.w"].item(), 2.5);
    EXPECT_EQ(all.values,
              (std::map<std::string, std::string>{
                  {"epoch", "3"}, {"lr", "0.5"}, {"done", "true"}, {"list.0", "word"}, {"list.1", "7"}}));
    EXPECT_EQ(load_torch(path, {.key = {"state_dict"}})["w"].item(), 2.5);
    expect_error<IndexError>([&] { load_torch(path, {.key = {"model"}}); },
                             {"no key \"model\"", "\"epoch\"", "\"state_dict\""});
}

TEST(Torch, ReadsNarrowIntegersAsWiderOnes) {
    const TemporaryFolder folder;
    const std::string code = "}(" + text("a") + tensor_code("CharStorage", "0", 2, 0, {2}, {1}) + text("b") +
                             tensor_code("ShortStorage", "1", 2, 0, {2}, {1}) + "u";
    const TorchFile file = load_torch(archive(
        folder, {{"data.pkl", pickle(code)}, {"data/0", "\x7f\x80"}, {"data/1", bytes("\x00\x80\x02\x01")}}));
    EXPECT_TRUE(same(file["a"], tensor<std::int32_t>({127, -128}, {2})));
    EXPECT_TRUE(same(file["b"], tensor<std::int32_t>({-32768, 258}, {2})));
}

TEST(Torch, ReadsParametersWithAttributesAndTypesWithoutAStorage) {
    const TemporaryFolder folder;
    const std::string weight = tensor_code("FloatStorage", "0", 2, 0, {2}, {1});
    const auto parameter = [&](const std::string& maker, const std::string& inside, const std::string& more) {
        return "ctorch._utils\n" + maker + "\n(" + inside + "\x88" + "ccollections\nOrderedDict\n)R" + more +
               "tR";
    };
    // (storage of 4 bytes, offset, sizes, strides, requires_grad, hooks, type)
    const auto typed = [](const std::string& type, int bytes, int offset) {
        return "ctorch._utils\n_rebuild_tensor_v3\n((" + text("storage") +
               "ctorch.storage\nUntypedStorage\n" + text("1") + text("cpu") + number(bytes) + "tQ" +
               number(offset) + tuple({1}) + tuple({1}) +
               "\x89"
               "ccollections\nOrderedDict\n)Rctorch\n" +
               type + "\ntR";
    };
    const std::string state = "}(" + text("note") + text("mine") + "u";
    const std::string code = "}(" + text("a") + parameter("_rebuild_parameter", weight, "") + text("b") +
                             parameter("_rebuild_parameter_with_state", weight, state) + text("c") +
                             typed("uint16", 8, 3) + text("d") + typed("uint32", 8, 1) + text("e") +
                             typed("uint64", 8, 0) + text("i") + "\x8a\x08" + std::string(7, '\xff') +
                             "\x7f" + text("j") + bytes("\x8b\x01\0\0\0\xfe") + "u";
    const std::string memory = bytes("\1\0\2\0\xfe\xff\xff\x7f");
    const TorchFile file = load_torch(
        archive(folder, {{"data.pkl", pickle(code)}, {"data/0", floats({1, 2})}, {"data/1", memory}}));
    EXPECT_TRUE(same(file["a"], tensor<float>({1, 2}, {2})));
    EXPECT_TRUE(same(file["b"], tensor<float>({1, 2}, {2})));
    EXPECT_TRUE(same(file["c"], tensor<std::int32_t>({0x7fff}, {1})));
    EXPECT_TRUE(same(file["d"], tensor<std::int64_t>({0x7ffffffe}, {1})));
    EXPECT_TRUE(same(file["e"], tensor<std::int64_t>({0x7ffffffe00020001}, {1})));
    EXPECT_EQ(file.values.at("i"), "9223372036854775807");
    EXPECT_EQ(file.values.at("j"), "-2");
    const auto refused = [&](const std::string& of, const std::string& bits,
                             const std::vector<std::string>& parts) {
        const std::string path =
            archive(folder, {{"data.pkl", pickle("}(" + text("w") + of + "u")}, {"data/1", bits}});
        expect_error<IoError>([&] { load_torch(path); }, parts);
    };
    refused(typed("uint64", 8, 0), std::string(8, '\xff'), {"\"w\"", "18446744073709551615", "i64"});
    refused(typed("uint64", 8, 1), memory, {"\"w\"", "exceed its memory of 1"});
    refused(typed("float8_e5m2", 8, 0), memory, {"torch.float8_e5m2", "no type here"});
    refused(typed("FloatStorage", 8, 0), memory, {"no type here"});
    refused(parameter("_rebuild_parameter", parameter("_rebuild_parameter_with_state", weight, state), ""),
            memory, {"not executed"});
}

TEST(Torch, NamesThatBecomeOneAreAnError) {
    const TemporaryFolder folder;
    const std::string code =
        "}(" + text("a.b") + number(1) + text("a") + "}(" + text("b") + number(2) + "u" + "u";
    expect_error<IoError>(
        [&] {
            load_torch(archive(folder, {{"data.pkl", pickle(code)}}));
        },
        {"[\"a.b\"] and [\"a\"][\"b\"] are both \"a.b\""});
    const std::string keys = "}(" + text("s") + "}(" + number(7) + number(1) + text("7") + number(2) + "uu";
    expect_error<IoError>(
        [&] {
            load_torch(archive(folder, {{"data.pkl", pickle(keys)}}));
        },
        {"[\"s\"][7] and [\"s\"][\"7\"] are both \"s.7\""});
}

TEST(Torch, RoundTripIsExact) {
    const TemporaryFolder folder;
    NamedTensors tensors;
    for (const DType dtype : {f16, bf16, f32, f64, u8, i32, i64, boolean})
        tensors.emplace_back(name(dtype), adjoint::tensor({{0, 1, 1}, {1, 0, 1}}).to(dtype));
    tensors.emplace_back("none", empty({0, 3}));
    tensors.emplace_back("number", full({}, 2.5));
    tensors.emplace_back("tied", tensors[2].second);
    save_torch(folder / "a", tensors);
    const TorchFile read = load_torch(folder / "a");
    ASSERT_EQ(read.tensors.size(), tensors.size());
    for (std::size_t i = 0; i < tensors.size(); ++i) {
        EXPECT_EQ(read.tensors[i].first, tensors[i].first);
        EXPECT_TRUE(same(read.tensors[i].second, tensors[i].second)) << tensors[i].first;
    }
    EXPECT_EQ(read["tied"].impl().data, read["f32"].impl().data);
}

TEST(Torch, RefusesToSaveWhatItCannotWrite) {
    const TemporaryFolder folder;
    const Tensor x = ones({2, 3});
    expect_error<ValueError>([&] { save_torch(folder / "a", {{"x", x}, {"x", x}}); }, {"\"x\"", "twice"});
    expect_error<ValueError>([&] { save_torch(folder / "a", {{"x", transpose(x, 0, 1)}}); }, {"not dense"});
}

TEST(Torch, NothingIsExecuted) {
    const TemporaryFolder folder;
    const auto refused = [&](const std::string& code, const std::vector<std::string>& parts) {
        const std::string path = archive(folder, {{"data.pkl", pickle(code)}, {"data/0", floats({1, 2})}});
        expect_error<IoError>([&] { load_torch(path); }, parts);
    };
    refused("cos\nsystem\n(" + text("true") + "tR", {"os.system", "not executed"});
    refused("}(" + text("w") + "cposix\nsystem\n(" + text("true") + "tRu", {"\"w\"", "posix.system"});
    refused("}(" + text("w") + "cnumpy\nndarray\nu", {"numpy.ndarray", "is no tensor"});
    refused("c__main__\nNet\n)\x81}b", {"instruction 0x81"});  // a whole module
    refused("}(" + text("w") + "cbuiltins\neval\n(" + text("1") + "tR)Ru", {"call of what is no name"});
    refused("(iposix\nsystem\n", {"instruction 0x69"});
    refused("cos\nsystem\n" + text("x") + "b", {"attributes"});
    refused("\x8a\x09" + std::string(9, '\1'), {"integer of 9 bytes", "64 bits"});
    refused(bytes("\x8b\x0a\0\0\0") + std::string(10, '\1'), {"integer of 10 bytes", "64 bits"});
}

TEST(Torch, RefusesWhatIsMalformed) {
    const TemporaryFolder folder;
    const auto refused = [&](const std::string& code, const std::string& memory,
                             const std::vector<std::string>& parts) {
        const std::string path =
            archive(folder, {{"data.pkl", pickle("}(" + text("w") + code + "u")}, {"data/0", memory}});
        expect_error<IoError>([&] { load_torch(path); }, parts);
    };
    const std::string two = floats({1, 2});
    refused(tensor_code("FloatStorage", "0", 2, 1, {2}, {1}), two, {"\"w\"", "exceed its memory of 2"});
    refused(tensor_code("FloatStorage", "0", 2, 0, {2}, {2}), two, {"exceed its memory"});
    refused(tensor_code("FloatStorage", "0", 2, 0, {2, 1}, {1}), two, {"malformed"});
    refused(tensor_code("FloatStorage", "0", 3, 0, {2}, {1}), two, {"\"w\""});
    refused(tensor_code("FloatStorage", "7", 2, 0, {2}, {1}), two, {"no \"net/data/7\""});
    refused(tensor_code("ComplexFloatStorage", "0", 1, 0, {1}, {1}), two, {"ComplexFloatStorage"});
    refused(
        "ctorch._utils\n_rebuild_tensor_v2\n(t"
        "R",
        two, {"without its memory"});
    refused("h\x05", two, {"place 5 of the memo"});
    refused("(((", two, {""});
    // A list that holds itself.
    refused(
        "]q\x01h\x01"
        "a",
        two, {"inside each other"});

    const std::string path = archive(folder, {{"data.pkl", pickle("}")}, {"byteorder", "big"}});
    expect_error<IoError>([&] { load_torch(path); }, {"big-endian"});
    expect_error<IoError>([&] { load_torch(archive(folder, {{"other", ""}})); }, {"without data.pkl"});
    expect_error<IoError>([&] { load_torch(folder.file("b", "\x80\x02}.")); }, {"not a zip archive"});
    expect_error<IoError>([&] { load_torch(archive(folder, {{"data.pkl", "\x80\x07}."}})); }, {"protocol 7"});
    expect_error<IoError>([&] { load_torch(archive(folder, {{"data.pkl", "}."}})); }, {"no pickle"});
}

}  // namespace
}  // namespace adjoint::data
