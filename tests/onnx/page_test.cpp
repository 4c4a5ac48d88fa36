// docs/onnx.md lists the operators that there are, and what becomes of each conformance case of Debian's
// libonnx-testdata; none may fail. scripts/onnx_tables writes these parts.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>

#include <adjoint/onnx/import/operator.h>

#include "conformance.h"

namespace adjoint::onnx {
namespace {

/// Holds a part of the page to `text`, or writes the text to where the script wants it.
void hold_part(const std::string& part, const std::string& text) {
    if (const char* folder = std::getenv("ADJOINT_ONNX_TABLES")) {
        std::ofstream(std::string(folder) + "/" + part) << text;
        return;
    }
    std::ifstream in(ADJOINT_SOURCE_DIR "/docs/onnx.md");
    const std::string page{std::istreambuf_iterator<char>(in), {}};
    EXPECT_NE(page.find("<!-- " + part + " -->\n" + text + "<!-- end of " + part + " -->\n"),
              std::string::npos)
        << "docs/onnx.md is not up to date, scripts/onnx_tables writes it:\n"
        << text;
}

TEST(Page, ListsTheOperators) {
    std::string list;
    std::set<std::string_view> names;
    for (const Row* row : all_rows()) {
        if (!names.insert(row->name).second) continue;
        list += (list.empty() ? "" : ", ") + std::string(row->name);
        if (row->since > 7) list += " (from " + std::to_string(row->since) + ")";
    }
    EXPECT_GE(names.size(), 150U);
    hold_part("operators", std::to_string(names.size()) + " operators: " + list + ".\n");
}

TEST(Page, ListsTheConformanceCasesAndNoneFails) {
    const char* own = std::getenv("ADJOINT_ONNX_CASES");
    const std::string folder = own ? own : "/usr/share/libonnx-testdata/data";
    if (!std::filesystem::exists(folder)) GTEST_SKIP() << folder << " is not there (libonnx-testdata)";
    const auto results = run_cases(folder);
    EXPECT_FALSE(results.empty());
    for (const CaseResult& result : results)
        if (result.outcome == Outcome::failed) ADD_FAILURE() << result.name << ": " << result.reason;
    if (!own) hold_part("conformance", conformance_table(results));
}

}  // namespace
}  // namespace adjoint::onnx
