// onnx_run, as a user runs it.
#include <gtest/gtest.h>

#include <sys/wait.h>

#include <cstdlib>
#include <fstream>
#include <iterator>

#include "models.h"
#include "temporary_folder.h"

namespace adjoint::onnx {
namespace {

struct Ended {
    int status;
    std::string out, err;
};

Ended run_program(const TemporaryFolder& folder, const std::string& arguments) {
#ifdef ADJOINT_ONNX_RUN
    const std::string command =
        std::string(ADJOINT_ONNX_RUN) + " " + arguments + " >" + (folder / "out") + " 2>" + (folder / "err");
    const int status = std::system(command.c_str());
    const auto content = [&](const std::string& name) {
        std::ifstream in(folder / name);
        return std::string{std::istreambuf_iterator<char>(in), {}};
    };
    return {WEXITSTATUS(status), content("out"), content("err")};
#else
    (void)folder;
    return {-1, arguments, "onnx_run is not built"};
#endif
}

TEST(Program, RunsAModelOnAnArchive) {
    const TemporaryFolder folder;
    if (run_program(folder, "--help").status < 0) GTEST_SKIP() << "onnx_run is not built";
    write(small_model(), folder / "m.onnx");
    const Tensor x = tensor({{1, 2, 3}, {-1, 0, 2}});
    const std::string call = (folder / "m.onnx") + " " + (folder / "in.npz") + " " + (folder / "out.npz");
    for (const char* name : {"x", "in_0"}) {
        data::write_npz(folder / "in.npz", {{name, x}});
        const Ended ended = run_program(folder, call + " --threads 1 --repeat 3");
        EXPECT_EQ(ended.status, 0) << ended.err;
        EXPECT_EQ(ended.out.rfind("median of 3 runs: ", 0), 0U) << ended.out;
        const auto arrays = data::read_npz(folder / "out.npz");
        ASSERT_EQ(arrays.size(), 1U);
        EXPECT_EQ(arrays[0].first, "out_0");
        EXPECT_TRUE(equal(arrays[0].second, Network(small_model())(x)));
    }
    data::write_npz(folder / "in.npz", {{"other", x}});
    const Ended missing = run_program(folder, call);
    EXPECT_EQ(missing.status, 1);
    EXPECT_EQ(missing.err, "error: onnx_run: there is no array x or in_0\n");
    EXPECT_EQ(run_program(folder, (folder / "none.onnx") + " a b").status, 1);
    EXPECT_EQ(run_program(folder, call + " --threads 0").status, 2);
}

TEST(Program, TakesIntegersThatTheModelCanHold) {
    const TemporaryFolder folder;
    if (run_program(folder, "--help").status < 0) GTEST_SKIP() << "onnx_run is not built";
    const std::string call = (folder / "m.onnx") + " " + (folder / "in.npz") + " " + (folder / "out.npz");
    const auto run_with = [&](ElementType declared, const Tensor& x) {
        Graph graph{.name = "g"};
        graph.inputs = {tensor_info("x", declared, {-1}), tensor_info("add", declared, {1})};
        graph.outputs = {{.name = "y"}};
        TensorValue one = tensor_value("add", tensor<std::uint8_t>({1}, {1}));
        std::vector<std::byte> bytes(static_cast<std::size_t>(bits_of(declared)) / 8);
        bytes[0] = std::byte{1};
        one.type = declared;
        one.bytes = {bytes, nullptr};
        graph.initializers = {one};
        graph.nodes = {node("Add", {"x", "add"}, {"y"})};
        write(model_of(graph), folder / "m.onnx");
        data::write_npz(folder / "in.npz", {{"x", x}});
        return run_program(folder, call);
    };
    using enum ElementType;
    const Tensor small = tensor<std::int32_t>({1, 100}, {2});
    for (const ElementType type : {i8, u8, i16, u16, ElementType::i32, u32, ElementType::i64, u64}) {
        const Ended ended = run_with(type, small);
        EXPECT_EQ(ended.status, 0) << name(type) << ": " << ended.err;
        EXPECT_EQ(data::read_npz(folder / "out.npz")[0].second.to_vector<double>(),
                  (std::vector<double>{2, 101}));
    }
    const Ended large = run_with(i8, tensor<std::int64_t>({1, 300}, {2}));
    EXPECT_EQ(large.status, 1);
    EXPECT_EQ(large.err, "error: onnx_run: the input x is int8 (N), its array has numbers from 1 to 300\n");
    EXPECT_EQ(run_with(u16, tensor<std::int32_t>({-1, 1}, {2})).status, 1);
    // An optional input by its name, in a run without a recording.
    (void)run_with(ElementType::i64, small);
    data::write_npz(folder / "in.npz", {{"x", small}, {"add", tensor<std::int32_t>({10}, {1})}});
    EXPECT_EQ(run_program(folder, call).status, 0);
    EXPECT_EQ(data::read_npz(folder / "out.npz")[0].second.to_vector<double>(),
              (std::vector<double>{11, 110}));
}

TEST(Program, SaysWhyAModelIsRefused) {
    const TemporaryFolder folder;
    if (run_program(folder, "--help").status < 0) GTEST_SKIP() << "onnx_run is not built";
    Model model = small_model();
    model.graph.nodes.push_back(node("Wonder", {"y"}, {"z"}));
    model.graph.outputs.push_back({.name = "z"});
    write(model, folder / "m.onnx");
    const Ended ended = run_program(folder, (folder / "m.onnx") + " a b");
    EXPECT_EQ(ended.status, 3);
    EXPECT_NE(ended.err.find("\n  the operator Wonder of version 17: \"make_z\"\n"), std::string::npos)
        << ended.err;
}

}  // namespace
}  // namespace adjoint::onnx
