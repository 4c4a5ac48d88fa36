// docs/onnx.md lists the operators that there are, what becomes of our own, and of each conformance case of
// Debian's libonnx-testdata; none may fail. scripts/onnx_tables writes these parts.
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <set>

#include <adjoint/onnx/export/export.h>
#include <adjoint/onnx/import/operator.h>

#include "conformance.h"
#include "op_table/op_table.h"

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
    if (own)
        std::printf("%s", conformance_summary(results).c_str());
    else
        hold_part("conformance", conformance_table(results));
}

// What each operator of the library becomes: the operators of all its rows, or why it does not become any.
TEST(Page, ListsWhatBecomesOfOurOperators) {
    std::map<std::string, std::set<std::string>> becomes, refused;
    for (const table::Row& row : table::rows()) {
        table::Tensors inputs;
        for (std::size_t i = 0; i < row.inputs.size(); ++i)
            inputs.push_back(
                table::to_tensor(table::generate(row.inputs[i], row.name(), i), row.inputs[i], DType::f32));
        try {
            for (const Node& node : to_model(ListFunction(row.call), inputs).graph.nodes)
                becomes[row.op].insert(node.op_type);
        } catch (const ValueError& error) {
            refused[row.op].insert(row.variant);
        }
    }
    std::string table = "| operator | becomes |\n|---|---|\n";
    const auto joined = [](const std::set<std::string>& names) {
        std::string list;
        for (const std::string& name : names) list += (list.empty() ? "" : ", ") + name;
        return list;
    };
    for (const std::string& op : table::declared_operators()) {
        if (table::exempt_operators().contains(op) && op != "dropout") continue;
        std::string what = joined(becomes[op]);
        if (op == "dropout") what = "nothing in evaluation mode; refused where it draws";
        if (!refused[op].empty()) what += "; refused: " + joined(refused[op]);
        table += "| `" + op + "` | " + what + " |\n";
    }
    hold_part("exported", table);
}

}  // namespace
}  // namespace adjoint::onnx
