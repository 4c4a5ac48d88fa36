// Programs of real work: a table and what is deployed of it, and two models of language. What is claimed
// holds for the seeds 1 to 20.
#include <gtest/gtest.h>

#include <string>

#include "programs/program.h"
#include "temporary_folder.h"

namespace adjoint {
namespace {

// All lines that begin so.
std::string lines_with(const std::string& text, const std::string& start) {
    std::string found;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = text.find('\n', at);
        const std::string line = text.substr(at, end - at);
        if (line.starts_with(start)) found += line + "\n";
        if (end == std::string::npos) break;
        at = end + 1;
    }
    return found;
}

const std::string text = " --quick --text " ADJOINT_SOURCE_DIR "/LICENSE";

TEST(RealWork, ATableIsPredictedByWhatWasSavedOfIt) {
    const TemporaryFolder folder;
    const Outcome trained = run("table --quick --out " + folder.path());
    ASSERT_EQ(trained.status, 0) << trained.text;
    // The worst of 20 seeds: 0.90.
    EXPECT_GT(number_after(trained.text, "R2 "), 0.8) << trained.text;
    EXPECT_NE(trained.text.find("[area] [age] [city=Busan]"), std::string::npos) << trained.text;
    const Outcome used = run("table --out " + folder.path() + " --predict " + (folder / "new.csv"));
    ASSERT_EQ(used.status, 0) << used.text;
    EXPECT_EQ(count(used.text, "rent "), 5);
    EXPECT_EQ(used.text, lines_with(trained.text, "rent "));
    // A city that the training has not seen has its feature; a column that is missing is named.
    const std::string header = "flat,area,age,city,heating\n";
    const Outcome other = run("table --out " + folder.path() + " --predict " +
                              folder.file("other.csv", header + "1,\"1,000\",NA,Jeju,gas\n"));
    EXPECT_EQ(count(other.text, "rent "), 1) << other.text;
    const Outcome lacking = run("table --out " + folder.path() + " --predict " +
                                folder.file("lacking.csv", "flat,area,city\n1,900,Seoul\n"));
    EXPECT_EQ(lacking.status, 1);
    EXPECT_NE(lacking.text.find("no column \"age\""), std::string::npos) << lacking.text;
    EXPECT_EQ(run("table --out " + (folder / "empty") + " --predict " + (folder / "new.csv")).status, 1);
}

TEST(RealWork, AnLstmLearnsMoreThanTheFrequencyOfLetters) {
    const Outcome outcome = run("char_lstm" + text);
    ASSERT_EQ(outcome.status, 0) << outcome.text;
    // Of 20 seeds the worst ends at 1.91, where the frequencies give 3.07.
    EXPECT_LT(number_after(outcome.text, "epoch 6: loss "),
              number_after(outcome.text, "by frequency: ") - 0.5)
        << outcome.text;
    EXPECT_EQ(count(outcome.text, "drawn at 0.7:   Apache L"), 1) << outcome.text;
    EXPECT_EQ(run("char_lstm" + text).text, outcome.text) << "the same seed writes the same";
    const Outcome missing = run("char_lstm --text /no/such/file");
    EXPECT_EQ(missing.status, 1);
    EXPECT_NE(missing.text.find("/no/such/file cannot be read"), std::string::npos) << missing.text;
}

TEST(RealWork, ATransformerWritesTheSameWithItsCache) {
    const Outcome outcome = run("tiny_transformer" + text);
    ASSERT_EQ(outcome.status, 0) << outcome.text;
    EXPECT_LT(number_after(outcome.text, "largest difference of scores "), 1e-9) << outcome.text;
    EXPECT_EQ(count(outcome.text, ", tokens equal"), 1) << outcome.text;
    EXPECT_EQ(count(outcome.text, "tokens a second, by the cache "), 1) << outcome.text;
    // Of 20 seeds the worst ends at 2.04.
    EXPECT_LT(number_after(outcome.text, "epoch 5: loss "), 2.6) << outcome.text;
    EXPECT_LT(number_after(outcome.text, "epoch 5: loss "), number_after(outcome.text, "epoch 1: loss "));
}

TEST(RealWork, OptionsThatAreNotUsedAreRefused) {
    for (const char* command : {"table --text x", "char_lstm --out x", "tiny_transformer --predict x",
                                "table --seed 1x", "char_lstm --seed"}) {
        const Outcome outcome = run(command);
        EXPECT_EQ(outcome.status, 2) << command;
        EXPECT_EQ(count(outcome.text, "error: "), 1) << outcome.text;
    }
}

}  // namespace
}  // namespace adjoint
