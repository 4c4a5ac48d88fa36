// The programs speak Korean: no text lacks its Korean, none is left over, and the figures of both languages
// are the same.
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "programs/program.h"
#include "temporary_folder.h"

#include <korean/phrases.h>
#include <language.h>

namespace adjoint {
namespace {

// Names, and what a program says to another: the same in both languages, one a line.
const char* const same_in_both =
    R"(--device |--lang|/dev/null|/run.ckpt|/test|/train|.check.npz|.png|ADJOINT_DATA|ADJOINT_ONNX_PYTHON
Adadelta|Adagrad|Adam|+ Adam|+ BatchNorm|+ ReLU|Busan|Conv2d(3, 8, 3)|Daegu|DropConnect|ELU|GELU|He, ReLU|LSTM(50, 64)
Linear|Linear(784, 10)|MODEL|NA|NAdam|Nesterov|RMSprop|ReLU|SGD|Seoul|Xavier, ReLU|accumulate|adam|age|area|attention|auto
batch|batch-size|binary_cross_entropy|blocks|blot|body|boston|branch|cats|check|checkpoint|circle|city|cnn|conv|cpu
cpu, cuda, cuda:1 ..|cross_entropy|dX = dY W^T =\n|dW = X^T dY =\n|dataset|decoder|dense|distributed|district|eager|embedding
en|encoder|f32, tf32, bf16|fashion|first|flat,area,age,city,heating|gas|h,help|head|heating|help|image|inputs.|iris|ko|l1_loss
lang|layers|leaky ReLU|leaky ReLU (0.1)|ln |ln -16.08|ln -18|ln -inf|ln 0|ln 2.29|ln λ = |load|lr|lstm|mlp|mlp, mlp-bn, cnn
mnist|model.|momentum|mse_loss / 2|none, optimizer, gradients, parameters|norm1|norm2|oil|out|places|precision|predict|price
profile|python3|quick|rent|,rent|rents.|repeat|report|resume|save|scores|sgd|sgd, adam, adamw|shapes|shard|sin(2 pi x)|size
size,age,town,price\n|square|table|tabular|tanh|\n\ntanh(x) =\n|test|text|tf32|the net's cost|town|train|trained on|triangle
units|workers|\n\nmax(0, x) =\n|_set_x|_set_y|-ln 0.6 = 0.511|  %-14s  %-6s  -ln %-4s = %.3f       %.2f           %s\n)";

// What is asked of the library goes wrong there, so these speak as it does; of a script they are parts.
const char* const of_the_library =
    R"(image_folder: train and test differ in classes
image_folder: a resumed training differs from one that was not stopped
onnx_export: ONNX Runtime does not agree with what was computed here)";

std::set<std::string> parts_of(const std::string& text, const std::string& separators) {
    std::set<std::string> parts;
    for (std::size_t at = 0; at <= text.size();) {
        const std::size_t end = std::min(text.find_first_of(separators, at), text.size());
        parts.insert(text.substr(at, end - at));
        at = end + 1;
    }
    return parts;
}

struct Literal {
    std::string text;    // as the source spells it, neighbours joined
    std::string before;  // the source in front of it, without blanks
};

// The texts in quotation marks of a source.
std::vector<Literal> literals_of(const std::filesystem::path& path) {
    std::ifstream file(path);
    const std::string source{std::istreambuf_iterator<char>(file), {}};
    std::vector<Literal> literals;
    std::string before;
    bool goes_on = false;
    for (std::size_t at = 0; at < source.size();) {
        const char c = source[at];
        if (source.compare(at, 2, "//") == 0 || source.compare(at, 8, "#include") == 0) {
            at = std::min(source.find('\n', at), source.size());
        } else if (source.compare(at, 3, "R\"(") == 0) {
            at = source.find(")\"", at) + 2;
        } else if (c == '\'' && !std::isalnum(static_cast<unsigned char>(source[at - 1]))) {
            at = source.find('\'', at + (source[at + 1] == '\\' ? 3 : 2)) + 1;
        } else if (c == '"') {
            std::size_t end = at + 1;
            while (source[end] != '"') end += source[end] == '\\' ? 2 : 1;
            if (!goes_on) literals.push_back({"", before});
            literals.back().text += source.substr(at + 1, end - at - 1);
            goes_on = true;
            at = end + 1;
        } else {
            if (!std::isspace(static_cast<unsigned char>(c))) {
                goes_on = false;
                before = (before + c).substr(before.size() < 40 ? 0 : 1);
            }
            ++at;
        }
    }
    return literals;
}

const std::regex conversion("%[-+0-9.*]*(zu|ju|lld|ld|[a-zA-Z%])");

bool has_words(const std::string& text) {
    const std::string bare =
        std::regex_replace(std::regex_replace(text, std::regex(R"(\\.)"), ""), conversion, "");
    return std::regex_search(bare, std::regex("[A-Za-z]{2,}")) &&
           !std::regex_match(bare, std::regex(R"([\w]+\.\w+(, [\w]+\.\w+)*)"));  // files
}

std::string spelt(std::string text) {
    for (const auto& [from, to] : std::map<std::string, std::string>{{"\n", "\\n"}, {"\"", "\\\""}})
        for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size())
            text.replace(at, from.size(), to);
    return text;
}

std::vector<Phrase> phrases_of_programs() {
    std::vector<Phrase> all;
    for (const auto some : {shared_phrases(), l0_phrases(), l1_phrases(), l2_phrases(), l3_phrases(),
                            l4_phrases(), l5_phrases(), other_phrases()})
        all.insert(all.end(), some.begin(), some.end());
    return all;
}

std::vector<std::string> found_in(const std::string& text, const std::regex& what) {
    std::vector<std::string> found;
    for (std::sregex_iterator at(text.begin(), text.end(), what), end; at != end; ++at)
        found.push_back(at->str());
    return found;
}

std::vector<std::filesystem::path> sources_in(const std::string& folder) {
    std::vector<std::filesystem::path> paths;
    for (const auto& entry :
         std::filesystem::directory_iterator(std::string(ADJOINT_SOURCE_DIR) + "/" + folder))
        if (entry.is_regular_file() && !entry.path().filename().string().starts_with("language"))
            paths.push_back(entry.path());
    return paths;
}

bool has_hangul(const std::string& text) {
    return std::any_of(text.begin(), text.end(), [](char c) {
        const auto byte = static_cast<unsigned char>(c);
        return byte >= 0xea && byte <= 0xed;
    });
}

TEST(Language, EveryTextHasItsKoreanAndNoneIsLeftOver) {
    std::set<std::string> wanting, known;
    for (const Phrase& phrase : phrases_of_programs())
        EXPECT_TRUE(known.insert(spelt(phrase.english)).second) << phrase.english << " is there twice";
    for (const Phrase& phrase : library_phrases())
        EXPECT_TRUE(known.insert(spelt(phrase.english)).second) << phrase.english << " is there twice";
    const std::set<std::string> same = parts_of(same_in_both, "|\n"), others = parts_of(of_the_library, "\n");
    std::set<std::string> seen;
    const std::regex shown(R"((say\(|tr\(|text_of\()$)"),
        not_shown(R"((printf\(|\.(title|label|legend)=|\.(line|curve|scatter|histogram)\()$)");
    for (const std::filesystem::path& path : sources_in("python_free_examples")) {
        if (path.extension() != ".cpp" && path.extension() != ".h") continue;
        const bool to_programs = path.stem() == "info" || path.stem() == "onnx_run";
        for (const auto& [text, before] : literals_of(path)) {
            seen.insert(text);
            const bool is_shown = std::regex_search(before, shown), is_same = same.contains(text);
            EXPECT_FALSE(is_shown && !known.contains(text)) << path << ": " << text << " has no Korean";
            if (!has_words(text) || to_programs || others.contains(text)) continue;
            EXPECT_TRUE(known.contains(text) || is_same) << path << ": " << text << " has no Korean";
            EXPECT_FALSE(std::regex_search(before, not_shown) && !is_same)
                << path << ": " << text << " goes by say() and tr()";
        }
    }
    for (const Phrase& phrase : phrases_of_programs())
        EXPECT_TRUE(seen.contains(spelt(phrase.english))) << phrase.english << " is said nowhere";
    for (const std::string& text : same) EXPECT_TRUE(seen.contains(text)) << text << " is said nowhere";
    for (const std::string& text : others) EXPECT_TRUE(seen.contains(text)) << text << " is said nowhere";
}

TEST(Language, KoreanTextsKeepConversionsAndNumbers) {
    const std::regex number(R"(%[-+0-9.*]*(zu|ju|lld|ld|[a-zA-Z%])|#|\b\d+)");
    std::vector<Phrase> all = phrases_of_programs();
    all.insert(all.end(), library_phrases().begin(), library_phrases().end());
    for (const Phrase& phrase : all) {
        const std::string english = phrase.english, korean = phrase.korean;
        EXPECT_TRUE(has_hangul(korean)) << english;
        EXPECT_EQ(found_in(english, std::regex("%[-+0-9.*]*(zu|ju|lld|ld|[a-zA-Z%])|#")),
                  found_in(korean, std::regex("%[-+0-9.*]*(zu|ju|lld|ld|[a-zA-Z%])|#")))
            << english << "\n"
            << korean;
        const std::vector<std::string> wanted = found_in(english, number), got = found_in(korean, number);
        std::size_t found = 0;
        for (const std::string& one : got) found += found < wanted.size() && one == wanted[found];
        EXPECT_EQ(found, wanted.size()) << "numbers of " << english << "\n" << korean;
        EXPECT_EQ(english.starts_with('\n'), korean.starts_with('\n')) << english;
        EXPECT_EQ(english.ends_with('\n'), korean.ends_with('\n')) << english;
    }
}

// Each of their words is one that the library says.
TEST(Language, WhatTheLibrarySaysIsStillSaidSo) {
    std::string said;
    for (const char* const folder : {"train/watch", "train/picture"})
        for (const std::filesystem::path& path : sources_in(folder))
            for (const Literal& literal : literals_of(path)) said += literal.text + "\n";
    for (const Phrase& phrase : library_phrases())
        for (const std::string& word : found_in(phrase.english, std::regex("[A-Za-z_]{3,}")))
            EXPECT_NE(said.find(word), std::string::npos) << word << " of " << phrase.english;
}

TEST(Language, IsThatOfTheOptionElseOfTheEnvironment) {
    const auto speaks_korean = [](const std::string& command) { return has_hangul(run(command).text); };
    EXPECT_FALSE(speaks_korean("l0_6_mse"));
    EXPECT_TRUE(speaks_korean("l0_6_mse --lang ko"));
    EXPECT_TRUE(speaks_korean("l0_6_mse --lang=ko --help"));
    ::setenv("LC_ALL", "ko_KR.UTF-8", 1);
    EXPECT_TRUE(speaks_korean("l0_6_mse"));
    EXPECT_TRUE(speaks_korean("l0_6_mse surplus"));
    EXPECT_FALSE(speaks_korean("l0_6_mse --lang en"));
    ::setenv("LC_ALL", "C", 1);
    ::setenv("LANG", "ko_KR.UTF-8", 1);
    EXPECT_FALSE(speaks_korean("l0_6_mse"));
    ::unsetenv("LC_ALL");
    EXPECT_TRUE(speaks_korean("l0_6_mse"));
    ::setenv("LC_MESSAGES", "en_US.UTF-8", 1);
    EXPECT_FALSE(speaks_korean("l0_6_mse"));
    ::unsetenv("LC_MESSAGES");
    ::unsetenv("LANG");
    const Outcome outcome = run("l0_6_mse --lang fr");
    EXPECT_EQ(outcome.status, 2) << outcome.text;
    EXPECT_NE(outcome.text.find("--lang fr"), std::string::npos) << outcome.text;
}

// No phrase of the tables in English; `ends` stand on both sides of it.
void expect_no_english(const std::string& text, const std::string& from, const std::string& to,
                       const std::string& where) {
    for (const Phrase& phrase : phrases_of_programs()) {
        const std::string english = phrase.english;
        if (english.find_first_of("%\n") != std::string::npos || std::string(phrase.korean) == english)
            continue;
        if (from.empty() && english.find(' ') == std::string::npos) continue;  // a word may be a name
        EXPECT_EQ(text.find(from + english + to), std::string::npos) << where << ": " << english << "\n"
                                                                     << text;
    }
}

TEST(Language, ProgramsSayTheSameFiguresInBothLanguages) {
    const std::regex number(R"(-?\d+(\.\d+)?(e[-+]\d+)?)");
    int pictures = 0;
    for (const char* const name : {"l0_1_fruit_shop",
                                   "l0_2_chain_rule",
                                   "l0_4_sigmoid_neuron",
                                   "l0_5_affine",
                                   "l0_6_mse",
                                   "l0_7_xor --quick",
                                   "l0_8_xor_modules --quick",
                                   "l0_9_linear_xor",
                                   "l1_1_deep_net --quick",
                                   "l2_1_activations",
                                   "l2_2_likelihoods",
                                   "l2_6_minima",
                                   "l2_8_vector_chain_rule",
                                   "l2_10_mean_median",
                                   "l3_1_regression",
                                   "l3_2_polynomial --quick",
                                   "l3_9_preparation --quick",
                                   "l3_10_optimizer_race",
                                   "l3_13_cross_entropy",
                                   "l4_8_matrix_activations",
                                   "l5_3_ridge",
                                   "l5_5_initialisation",
                                   "l5_9_weight_decay --quick"}) {
        const TemporaryFolder folder;
        const bool writes = run(std::string(name) + " --help").text.find("--out") != std::string::npos;
        const std::string command = std::string(name) + (writes ? " --out " + folder.path() : "");
        const Outcome english = run(command), korean = run(command + " --lang ko");
        ASSERT_EQ(korean.status, 0) << korean.text;
        EXPECT_EQ(found_in(korean.text, number), found_in(english.text, number))
            << english.text << korean.text;
        EXPECT_TRUE(has_hangul(korean.text)) << name;
        expect_no_english(korean.text, "", "", name);
        for (const std::string& file : folder.entries()) {
            if (!file.ends_with(".svg")) continue;
            std::ifstream in(folder / file);
            const std::string picture{std::istreambuf_iterator<char>(in), {}};
            expect_no_english(picture, ">", "<", file);
            pictures += has_hangul(picture);
        }
    }
    EXPECT_GT(pictures, 15);
}

TEST(Language, HelpIsKorean) {
    int programs = 0;
    for (const std::filesystem::path& path : sources_in("python_free_examples")) {
        if (path.extension() != ".cpp" || path.stem() == "command_line") continue;
        const Outcome help = run(path.stem().string() + " --help --lang ko");
        if (help.status != 0) continue;  // it is not built here
        ++programs;
        expect_no_english(help.text, "", "", path.stem());
        EXPECT_NE(help.text.find("\n사용법:\n"), std::string::npos) << help.text;
    }
    EXPECT_GT(programs, 50);
}

TEST(Language, WhatTheLibraryHasMadeIsTranslatedWithItsNumbers) {
    set_language(Language::korean);
    EXPECT_EQ(tr_made("epoch 3/10  loss 0.1234  accuracy 0.9650  0.52 s"),
              "에폭 3/10  손실 0.1234  정확도 0.9650  0.52초");
    EXPECT_EQ(tr_made("The training loss rose from -1.5e-07 to nan"),
              "학습 손실이 -1.5e-07에서 nan(으)로 올랐습니다");
    EXPECT_EQ(tr_made("no text of ours, 3"), "no text of ours, 3");
    EXPECT_EQ(tr_page("<text x=\"3\">loss</text><text>0.5</text>"),
              "<text x=\"3\">손실</text><text>0.5</text>");
    EXPECT_EQ(tr_page("<html lang=\"en\">"), "<html lang=\"ko\">");
    EXPECT_EQ(tr_table("layer  output  parameters\nLinear(2, 1)    3"),
              "층     출력      매개변수\nLinear(2, 1)    3");
    set_language(Language::english);
    EXPECT_EQ(tr_made("epoch 3/10"), "epoch 3/10");
    EXPECT_EQ(padded("가나", 6) + "|" + padded("ab", -4), "가나  |  ab");
}

}  // namespace
}  // namespace adjoint
