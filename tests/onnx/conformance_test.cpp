// The conformance cases of Debian's libonnx-testdata: none may fail, and docs/onnx.md lists what
// becomes of each.
#include "conformance.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace adjoint::onnx {
namespace {

std::string file_content(const std::string& path) {
    std::ifstream in(path);
    return {std::istreambuf_iterator<char>(in), {}};
}

TEST(Conformance, NoCaseFailsAndThePageListsAll) {
    const char* own = std::getenv("ADJOINT_ONNX_CASES");
    const std::string folder = own ? own : "/usr/share/libonnx-testdata/data";
    if (!std::filesystem::exists(folder)) GTEST_SKIP() << folder << " is not there (libonnx-testdata)";
    const auto results = run_cases(folder);
    EXPECT_FALSE(results.empty());
    for (const CaseResult& result : results)
        if (result.outcome == Outcome::failed) ADD_FAILURE() << result.name << ": " << result.reason;
    const std::string table = conformance_table(results);
    if (const char* path = std::getenv("ADJOINT_ONNX_TABLE")) std::ofstream(path) << table;
    if (own || std::getenv("ADJOINT_ONNX_TABLE")) return;
    EXPECT_NE(file_content(ADJOINT_SOURCE_DIR "/docs/onnx.md").find(table), std::string::npos)
        << "docs/onnx.md does not hold this table; scripts/onnx_tables writes it:\n"
        << table;
}

}  // namespace
}  // namespace adjoint::onnx
