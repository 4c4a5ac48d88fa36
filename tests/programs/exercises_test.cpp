// The exercises: as they stand none passes, and each says where its blank is; with the answers all pass.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "programs/program.h"

namespace adjoint {
namespace {

const std::filesystem::path exercises =
    std::filesystem::path(ADJOINT_SOURCE_DIR) / "python_free_examples/exercises";

std::vector<std::string> lines_of(const std::filesystem::path& path) {
    std::ifstream file(path);
    std::vector<std::string> lines;
    for (std::string line; std::getline(file, line);) lines.push_back(line);
    return lines;
}

bool has_blank(const std::string& line) { return line.find("blank(\"") != std::string::npos; }

std::vector<std::string> exercise_names() {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(exercises))
        if (entry.path().extension() == ".cpp") names.push_back(entry.path().stem().string());
    std::sort(names.begin(), names.end());
    return names;
}

TEST(Exercises, FailAsGivenAndPassWithTheAnswers) {
    const std::vector<std::string> names = exercise_names();
    EXPECT_GE(names.size(), 14U);
    std::string list;
    for (const std::string& line : lines_of(exercises / "README.md")) list += line;
    for (const std::string& name : names) EXPECT_NE(list.find("`" + name + "`"), std::string::npos) << name;
    for (const std::string& name : names) {
        const std::vector<std::string> given = lines_of(exercises / (name + ".cpp"));
        // One that somebody has done is no exercise any more.
        if (const auto first = std::find_if(given.begin(), given.end(), has_blank); first != given.end()) {
            const Outcome outcome = run("exercises/" + name);
            EXPECT_EQ(outcome.status, 1) << outcome.text;
            const int line =
                static_cast<int>(number_after(outcome.text, name + ": a blank is left, " + name + ".cpp:"));
            ASSERT_TRUE(line > 0 && line <= static_cast<int>(given.size())) << outcome.text;
            EXPECT_TRUE(has_blank(given[static_cast<std::size_t>(line) - 1])) << outcome.text;
        }
        const Outcome answer = run("exercises/answers/" + name);
        EXPECT_EQ(answer.status, 0) << answer.text;
        EXPECT_NE(answer.text.find(name + ": passes\n"), std::string::npos) << answer.text;
        EXPECT_EQ(count(answer.text, "  wrong  "), 0) << answer.text;
    }
}

// A file in one line without spaces, as if it lay in the folder of the exercises.
std::string text_of(const std::filesystem::path& path) {
    std::string text;
    for (const std::string& line : lines_of(path)) text += line;
    std::erase(text, ' ');
    if (const std::size_t up = text.find("../exercise.h"); up != std::string::npos) text.erase(up, 3);
    return text;
}

TEST(Exercises, DifferFromTheirAnswersInTheBlanksAlone) {
    for (const std::string& name : exercise_names()) {
        const std::string answer = text_of(exercises / "answers" / (name + ".cpp"));
        std::string rest = text_of(exercises / (name + ".cpp"));
        EXPECT_FALSE(has_blank(answer)) << name;
        for (std::size_t at = 0; !rest.empty();) {
            const std::size_t blank = rest.find("blank(\"");
            const std::string part = rest.substr(0, blank);
            at = answer.find(part, at);
            ASSERT_NE(at, std::string::npos) << name << ": the answer lacks, or has elsewhere\n" << part;
            at += part.size();
            rest = blank == std::string::npos ? "" : rest.substr(rest.find("\")", blank) + 2);
            if (rest.starts_with(';')) rest.erase(0, 1);  // what takes a blank's place may end in a brace
        }
    }
}

}  // namespace
}  // namespace adjoint
