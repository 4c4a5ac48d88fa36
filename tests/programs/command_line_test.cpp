// The command line is the same in every program.
#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "programs/program.h"

namespace adjoint {
namespace {

std::vector<std::string> all_programs() {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(ADJOINT_PROGRAM_DIR))
        if (entry.is_regular_file() && (entry.status().permissions() & std::filesystem::perms::owner_exec) !=
                                           std::filesystem::perms::none)
            names.push_back(entry.path().filename().string());
    return names;
}

TEST(CommandLine, EveryProgramExplainsItselfAndRefusesWhatItDoesNotKnow) {
    const std::vector<std::string> programs = all_programs();
    EXPECT_GT(programs.size(), 20u);
    for (const std::string& program : programs) {
        const Outcome help = run(program + " --help");
        EXPECT_EQ(help.status, 0) << help.text;
        EXPECT_EQ(count(help.text, "\nUsage:\n  " + program + " "), 1) << help.text;
        const Outcome other = run(program + " --no-such-option");
        EXPECT_EQ(other.status, 1) << program;
        EXPECT_EQ(count(other.text, "error: "), 1) << other.text;
        EXPECT_EQ(count(other.text, "no-such-option"), 1) << other.text;
    }
}

TEST(CommandLine, SaysWhatIsWrongWithAValueAndWhereAPlaceIsEmpty) {
    for (const auto& [command, said] : std::vector<std::pair<std::string, std::string>>{
             {"mnist --lr=abc", "--lr abc, expected a number"},
             {"mnist --epochs 1e9", "--epochs 1e9, expected a whole number"},
             {"mnist --epochs 3000000000", "from -2^31"},
             {"l0_7_xor --seed -1", "--seed -1, expected a whole number from 0"},
             {"l0_7_xor surplus", "what is \"surplus\""},
             {"image_folder --epochs", "epochs"}}) {
        const Outcome outcome = run(command);
        EXPECT_EQ(outcome.status, 1) << command;
        EXPECT_EQ(count(outcome.text, said), 1) << outcome.text;
    }
    const Outcome help = run("mnist -h");
    EXPECT_EQ(count(help.text, "(default: 8)"), 1) << help.text;
}

}  // namespace
}  // namespace adjoint
