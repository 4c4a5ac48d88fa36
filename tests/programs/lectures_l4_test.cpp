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
    EXPECT_EQ(count(text, "test accuracy"), 10) << text;
    EXPECT_LT(number_after(text, "together      training accuracy "),
              number_after(text, "none          training accuracy "))
        << text;
    EXPECT_TRUE(drew("l4_3_sheet.svg") && drew("l4_3_colors.svg") && drew("l4_3_accuracy.svg"));
}

TEST_F(Lecture, EveryTroubleIsNamed) {
    SKIP_WITHOUT_IMAGES();
    const std::string text = run_quick("l4_4_diagnosis");
    for (const char* patient :
         {"healthy: nothing found", "too small a model: under-fitting:", "ended too early: under-fitting:",
          "few images, many epochs: over-fitting:", "rate too low: stalled:", "rate too high: dead units:",
          "rate far too high: diverged:", "weights begin at zero: bad initialisation:"}) {
        // The finding stands on the line below the patient's.
        const std::string whole = patient, name = whole.substr(0, whole.find(": ") + 1),
                          finding = "\n  " + whole.substr(name.size() + 1);
        const std::size_t at = text.find("\n" + name);
        ASSERT_NE(at, std::string::npos) << name << "\n" << text;
        EXPECT_EQ(text.find(finding, at), text.find("\n  ", at)) << patient << "\n" << text;
    }
    EXPECT_NE(text.find("\n  stalled:", text.find("weights begin at zero")), std::string::npos) << text;
    const std::size_t biased = text.find("biases begin at -5");
    EXPECT_NE(text.find("bad initialisation: Before the training 100 % of the units", biased),
              std::string::npos)
        << text;
    EXPECT_NE(text.find("dead units: 100 %", biased), std::string::npos) << text;
    EXPECT_EQ(count(text, "bad initialisation: "), 2) << text;
    EXPECT_TRUE(drew("l4_4_losses.svg"));
}

TEST_F(Lecture, AnActivationGoesElementByElement) {
    const std::string text = run_quick("l4_8_matrix_activations");
    EXPECT_NE(text.find("max(0, x) =\n[[1., 0.],\n [0., 4.]]"), std::string::npos) << text;
    EXPECT_NE(text.find("tanh(x) =\n[[ 0.7616, -0.9640],\n [-0.9951,  0.9993]]"), std::string::npos) << text;
    EXPECT_EQ(count(text, "printed 4, but max(0, 1) = 1\n"), 1) << text;
    EXPECT_EQ(count(text, "printed "), 1) << text;
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
    for (const char* name : {"none", "dropout", "DropConnect", "stochastic depth", "fractional max pool",
                             "batch normalisation", "cutout", "mixup"})
        EXPECT_GT(
            number_after(text, std::string("\n") + name + std::string(20 - std::string(name).size(), ' ')),
            0.25)
            << name << "\n"
            << text;
    EXPECT_TRUE(drew("l4_6_accuracy.svg"));
}

}  // namespace
}  // namespace adjoint
