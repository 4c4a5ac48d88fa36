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
    EXPECT_EQ(run_program(folder, call + " --threads 0").status, 1);
}

TEST(Program, SaysWhyAModelIsRefused) {
    const TemporaryFolder folder;
    if (run_program(folder, "--help").status < 0) GTEST_SKIP() << "onnx_run is not built";
    Model model = small_model();
    model.graph.nodes.push_back(node("Wonder", {"y"}, {"z"}));
    model.graph.outputs.push_back({.name = "z"});
    write(model, folder / "m.onnx");
    const Ended ended = run_program(folder, (folder / "m.onnx") + " a b");
    EXPECT_EQ(ended.status, 2);
    EXPECT_NE(ended.err.find("\n  the operator Wonder of version 17: \"make_z\"\n"), std::string::npos)
        << ended.err;
}

}  // namespace
}  // namespace adjoint::onnx
