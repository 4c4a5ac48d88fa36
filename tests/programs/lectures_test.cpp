// The lecture programs in their quick mode: each is held to what its lecture says. L0, L1, L2.
#include "programs/lecture_fixture.h"

namespace adjoint {
namespace {

TEST_F(Lecture, XorByHandAndByModulesFollowOneCurve) {
    const std::string by_hand = run_quick("l0_7_xor"), by_modules = run_quick("l0_8_xor_modules");
    EXPECT_EQ(count(by_hand, "seed "), 5);
    const std::size_t first = by_hand.find("seed "), end = by_hand.find("picture");
    ASSERT_LT(first, end) << by_hand;
    EXPECT_EQ(by_hand.substr(first, end - first), by_modules);
    EXPECT_TRUE(drew("l0_7_xor.svg"));
}

TEST_F(Lecture, LinearModelsCannotDoXor) {
    const std::string text = run_quick("l0_9_linear_xor");
    EXPECT_NE(text.find("w = (0.0000, 0.0000), b = 0.5000"), std::string::npos) << text;
    EXPECT_NE(text.find("outputs 0 1 1 0\n"), std::string::npos) << text;
    EXPECT_TRUE(drew("l0_9_hidden.svg"));
}

TEST_F(Lecture, GraphsAreDrawnWithValuesAndGradients) {
    const std::string text = run_quick("l0_10_draw_graph");
    for (const char* box : {"mul\\n715\\ngrad 1", "apples\\n2\\ngrad 110", "tax\\n1.1\\ngrad 650"})
        EXPECT_EQ(count(text, box), 1) << box << "\nin\n" << text;
    EXPECT_TRUE(drew("l0_10_fruit_shop.svg") && drew("l0_10_sigmoid_chain.svg") &&
                drew("l0_10_sigmoid_node.svg") && drew("l0_10_fruit_shop.dot"));
}

TEST_F(Lecture, DeepNetsLearnXor) {
    const std::string text = run_quick("l1_1_deep_net");
    // The worst of 20 seeds ends at 0.0008. XOR has local minima for nets this small: 5 of 200 seeds meet
    // one with 2-4-2-1.
    for (int net = 0; net < 4; ++net) EXPECT_LT(number_after(text, " -> ", net), 0.01) << text;
    EXPECT_TRUE(drew("l1_1_costs.svg") && drew("l1_1_regions.svg"));
}

TEST_F(Lecture, SmallerBatchesLearnMoreInAnEpoch) {
    const std::string text = run_quick("l1_3_batch_sizes");
    const double batch = number_after(text, " -> ", 0), mini = number_after(text, " -> ", 1),
                 single = number_after(text, " -> ", 2);
    EXPECT_LT(mini, 0.9 * batch) << text;   // at most 0.72
    EXPECT_LT(single, 0.5 * mini) << text;  // at most 0.27
    EXPECT_GT(number_after(text, "accuracy ", 2), 0.95) << text;
    EXPECT_TRUE(drew("l1_3_batch_sizes.svg"));
}

TEST_F(Lecture, DropoutNarrowsTheGap) {
    SKIP_WITHOUT_IMAGES();
    const std::string text = run_quick("l1_4_dropout");
    EXPECT_LT(number_after(text, "gap ", 1), 0.9 * number_after(text, "gap ", 0)) << text;  // at most 0.71
    EXPECT_TRUE(drew("l1_4_dropout.svg"));
}

TEST_F(Lecture, ActivationsAgreeWithFiniteDifferences) {
    const std::string text = run_quick("l2_1_activations");
    EXPECT_EQ(count(text, "gradient check: agrees"), 9) << text;
    EXPECT_TRUE(drew("l2_1_activations.svg"));
}

TEST_F(Lecture, LossesAreLikelihoods) {
    const std::string text = run_quick("l2_2_likelihoods");
    EXPECT_EQ(count(text, ": equal"), 4) << text;
}

TEST_F(Lecture, PerceptronByHandLearnsFromSingleSamples) {
    SKIP_WITHOUT_IMAGES();
    const std::string text = run_quick("l2_3_mnist_by_hand");
    EXPECT_LT(number_after(text, "test accuracy ", 0), 0.25) << text;
    EXPECT_GT(number_after(text, "test accuracy ", 3), 0.6) << text;
    EXPECT_TRUE(drew("l2_3_accuracy.svg"));
}

TEST_F(Lecture, EveryClassHasItsImage) {
    SKIP_WITHOUT_IMAGES();
    const std::string text = run_quick("l2_4_digits");
    EXPECT_EQ(count(text, "is first seen at image"), 10) << text;
    EXPECT_TRUE(drew("l2_4_digits.svg") && drew("l2_4_digit.png"));
}

TEST_F(Lecture, WhatAProgramDoesNotTakeIsRefused) {
    EXPECT_EQ(run("l2_2_likelihoods --out").status, 1);
    EXPECT_EQ(run("l2_1_activations --out /dev/null/x").status, 1);
    EXPECT_EQ(run("l2_4_digits --data /no/such/folder").status, 1);
    for (const char* ignored :
         {"l2_4_digits --seed 3", "l2_1_activations --data .", "l3_2_polynomial --device cpu",
          "l0_8_xor_modules --seed abc", "l0_8_xor_modules --seed -1", "l0_8_xor_modules --seed 3x"}) {
        const Outcome outcome = run(ignored);
        EXPECT_EQ(outcome.status, 1) << ignored;
        EXPECT_EQ(count(outcome.text, "error: "), 1) << outcome.text;
    }
}

}  // namespace
}  // namespace adjoint
