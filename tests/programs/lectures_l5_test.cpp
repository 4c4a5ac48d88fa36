// The lecture programs of L5 in their quick mode.
#include <cstdlib>

#include "programs/lecture_fixture.h"

namespace adjoint {
namespace {

TEST_F(Lecture, ThePlainNetLearnsNothingAndTheImprovedOneDoes) {
    SKIP_WITHOUT_IMAGES();
    const std::string text = run_quick("l5_2_improvements");
    EXPECT_LT(number_after(text, "plain"), 0.2) << text;
    // What ReLU and BatchNorm are worth without Adam shows after more epochs than a quick run has: here they
    // are at 0.2 at most, and Adam is at 0.63 at least.
    EXPECT_GT(number_after(text, "+ Adam"), number_after(text, "+ BatchNorm") + 0.3) << text;
    EXPECT_GT(number_after(text, "+ Adam"), 0.5) << text;
    EXPECT_GT(number_after(text, "+ normalised inputs"), 0.5) << text;
    EXPECT_TRUE(drew("l5_2_improvements.svg"));
}

TEST_F(Lecture, CoefficientsExplodeAndRidgeTamesThem) {
    const std::string text = run_quick("l5_3_ridge");
    // The slides' table, digit for digit but for their rounding and that of their ridge's strength.
    EXPECT_EQ(count(text, "slides'"), 8) << text;
    EXPECT_LT(number_after(text, "farthest from the slides:"), 0.2) << text;
    EXPECT_LT(number_after(text, "1061801, and"), 0.1) << text;
    EXPECT_TRUE(drew("l5_3_ridge.svg"));
}

TEST_F(Lecture, TheFirstWeightsDecideWhatArrives) {
    const std::string text = run_quick("l5_5_initialisation");
    const auto first_gradient = [&](int start) {
        return number_after(text, "norm of the gradients:", start);
    };
    EXPECT_LT(first_gradient(1), 1e-7) << "vanishes with small weights and sigmoids\n" << text;
    EXPECT_GT(first_gradient(4), 0.05) << "survives with He and ReLU\n" << text;
    EXPECT_TRUE(drew("l5_5_activations.svg") && drew("l5_4_gradients.svg"));
}

TEST_F(Lecture, AnAutoencoderIsPretrained) {
    SKIP_WITHOUT_IMAGES();
    const std::string text = run_quick("l5_6_pretraining");
    EXPECT_LT(number_after(text, "per pixel ", 1), number_after(text, "per pixel ", 0)) << text;
    EXPECT_LT(number_after(text, "squared error "), 0.4) << text;
    EXPECT_EQ(count(text, "without pre-training"), 3) << text;
    EXPECT_TRUE(drew("l5_6_reconstruction.svg") && drew("l5_6_accuracy.svg"));
}

TEST_F(Lecture, FoldsTakeTurns) {
    SKIP_WITHOUT_IMAGES();
    const std::string text = run_quick("l5_7_cross_validation");
    const char* at = text.c_str() + text.find("in each fold:") + 13;
    double total = 0;
    for (int fold = 0; fold < 5; ++fold) total += std::strtod(at, const_cast<char**>(&at));
    EXPECT_NEAR(number_after(text, "mean accuracy "), total / 5, 1e-4) << text;
    EXPECT_GT(total / 5, 0.6) << text;
    EXPECT_GT(number_after(text, "spread "), 0) << text;
    EXPECT_TRUE(drew("l5_7_folds.svg"));
}

TEST_F(Lecture, BatchNormForgivesFirstWeights) {
    SKIP_WITHOUT_IMAGES();
    const std::string text = run_quick("l5_8_batch_norm");
    EXPECT_LT(number_after(text, "outputs differ by "), 1e-5) << text;
    EXPECT_LT(number_after(text, "gradients by "), 1e-4) << text;
    EXPECT_NEAR(number_after(text, "variance "), 1, 1e-3) << text;
    const double without = number_after(text, "one epoch, ", 4), with = number_after(text, "one epoch, ", 5);
    EXPECT_GT(with, without + 0.3) << "small first weights\n" << text;
    EXPECT_TRUE(drew("l5_8_batch_norm.svg"));
}

TEST_F(Lecture, IterationsAreCountedAndRanksHaveTheirUse) {
    SKIP_WITHOUT_IMAGES();
    const std::string text = run_quick("l5_11_iterations_and_ranks");
    for (int rank = 1; rank <= 6; ++rank)
        EXPECT_EQ(count(text, "\n   " + std::to_string(rank) + "  "), 1) << text;
    EXPECT_EQ(count(text, "(32, 8, 26, 26)") + count(text, "(32, 20, 64)"), 2) << text;
    EXPECT_NE(text.find("3000 images in batches of 100: 30 iterations an epoch"), std::string::npos) << text;
    EXPECT_LT(number_after(text, ", mean ", 2), number_after(text, ", mean ", 0)) << text;
    EXPECT_GT(number_after(text, "first iterations "), number_after(text, ", of the last ")) << text;
    EXPECT_TRUE(drew("l5_11_iterations.svg"));
}

TEST_F(Lecture, APoleIsBalancedByTrying) {
    const std::string text = run_quick("l5_12_policy_gradient");
    EXPECT_EQ(count(text, "\nseed "), 3) << text;
    EXPECT_LT(number_after(text, "seeds: "), 40) << "by chance\n" << text;
    EXPECT_GT(number_after(text, "first round, ", 3), 120) << text;  // 177 at least
    EXPECT_TRUE(drew("l5_12_returns.svg"));
}

TEST_F(Lecture, WeightDecayIsAPenalty) {
    const std::string text = run_quick("l5_9_weight_decay");
    for (int decay = 0; decay < 3; ++decay) EXPECT_LT(number_after(text, "differ by ", decay), 1e-10) << text;
    EXPECT_LT(number_after(text, "sum of squares ", 1), number_after(text, "sum of squares ", 0)) << text;
    EXPECT_LT(number_after(text, "sum of squares ", 2), 0.5 * number_after(text, "sum of squares ", 1))
        << text;
    EXPECT_NEAR(number_after(text, "training: "), 0.5, 0.02) << text;
    EXPECT_NE(text.find("unchanged: yes"), std::string::npos) << text;
    EXPECT_TRUE(drew("l5_9_weight_decay.svg"));
}

}  // namespace
}  // namespace adjoint
