// The public functions that need a row, read from the headers, and those that need none.
#include <filesystem>
#include <fstream>
#include <set>

#include "op_table/op_table.h"

namespace adjoint::table {

namespace {

// The name of the function that a line of a header declares, if it gives tensors; else nothing.
std::string declared_name(const std::string& line) {
    for (const std::string& result :
         std::vector<std::string>{"Tensor ", "ValuesIndices ", "UniqueValues ", "std::vector<Tensor> "}) {
        const std::string start = "ADJOINT_API " + result;
        if (line.compare(0, start.size(), start) != 0) continue;
        const std::size_t end = line.find('(', start.size());
        return end == std::string::npos ? "" : line.substr(start.size(), end - start.size());
    }
    return "";
}

}  // namespace

std::vector<std::string> declared_operators() {
    std::set<std::string> names;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(ADJOINT_SOURCE_DIR "/autograd")) {
        if (entry.path().extension() != ".h") continue;
        std::ifstream file(entry.path());
        for (std::string line; std::getline(file, line);)
            if (const std::string name = declared_name(line); !name.empty()) names.insert(name);
    }
    return {names.begin(), names.end()};
}

const std::map<std::string, std::string>& exempt_operators() {
    static const std::map<std::string, std::string> exempt = {
        {"grad", "the engine itself; tests/autograd/engine_test.cpp"},
        {"dropout", "random; tests/autograd/dropout_test.cpp"},
    };
    return exempt;
}

}  // namespace adjoint::table
