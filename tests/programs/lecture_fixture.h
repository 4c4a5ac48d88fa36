// What the tests of the lecture programs share: a quick run, a folder for its pictures, a look into them.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

#include <adjoint/core/error.h>
#include <adjoint/data/mnist.h>

#include "programs/program.h"

namespace adjoint {

class Lecture : public testing::Test {
  protected:
    // Runs the program quickly, with a folder of its own for its pictures.
    std::string run_quick(const std::string& program) {
        const Outcome outcome = run(program + " --quick --out " + folder_.string());
        EXPECT_EQ(outcome.status, 0) << outcome.text;
        return outcome.text;
    }
    // A picture of its kind, whole from its first bytes to its last.
    bool drew(const std::string& picture) const {
        std::ifstream file(folder_ / picture, std::ios::binary);
        const std::string bytes{std::istreambuf_iterator<char>(file), {}};
        const std::string_view text = bytes;
        if (picture.ends_with(".png")) return text.starts_with("\x89PNG") && text.find("IEND") != text.npos;
        const bool svg = picture.ends_with(".svg");
        return text.find(svg ? "<svg" : "digraph") != text.npos &&
               text.find(svg ? "</svg>" : "}", text.size() - std::min<std::size_t>(text.size(), 8)) !=
                   text.npos;
    }
    void SetUp() override { std::filesystem::remove_all(folder_); }
    void TearDown() override { std::filesystem::remove_all(folder_); }

  private:
    const std::filesystem::path folder_ =
        std::filesystem::path(testing::TempDir()) /
        (std::string("adjoint_lecture_") + testing::UnitTest::GetInstance()->current_test_info()->name());
};

#define SKIP_WITHOUT_IMAGES()                                             \
    try {                                                                 \
        data::load_mnist();                                               \
    } catch (const IoError&) {                                            \
        GTEST_SKIP() << "neither MNIST nor Fashion-MNIST is to be found"; \
    }

}  // namespace adjoint
