// The command line is the same in every program.
#include <gtest/gtest.h>

#include <cctype>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <sstream>
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

struct Listed {
    std::string name;
    bool takes_value = false, is_number = false;
};

// What --help lists: lines "      --name arg  about (default: 1)", which may go on in the next.
std::vector<Listed> options_of(const std::string& help) {
    std::vector<Listed> options;
    std::istringstream lines(help.substr(help.find("--help")));
    for (std::string line; std::getline(lines, line) && !line.starts_with("Data:");) {
        if (line.starts_with("      --")) {
            const std::size_t end = line.find(' ', 8);
            options.push_back({line.substr(8, end - 8), line.substr(end).starts_with(" arg")});
        }
        const std::size_t value = line.find("(default: ");
        if (!options.empty() && value != std::string::npos)
            options.back().is_number = std::isdigit(static_cast<unsigned char>(line[value + 10])) != 0;
    }
    return options;
}

void expect_refused(const std::string& command, const std::string& named) {
    const Outcome outcome = run(command);
    EXPECT_EQ(outcome.status, 2) << command << "\n" << outcome.text;
    EXPECT_EQ(count(outcome.text, "error: "), 1) << command << "\n" << outcome.text;
    EXPECT_EQ(count(outcome.text, "\n"), 1) << command << "\n" << outcome.text;
    EXPECT_NE(outcome.text.find(named), std::string::npos) << command << "\n" << outcome.text;
}

TEST(CommandLine, EveryProgramExplainsItselfAndRefusesWhatItDoesNotKnow) {
    const std::vector<std::string> programs = all_programs();
    EXPECT_GT(programs.size(), 20u);
    int numbers = 0;
    for (const std::string& program : programs) {
        const Outcome help = run(program + " --help");
        EXPECT_EQ(help.status, 0) << help.text;
        EXPECT_EQ(count(help.text, "\nUsage:\n  " + program + " "), 1) << help.text;
        for (const char* line : {"\nData:  ", "\nTime:  ", "\nFiles: "})
            EXPECT_EQ(count(help.text, line), 1) << line << help.text;
        EXPECT_EQ(run(program + " -h").text, help.text) << program;
        expect_refused(program + " --no-such-option", "no-such-option");
        if (program != "onnx_run") expect_refused(program + " surplus", "surplus");
        for (const Listed& option : options_of(help.text)) {
            const std::string begins = program + " --" + option.name;
            if (option.takes_value) expect_refused(begins, option.name);
            if (!option.takes_value) expect_refused(begins + "=perhaps", "perhaps");
            if (option.is_number) expect_refused(begins + "=1x", "--" + option.name + " 1x, expected a ");
            numbers += option.is_number;
        }
    }
    EXPECT_GT(numbers, 20);
    expect_refused("onnx_run", "MODEL is missing");
}

TEST(CommandLine, HelpListsWhatALectureUses) {
    int lectures = 0;
    for (const std::string& program : all_programs()) {
        std::ifstream file(ADJOINT_SOURCE_DIR "/python_free_examples/" + program + ".cpp");
        const std::string source{std::istreambuf_iterator<char>(file), {}};
        ASSERT_FALSE(source.empty()) << program;
        if (source.find("run_lecture(") == std::string::npos) continue;
        ++lectures;
        const auto uses = [&](const char* what) { return source.find(what) != std::string::npos; };
        std::map<std::string, bool> wanted;
        for (const char* name : {"quick", "seed", "device", "table", "predict"})
            wanted[name] = uses((std::string("options.") + name).c_str());
        wanted["text"] = uses("options.read_text()");
        wanted["dataset"] = uses("options.images()");
        wanted["data"] = uses("options.images()") || uses("options.data_file(");
        wanted["lang"] = true;
        wanted["out"] = uses("options.picture(") || uses("options.out");
        std::map<std::string, bool> listed;
        for (const auto& [name, is_used] : wanted) listed[name] = false;
        const std::string help = run(program + " --help").text;
        for (const Listed& option : options_of(help)) listed[option.name] = true;
        EXPECT_EQ(listed, wanted) << program;
        EXPECT_EQ(help.find("\nData:  none") == std::string::npos, wanted["data"] || wanted["text"])
            << program;
    }
    EXPECT_GT(lectures, 40);
}

TEST(CommandLine, SaysWhatIsWrongWithAValueAndWhereAPlaceIsEmpty) {
    for (const auto& [command, said] : std::vector<std::pair<std::string, std::string>>{
             {"mnist --lr=abc", "--lr abc, expected a number"},
             {"mnist --epochs 1e9", "--epochs 1e9, expected a whole number"},
             {"mnist --epochs 3000000000", "from -2^31"},
             {"l0_7_xor --seed -1", "--seed -1, expected a whole number from 0"},
             {"l0_7_xor surplus", "what is \"surplus\""},
             {"mnist --model transformer", "--model transformer, expected one of mlp"},
             {"mnist --device abacus", "--device abacus"},
             {"l2_4_digits --dataset cats", "--dataset cats, expected auto, mnist or fashion"},
             {"image_folder --epochs", "epochs"}}) {
        expect_refused(command, said);
    }
    const Outcome help = run("mnist -h");
    EXPECT_EQ(count(help.text, "(default: 8)"), 1) << help.text;
}

}  // namespace
}  // namespace adjoint
