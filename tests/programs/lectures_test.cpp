// The lecture programs in their quick mode: each is held to what its lecture says. L0, L1, L2.
#include "programs/lecture_fixture.h"

#include <cstdio>
#include <cstring>

namespace adjoint {
namespace {

TEST_F(Lecture, XorByHandAndByModulesFollowOneCurve) {
    const std::string by_hand = run_quick("l0_7_xor"), by_modules = run("l0_8_xor_modules --quick").text;
    EXPECT_EQ(count(by_hand, "seed "), 5);
    const std::size_t first = by_hand.find("seed "), first_of_modules = by_modules.find("seed "),
                      end = by_hand.find("0 of 5 seeds learn XOR"),
                      end_of_modules = by_modules.find("\nat the slides' rate");
    ASSERT_LT(first, end) << by_hand;
    ASSERT_LT(first_of_modules, end_of_modules) << by_modules;
    EXPECT_EQ(by_hand.substr(first, end - first),
              by_modules.substr(first_of_modules, end_of_modules - first_of_modules));
    EXPECT_EQ(count(by_modules, "input "), 4) << by_modules;
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
    EXPECT_NE(text.find("gradcheck of the chain rule: right\n"), std::string::npos) << text;
    EXPECT_NE(text.find("gradcheck of the slides' rule: input 0 of shape (2, 4)"), std::string::npos) << text;
    const char* const ratios = std::strstr(text.c_str(), "last layer: ");
    ASSERT_NE(ratios, nullptr) << text;
    double last = 0, middle = 0, first = 0;
    ASSERT_EQ(std::sscanf(ratios, "last layer: %lf %lf %lf", &last, &middle, &first), 3) << text;
    EXPECT_EQ(last, 1);
    EXPECT_TRUE(middle > 3.9 && middle < 6) << text;  // 4.0 to 4.8
    EXPECT_TRUE(first > 10 && first < 30) << text;    // 12.4 to 22.7
    // Of slides', right without biases, right: 0.040 at most.
    for (int net = 0; net < 4; ++net) EXPECT_LT(number_after(text, " -> ", 3 * net + 2), 0.06) << text;
    // Without biases nothing but 1/2 can come of (0, 0) behind a tanh: the cost stays above it.
    for (const int net : {9, 10}) EXPECT_GE(number_after(text, " -> ", net), 0.5) << text;
    EXPECT_EQ(number_after(text, "2-4-2-1 sigmoid, right ", 1), 4) << text << "of 4 seeds";
    EXPECT_TRUE(drew("l1_1_costs.svg") && drew("l1_1_regions.svg") && drew("l1_1_failures.svg"));
}

TEST_F(Lecture, DescentEndsWhereItsValleyDoes) {
    const std::string text = run_quick("l2_6_minima");
    const double ends[] = {-4.3452, -1.3921, -1.3921, 1.5599, 1.5599};
    for (int start = 0; start < 5; ++start)
        EXPECT_EQ(number_after(text, ": to ", start), ends[start]) << text;
    EXPECT_TRUE(drew("l2_6_minima.svg"));
}

TEST_F(Lecture, TheChainRuleOfVectorsAndLinearLayersThatAreOne) {
    const std::string text = run("l2_8_vector_chain_rule").text;
    EXPECT_NE(text.find("equal: true true\n"), std::string::npos) << text;
    EXPECT_LT(number_after(text, "differ by "), 1e-5) << text;
    EXPECT_NEAR(number_after(text, "1000 epochs: "), 0.25, 0.001) << text;  // 1/2 for all four
    EXPECT_LT(number_after(text, "linear layers, "), 0.001) << text;
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

TEST_F(Lecture, DigitsLieOnASheet) {
    SKIP_WITHOUT_IMAGES();
    const std::string text = run_quick("l2_5_manifold");
    const auto lost = [&](const char* images) { return number_after(text, std::string("\n") + images); };
    EXPECT_GT(lost("random pixels"), 1.2 * lost("digits never seen")) << text;
    EXPECT_GT(lost("half way between, in pixels"), 2 * lost("half way between, in the code")) << text;
    EXPECT_TRUE(drew("l2_5_sheet.svg") && drew("l2_5_walk.svg"));
}

TEST_F(Lecture, WidthComesNearAndDepthFolds) {
    const std::string text = run_quick("l2_7_width_depth");
    const auto error_of = [&](int width) { return number_after(text, "layer: error ", width); };
    EXPECT_LT(error_of(4), 0.7 * error_of(0)) << text;
    for (const char* corners : {" 1 corners", " 3 corners", " 7 corners", "15 corners", "31 corners"})
        EXPECT_EQ(count(text, corners), 1) << text;
    EXPECT_LT(number_after(text, "rings 2-11-11-11-1   309 parameters: error "),
              0.95 * number_after(text, "rings 2-80-1         321 parameters: error "))
        << text;  // at most 0.83
    EXPECT_TRUE(drew("l2_7_width_depth.svg"));
}

TEST_F(Lecture, GaussSeeksTheMeanAndLaplaceTheMedian) {
    const std::string text = run_quick("l2_10_mean_median");
    EXPECT_NEAR(number_after(text, "the mean is ", 0), 29.0 / 7, 1e-4) << text;
    EXPECT_NEAR(number_after(text, "the mean is ", 1), 80.0 / 7, 1e-4) << text;
    for (const int samples : {0, 1}) {
        EXPECT_NEAR(number_after(text, "Gauss:   descent ends at", samples),
                    number_after(text, "the mean is ", samples), 1e-3)
            << text;
        EXPECT_NEAR(number_after(text, "Laplace: descent ends at", samples), 3.5, 1e-3) << text;
    }
    EXPECT_TRUE(drew("l2_10_mean_median.svg"));
}

TEST_F(Lecture, WhatCannotBeReadOrWrittenIsSaid) {
    EXPECT_EQ(run("l2_1_activations --out /dev/null/x").status, 1);
    EXPECT_EQ(run("l2_4_digits --data /no/such/folder").status, 1);
    EXPECT_EQ(run("l2_4_digits --dataset cats").status, 2);
}

}  // namespace
}  // namespace adjoint
