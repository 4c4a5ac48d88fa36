// The public functions that need a row, read from the headers, and those that need none.
#include <filesystem>
#include <fstream>
#include <regex>
#include <set>

#include "op_table.h"

namespace adjoint::table {

std::vector<std::string> declared_operators() {
    const std::regex declaration(R"(^ADJOINT_API (?:Tensor|ValuesIndices|std::vector<Tensor>) (\w+)\()");
    std::set<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(ADJOINT_SOURCE_DIR "/autograd")) {
        if (entry.path().extension() != ".h") continue;
        std::ifstream file(entry.path());
        for (std::string line; std::getline(file, line);)
            if (std::smatch match; std::regex_search(line, match, declaration)) names.insert(match[1]);
    }
    return {names.begin(), names.end()};
}

const std::map<std::string, std::string>& exempt_operators() {
    static const std::map<std::string, std::string> exempt = {
        {"grad", "the engine itself; tests/autograd/engine_test.cpp"},
        {"dropout", "random; tests/autograd/dropout_test.cpp"},
        {"lecture_mse_loss",
         "its gradient is not that of its value, on purpose; tests/autograd/lecture_test.cpp"},
    };
    return exempt;
}

}  // namespace adjoint::table
