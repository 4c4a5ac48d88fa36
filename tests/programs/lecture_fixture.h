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
#include <set>
#include <string>
#include <string_view>

#include <adjoint/core/base/error.h>
#include <adjoint/data/mnist.h>

#include "programs/program.h"
#include "temporary_folder.h"

namespace adjoint {

class Lecture : public testing::Test {
  protected:
    // Runs the program as quickly as it can, in a folder of its own, and holds it to its help: --quick says
    // that it is too short, and what it writes are the files that it names.
    std::string run_quick(const std::string& program) {
        const std::string help = run(program + " --help").text;
        const bool is_short = help.find("--quick") != std::string::npos,
                   writes = help.find("--out") != std::string::npos;
        const std::set<std::string> before = written();
        const Outcome outcome =
            run(program + (is_short ? " --quick" : "") + (writes ? " --out " + folder_.path() : ""));
        EXPECT_EQ(outcome.status, 0) << outcome.text;
        EXPECT_EQ(count(outcome.text, "quick: a short run, too short "), is_short) << outcome.text;
        std::string files;
        for (const std::string& file : written())
            if (before.count(file) == 0) files += (files.empty() ? "" : ", ") + file;
        EXPECT_EQ(count(help, "\nFiles: " + (files.empty() ? "none" : files) + "\n"), 1) << files << help;
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
    std::set<std::string> written() const {
        const std::vector<std::string> names = folder_.entries();
        return {names.begin(), names.end()};
    }

    const TemporaryFolder folder_;
};

#define SKIP_WITHOUT_IMAGES()                                             \
    try {                                                                 \
        data::load_mnist();                                               \
    } catch (const IoError&) {                                            \
        GTEST_SKIP() << "neither MNIST nor Fashion-MNIST is to be found"; \
    }

}  // namespace adjoint
