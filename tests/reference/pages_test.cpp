// The examples of docs/reference and docs/tutorial print what their pages say.
#include <adjoint/adjoint.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <iostream>
#include <sstream>
#include <string>

#include "temporary_folder.h"

using namespace adjoint;

namespace {

struct Snippet {
    const char* name;
    void (*run)();
    const char* expected;
};

#include "snippets.inc"

class Reference : public ::testing::TestWithParam<Snippet> {};
INSTANTIATE_TEST_SUITE_P(Pages, Reference, ::testing::ValuesIn(snippets),
                         [](const auto& tested) { return std::string(tested.param.name); });

TEST_P(Reference, PrintsWhatItSays) {
    const TemporaryFolder folder;  // an example may write files
    std::filesystem::current_path(folder.path());
    std::ostringstream said;
    std::streambuf* const before = std::cout.rdbuf(said.rdbuf());
    try {
        GetParam().run();
    } catch (...) {
        std::cout.rdbuf(before);
        throw;
    }
    std::cout.rdbuf(before);
    EXPECT_EQ(said.str(), GetParam().expected);
}

}  // namespace
