// Models through files and back, and files that are not what they should be.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "models.h"
#include "temporary_folder.h"

namespace adjoint::onnx {
namespace {

Model read_bytes(const std::string& bytes) { return read(std::as_bytes(std::span(bytes)), "model"); }

TEST(Format, ASizeThatNobodyKnowsStaysADimension) {
    Model model = small_model();
    Type& type = model.graph.inputs[0].type;
    type.shape = std::vector<Dimension>{{}, {.size = 3}, {.name = "n"}, {}};
    const std::optional<std::vector<Dimension>> shape =
        read_bytes(to_bytes(model)).graph.inputs[0].type.shape;
    ASSERT_TRUE(shape && shape->size() == 4);
    for (std::size_t i = 0; i < 4; ++i) {
        EXPECT_EQ((*shape)[i].size, (*type.shape)[i].size) << i;
        EXPECT_EQ((*shape)[i].name, (*type.shape)[i].name) << i;
    }
}

/// Every kind of thing that a model holds.
Model full_model() {
    Model model = small_model();
    model.producer_name = "adjoint";
    model.producer_version = "1";
    model.domain = "test";
    model.model_version = 3;
    model.doc = "doc";
    model.metadata = {{"key", "value"}, {"other", ""}};
    model.operator_sets.push_back({.domain = "own", .version = 1});
    const auto body = std::make_shared<const Graph>(small_model().graph);
    const TensorValue two = tensor_value("two", tensor<std::int64_t>({1, -2}, {2}));
    const SparseTensorValue sparse{.values = two, .indices = two, .dims = {9}};
    const Type list{.kind = TypeKind::sequence,
                    .inner = {{.kind = TypeKind::tensor, .element = ElementType::f16}}};
    Node all = node("All", {"x", ""}, {"z", ""},
                    {{"f", 1.5F, ""},
                     {"i", std::int64_t{-7}, ""},
                     {"s", std::string("te\0xt", 5), ""},
                     {"t", two, ""},
                     {"g", body, ""},
                     {"floats", std::vector<float>{1, -0.0F}, ""},
                     {"ints", std::vector<std::int64_t>{std::int64_t{1} << 62, -1}, ""},
                     {"strings", std::vector<std::string>{"", "a"}, ""},
                     {"tensors", std::vector<TensorValue>{two, two}, ""},
                     {"graphs", std::vector<std::shared_ptr<const Graph>>{body, body}, ""},
                     {"sparse", sparse, ""},
                     {"sparses", std::vector<SparseTensorValue>{sparse}, ""},
                     {"type", list, ""},
                     {"types", std::vector<Type>{list, list}, ""},
                     {"of the function", std::monostate{}, "outer", 7}});
    all.domain = "own";
    all.overload = "second";
    model.functions = {{.domain = "own",
                        .name = "All",
                        .overload = "second",
                        .inputs = {"a", "b"},
                        .outputs = {"c"},
                        .attributes = {"outer"},
                        .default_attributes = {{"k", std::int64_t{2}, ""}},
                        .nodes = {node("Relu", {"a"}, {"c"})},
                        .operator_sets = {{.domain = "", .version = 17}},
                        .doc = "what it does"}};
    model.graph.nodes.push_back(all);
    model.graph.sparse_initializers = {sparse};
    model.graph.values = {tensor_info("h", ElementType::f32, {-1, 2})};
    model.graph.inputs.push_back(
        {.name = "m", .type = {.kind = TypeKind::map, .element = ElementType::i64, .inner = {list}}});
    model.graph.inputs.push_back({.name = "o", .type = {.kind = TypeKind::optional, .inner = {list}}});
    model.graph.inputs.push_back({.name = "unknown"});
    return model;
}

TEST(Format, KeepsEverythingOfAModel) {
    const std::string bytes = to_bytes(full_model());
    const Model model = read_bytes(bytes);
    EXPECT_EQ(to_bytes(model), bytes);
    EXPECT_EQ(model.graph.nodes[2].attributes.size(), 15U);
    EXPECT_EQ(std::get<std::string>(model.graph.nodes[2].attributes[2].value).size(), 5U);
    EXPECT_EQ(std::get<std::vector<std::int64_t>>(model.graph.nodes[2].attributes[6].value)[0],
              std::int64_t{1} << 62);
    EXPECT_EQ(model.graph.nodes[2].attributes[14].reference, "outer");
    EXPECT_EQ(model.graph.nodes[2].attributes[14].reference_type, 7);
    EXPECT_EQ(model.graph.inputs[0].type.shape->at(0).name, "N");
    EXPECT_EQ(model.graph.inputs[1].type.inner.at(0).inner.at(0).element, ElementType::f16);
    EXPECT_EQ(model.functions.at(0).default_attributes.at(0).name, "k");
    EXPECT_EQ(model.metadata, full_model().metadata);
    EXPECT_TRUE(equal(to_tensor(model.graph.initializers[0]), tensor<float>({1, -2, 3, 4, -5, 6}, {3, 2})));
}

TEST(Format, TensorsOfAllTypesGoThroughFiles) {
    for (const DType type : {f16, bf16, f32, f64, u8, i32, i64, boolean}) {
        Model model = small_model();
        const Tensor x = tensor({0, 1, 2, 100}).to(type);
        model.graph.initializers = {tensor_value("x", x)};
        const Tensor back = to_tensor(read_bytes(to_bytes(model)).graph.initializers[0]);
        EXPECT_EQ(back.dtype(), type);
        EXPECT_TRUE(equal(back, x)) << name(type);
    }
}

/// A tensor of `count` elements, whose field `number` holds `packed`.
std::string with_field(ElementType type, int count, int number, const std::string& packed) {
    const auto field = [](int tag, int wire) { return static_cast<char>(tag << 3 | wire); };
    std::string tensor = {field(1, 0), static_cast<char>(count), field(2, 0), static_cast<char>(type)};
    tensor += field(number, 2);
    tensor += static_cast<char>(packed.size()) + packed;
    std::string graph = {field(5, 2), static_cast<char>(tensor.size())};
    graph += tensor;
    return std::string{field(7, 2), static_cast<char>(graph.size())} + graph;
}

TEST(Format, TypedFieldsAreTheSameElements) {
    struct Case {
        ElementType type;
        int number;
        std::string packed;
        std::vector<double> values;
    };
    using std::string_literals::operator""s;
    const std::string minus_one = "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01";
    const Case cases[] = {
        {ElementType::f32, 4, "\0\0\x80\x3f\0\0\0\xc0"s, {1, -2}},
        {ElementType::f64, 10, "\0\0\0\0\0\0\xf0\x3f"s, {1}},
        {ElementType::i32, 5, "\x05"s + minus_one, {5, -1}},
        {ElementType::i16, 5, "\x05"s + minus_one, {5, -1}},
        {ElementType::i8, 5, "\x05"s + minus_one, {5, -1}},
        {ElementType::u8, 5, "\xff\x01"s, {255}},
        {ElementType::u16, 5, "\xff\xff\x03"s, {65535}},
        {ElementType::boolean, 5, "\x01\0"s, {1, 0}},
        {ElementType::f16, 5, "\x80\x78"s, {1}},
        {ElementType::bf16, 5, "\x80\x7f"s, {1}},
        {ElementType::i64, 7, "\x05"s + minus_one, {5, -1}},
        {ElementType::u32, 11, "\xff\xff\xff\xff\x0f"s, {4294967295.0}},
        {ElementType::u64, 11, "\x07"s, {7}},
    };
    for (const Case& one : cases) {
        const int count = static_cast<int>(one.values.size());
        const Model model = read_bytes(with_field(one.type, count, one.number, one.packed));
        const Tensor x = to_tensor(model.graph.initializers.at(0));
        EXPECT_EQ(x.dtype(), stored_as(one.type)) << name(one.type);
        EXPECT_EQ(x.to_vector<double>(), one.values) << name(one.type);
    }
}

TEST(Format, LargeTensorsLieInAFileBeside) {
    const TemporaryFolder folder;
    Model model = small_model();
    model.graph.initializers.push_back(tensor_value("large", arange(1000)));
    model.graph.initializers.push_back(tensor_value("larger", arange(3001)));
    write(model, folder / "m.onnx", {.external_data = true});
    EXPECT_EQ(folder.entries().size(), 2U);
    EXPECT_LT(std::filesystem::file_size(folder / "m.onnx"), 1000U);
    const Model back = read(folder / "m.onnx");
    EXPECT_TRUE(equal(to_tensor(back.graph.initializers[2]), arange(1000)));
    EXPECT_TRUE(equal(to_tensor(back.graph.initializers[3]), arange(3001)));
    EXPECT_EQ(to_bytes(back), to_bytes(model));
    std::filesystem::resize_file(folder / "m.onnx.data", 20000);
    try {
        read(folder / "m.onnx");
        ADD_FAILURE() << "was read";
    } catch (const IoError& error) {
        EXPECT_NE(std::string(error.what()).find("tensor \"larger\": has 24008 bytes"), std::string::npos)
            << error.what();
    }
}

TEST(Format, NothingOutsideTheFolderIsRead) {
    const TemporaryFolder outer;
    std::filesystem::create_directory(outer / "in");
    const std::string path = outer / "in/m.onnx";
    Model model = small_model();
    model.graph.initializers = {tensor_value("w", zeros({1}))};
    write(model, path, {.external_data = true, .external_from = 0});
    std::ifstream in(path, std::ios::binary);
    const std::string written((std::istreambuf_iterator<char>(in)), {}), beside = "m.onnx.data";
    const auto place = [&](const std::string& location) {
        ASSERT_EQ(location.size(), beside.size());
        std::string bytes = written;
        outer.file("in/m.onnx", bytes.replace(bytes.find(beside), beside.size(), location));
    };
    outer.file("sec.data", "abcd");
    outer.file("in/good.floats", "abcd");
    std::filesystem::create_symlink("good.floats", outer / "in/inside.data");
    std::filesystem::create_symlink("../sec.data", outer / "in/linked.data");
    std::filesystem::create_directory_symlink("..", outer / "in/up");
    for (const char* location : {"../sec.data", "/etc/passwd", "linked.data", "up/sec.data", "no/../../no"}) {
        place(location);
        try {
            read(path);
            ADD_FAILURE() << location << " was read";
        } catch (const IoError& error) {
            EXPECT_NE(std::string(error.what()).find("outside the folder of the model"), std::string::npos)
                << error.what();
        }
    }
    place("missed.data");
    EXPECT_THROW(read(path), IoError);
    place("inside.data");
    EXPECT_NO_THROW(read(path));
    EXPECT_THROW(read_bytes(written), IoError);
}

/// The message with which bytes are refused.
std::string refusal(const std::string& bytes) {
    try {
        read_bytes(bytes);
        return "was read";
    } catch (const IoError& error) {
        return error.what();
    }
}

TEST(Format, ErrorsSayWhere) {
    EXPECT_EQ(refusal(""), "model: the file is empty");
    using namespace std::string_literals;
    for (const auto& [bytes, what] : {std::pair("PK\x03\x04...."s, "a zip archive, as .pth"),
                                      {"\x10\0\0\0\0\0\0\0{\"a\":1}"s, "a safetensors file"},
                                      {"\x80\x02}q."s, "a pickle, as old .pth files are"},
                                      {"\x93NUMPY\1\0"s, "an array of NumPy"},
                                      {"version https://git-lfs.github.com/spec/v1\n"s, "git lfs pull"},
                                      {"<html>"s, "a web page"},
                                      {"import torch\nprint(1)\n"s, "it seems to be text"}})
        EXPECT_NE(refusal(bytes).find(what), std::string::npos) << refusal(bytes);
    EXPECT_EQ(refusal("\x08\x03"), "model: no ONNX model: there is no graph in it");
    EXPECT_EQ(refusal(with_field(ElementType::f32, 3, 9, "abcd")),
              "model: graph \"\": tensor \"\": 4 bytes for the sizes (3) of float, expected 12");
    EXPECT_EQ(refusal(with_field(static_cast<ElementType>(99), 1, 9, "abcd")),
              "model: graph \"\": tensor \"\": unknown element type 99");
    Model model = small_model();
    model.graph.initializers[0].dims = {-3, 2};
    EXPECT_THROW(to_bytes(model), ValueError);
}

TEST(Format, GraphsInGraphsEnd) {
    auto inner = std::make_shared<const Graph>(small_model().graph);
    for (int i = 0; i < 200; ++i) {
        Graph around = small_model().graph;
        around.nodes.push_back(node("If", {"c"}, {"z"}, {{"then_branch", inner, ""}}));
        inner = std::make_shared<const Graph>(around);
    }
    EXPECT_NE(refusal(to_bytes(model_of(*inner))).find("nested too deeply"), std::string::npos);
}

TEST(Format, DamagedBytesAreReadOrRefused) {
    const std::string whole = to_bytes(full_model());
    int refused = 0;
    for (std::size_t i = 0; i < whole.size(); ++i) {
        for (int bit = 0; bit < 8; ++bit) {
            std::string damaged = whole;
            damaged[i] = static_cast<char>(damaged[i] ^ 1 << bit);
            refused += refusal(damaged) != "was read";
        }
        refused += refusal(whole.substr(0, i)) != "was read";
    }
    EXPECT_GT(refused, static_cast<int>(whole.size()) / 2);
}

}  // namespace
}  // namespace adjoint::onnx
