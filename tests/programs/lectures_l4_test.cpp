// The programs of lecture L4 in their quick mode: regularisation and the analysis of a training.
#include <cmath>

#include "programs/lecture_fixture.h"

namespace adjoint {
namespace {

TEST_F(Lecture, ATrainingShowsItsTableItsCurvesAndItsModel) {
    SKIP_WITHOUT_IMAGES();
    const std::string text = run_quick("l4_1_training");
    EXPECT_NE(text.find("109386"), std::string::npos) << "parameters\n" << text;
    EXPECT_EQ(count(text, "validation loss"), 4) << text;
    EXPECT_GT(number_after(text, "test accuracy "), 0.6) << text;  // at least 0.71
    EXPECT_TRUE(drew("l4_1_history.svg") && drew("l4_1_model.svg"));
}

TEST_F(Lecture, WeightsShrinkAsThePenaltyGrows) {
    SKIP_WITHOUT_IMAGES();
    const std::string text = run_quick("l4_2_penalties");
    for (const char* penalty : {"lasso (L1)", "ridge (L2)", "elastic net"}) {
        double before = INFINITY;
        for (int strength = 0; strength < 5; ++strength) {
            // After the name: the strength, then the size.
            std::size_t at = 0;
            for (int skip = 0; skip <= strength; ++skip) at = text.find(penalty, at + 1);
            const std::string row = text.substr(at + 12, 24);
            const double size = number_after(row, row.substr(0, 9));
            EXPECT_LT(size, before) << penalty << "\n" << text;
            before = size;
        }
    }
    EXPECT_TRUE(drew("l4_2_sizes.svg") && drew("l4_2_weights.svg"));
}

TEST_F(Lecture, AugmentedDigitsAreHarderToLearnByHeart) {
    SKIP_WITHOUT_IMAGES();
    const std::string text = run_quick("l4_3_augmentation");
    EXPECT_EQ(count(text, "test accuracy"), 8) << text;
    EXPECT_LT(number_after(text, "together      training accuracy "),
              number_after(text, "none          training accuracy "))
        << text;
    EXPECT_TRUE(drew("l4_3_sheet.svg") && drew("l4_3_accuracy.svg"));
}

TEST_F(Lecture, EveryTroubleIsNamed) {
    SKIP_WITHOUT_IMAGES();
    const std::string text = run_quick("l4_4_diagnosis");
    for (const char* patient :
         {"healthy: nothing found", "too small a model: under-fitting:", "ended too early: under-fitting:",
          "few images, many epochs: over-fitting:", "rate too low: stalled:", "rate too high: dead units:",
          "rate far too high: diverged:", "weights begin at zero: stalled:"}) {
        // The finding stands on the line below the patient's.
        const std::string whole = patient, name = whole.substr(0, whole.find(": ") + 1),
                          finding = "\n  " + whole.substr(name.size() + 1);
        const std::size_t at = text.find("\n" + name);
        ASSERT_NE(at, std::string::npos) << name << "\n" << text;
        EXPECT_EQ(text.find(finding, at), text.find("\n  ", at)) << patient << "\n" << text;
    }
    EXPECT_NE(text.find("dead units: 100 %", text.find("biases begin at -5")), std::string::npos) << text;
    EXPECT_TRUE(drew("l4_4_losses.svg"));
}

TEST_F(Lecture, SigmoidsLearnLastAtEqualBudget) {
    SKIP_WITHOUT_IMAGES();
    const std::string text = run_quick("l4_5_activations");
    const double worst = number_after(text, "\nsigmoid");
    for (const char* other : {"\ntanh", "\nReLU", "\nleaky ReLU", "\nELU", "\nswish", "\nGELU", "\nmish"})
        EXPECT_LT(number_after(text, other), 0.6 * worst) << other << text;
    EXPECT_TRUE(drew("l4_5_activations.svg"));
}

TEST_F(Lecture, EveryRegulariserHasItsRow) {
    SKIP_WITHOUT_IMAGES();
    const std::string text = run_quick("l4_6_regularisers");
    for (const char* name :
         {"none", "dropout", "DropConnect", "stochastic depth", "fractional max pool", "cutout", "mixup"})
        EXPECT_GT(
            number_after(text, std::string("\n") + name + std::string(20 - std::string(name).size(), ' ')),
            0.25)
            << name << "\n"
            << text;
}

}  // namespace
}  // namespace adjoint
