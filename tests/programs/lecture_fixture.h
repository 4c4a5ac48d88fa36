// What the tests of the lecture programs share: a quick run, a folder for its pictures, a look into them.
//
// The programs run with their first seed, but no claim hangs on it: each holds for the seeds 1 to 20, on
// MNIST and on Fashion-MNIST, with the kernels of v2, v3 and v4. Where the bound is not far, a comment says
// how near they come.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

#include <adjoint/core/base/error.h>
#include <adjoint/data/mnist.h>

#include "programs/program.h"
#include "temporary_folder.h"

namespace adjoint {

class Lecture : public testing::Test {
  protected:
    // Runs the program quickly, with a folder of its own for its pictures.
    std::string run_quick(const std::string& program) {
        const Outcome outcome = run(program + " --quick --out " + folder_.path());
        EXPECT_EQ(outcome.status, 0) << outcome.text;
        return outcome.text;
    }
    // A picture of its kind, whole from its first bytes to its last.
    bool drew(const std::string& picture) const {
        std::ifstream file(folder_ / picture, std::ios::binary);
        const std::string bytes{std::istreambuf_iterator<char>(file), {}};
        const std::string_view text = bytes;
        if (picture.ends_with(".png"))
            return text.starts_with("\x89PNG") && text.find("IEND") != std::string_view::npos;
        const bool svg = picture.ends_with(".svg");
        const std::string_view tail = text.substr(text.size() - std::min<std::size_t>(text.size(), 8));
        return text.find(svg ? "<svg" : "digraph") != std::string_view::npos &&
               tail.find(svg ? "</svg>" : "}") != std::string_view::npos;
    }

  private:
    const TemporaryFolder folder_;
};

#define SKIP_WITHOUT_IMAGES()                                             \
    try {                                                                 \
        data::load_mnist();                                               \
    } catch (const IoError&) {                                            \
        GTEST_SKIP() << "neither MNIST nor Fashion-MNIST is to be found"; \
    }

}  // namespace adjoint
