// The programs that are written print what the playground shows; the interface for JavaScript.
#include <adjoint/playground/program.h>

#include <cstdio>
#include <iterator>
#include <string>

#include <gtest/gtest.h>

#include <adjoint/core/base/error.h>
#include <adjoint/playground/interface.h>
#include <adjoint/playground/points.h>
#include <adjoint/playground/session.h>

#include "playground/exports/exports.h"

/// Made of exports/exports.h by exports/write.cpp.
extern void (*const exported_programs[])();

namespace adjoint::playground {
namespace {

std::string losses_of_session(const char* settings) {
    Session session(read_settings(settings));
    std::string text;
    for (int epoch = 1; epoch <= exported_epochs; ++epoch) {
        session.step(session.batches());
        char line[128];
        std::snprintf(line, sizeof line, "epoch %d: loss %.6f, test loss %.6f\n", epoch, session.train_loss(),
                      session.test_loss());
        text += line;
    }
    return text;
}

TEST(PlaygroundProgram, PrintsTheLossesOfTheSession) {
    for (std::size_t i = 0; i < std::size(exported_settings); ++i) {
        testing::internal::CaptureStdout();
        exported_programs[i]();
        std::fflush(stdout);
        EXPECT_EQ(testing::internal::GetCapturedStdout(), losses_of_session(exported_settings[i]))
            << exported_settings[i];
    }
}

TEST(PlaygroundProgram, HasTheDefinitionOfItsDataSetAlone) {
    const std::string text = definition("gauss");
    EXPECT_EQ(text.rfind("// Two clouds", 0), 0U) << text;
    EXPECT_EQ(text.substr(text.size() - 3), "\n}\n");
    EXPECT_EQ(text.find("spiral"), std::string::npos);
    EXPECT_THROW(definition("moons"), ValueError);
}

TEST(PlaygroundInterface, StartsStepsAndSays) {
    ASSERT_STREQ(playground_start("data=gauss&layers=3&batch=20"), "");
    const int batches = 12;  // of 250 points
    EXPECT_STREQ(playground_step(5), "");
    EXPECT_EQ(playground_numbers()[1], 5);
    EXPECT_EQ(playground_numbers()[2], batches);
    EXPECT_STREQ(playground_step(1000), "");  // to the end of the epoch
    EXPECT_EQ(playground_numbers()[0], 1);
    EXPECT_EQ(playground_numbers()[1], 0);
    EXPECT_EQ(playground_numbers()[5], 250);
    // Behind six numbers two norms, then a (3, 2) weight and its biases.
    EXPECT_STREQ(playground_set_weight(0, 2, 1, 0.5), "");
    EXPECT_STREQ(playground_set_weight(0, 0, -1, -2), "");
    EXPECT_EQ(playground_numbers()[6 + 2 + 5], 0.5);
    EXPECT_EQ(playground_numbers()[6 + 2 + 6], -2);
    EXPECT_NE(std::string(playground_set_weight(0, 3, 0, 1)), "");
    EXPECT_NE(std::string(playground_program(7)).find("epoch <= 7;"), std::string::npos);
    EXPECT_EQ(playground_point_count(), point_count);
    EXPECT_EQ(playground_points()[2] * playground_points()[2], 1);
    EXPECT_GT(playground_maps()[0], 0);
}

TEST(PlaygroundInterface, KeepsWhatWasThereIfTheSettingsAreWrong) {
    ASSERT_STREQ(playground_start("data=xor&seed=9"), "");
    EXPECT_STREQ(playground_start("data=xor&seed=minus"),
                 "playground: seed=minus: expected a number from 0 to 1000000000");
    EXPECT_EQ(std::string(playground_settings()).substr(0, 9), "data=xor&");
}

}  // namespace
}  // namespace adjoint::playground
