// Diagnosis: each trouble is found in a history made for it, and none in a healthy one.
#include <gtest/gtest.h>

#include <cmath>

#include <adjoint/adjoint.h>

namespace adjoint {
namespace {

train::History losses(const std::vector<double>& training, const std::vector<double>& validation = {}) {
    train::History history;
    for (std::size_t i = 0; i < training.size(); ++i)
        history.epochs.push_back({.epoch = static_cast<int>(i) + 1,
                                  .train = {.loss = training[i]},
                                  .validation = {.loss = validation.empty() ? NAN : validation[i]}});
    return history;
}

// "name name": what was found.
std::string found(const train::History& history) {
    std::string names;
    for (const train::Finding& finding : train::diagnose(history)) {
        EXPECT_FALSE(finding.explanation.empty());
        EXPECT_FALSE(finding.advice.empty());
        names += (names.empty() ? "" : " ") + std::string(train::name(finding.trouble));
    }
    return names;
}

TEST(Diagnosis, NothingInAHealthyRun) {
    EXPECT_EQ(found(losses({1, 0.5, 0.3, 0.22, 0.2, 0.195}, {1, 0.6, 0.4, 0.33, 0.31, 0.31})), "");
    EXPECT_EQ(found(losses({1, 0.5, 0.3, 0.22, 0.2, 0.195})), "");
    EXPECT_EQ(found({}), "");
    EXPECT_EQ(found(losses({1, 1})), "") << "too few epochs to say anything";
}

TEST(Diagnosis, Diverged) {
    EXPECT_EQ(found(losses({1, 1.5, 2.5})), "diverged");
    EXPECT_EQ(found(losses({1, NAN})), "diverged");
    EXPECT_EQ(found(losses({1, 0.5, 0.4}, {1, INFINITY, 0.5})), "diverged");
    EXPECT_NE(to_string(train::diagnose(losses({1, 1.5, 2.5}))[0])
                  .find("diverged: The training loss rose from 1 to "
                        "2.5. Lower the learning rate"),
              std::string::npos);
}

TEST(Diagnosis, Stalled) {
    EXPECT_EQ(found(losses({2.3, 2.302, 2.301, 2.2999})), "stalled");
    EXPECT_EQ(found(losses({2.3, 2.3, 2.3})), "stalled");
}

TEST(Diagnosis, UnderFitting) {
    EXPECT_EQ(found(losses({1, 0.9, 0.8, 0.7, 0.6})), "under-fitting") << "still falling";
    EXPECT_EQ(found(losses({1, 0.8, 0.71, 0.7, 0.7, 0.7})), "under-fitting") << "settled high";
    train::History right = losses({1, 0.8, 0.71, 0.7, 0.7, 0.7});
    right.epochs.back().train.accuracy = 0.95;
    EXPECT_EQ(found(right), "") << "high at the start of the first epoch only";
}

TEST(Diagnosis, OverFitting) {
    EXPECT_EQ(found(losses({1, 0.5, 0.2, 0.1, 0.05}, {1, 0.6, 0.5, 0.6, 0.8})), "over-fitting");
    EXPECT_EQ(found(losses({1, 0.5, 0.3, 0.31, 0.31}, {1, 0.6, 0.5, 0.6, 0.8})), "")
        << "both got worse: the training loss does not fall";
}

TEST(Diagnosis, DeadUnits) {
    const nn::Linear layer(2, 4);
    {
        const NoGrad guard;
        layer.weight.fill_(1);
        layer.bias.copy_(tensor(std::vector<float>{0, -100, -100, 0}, {4}));
    }
    const nn::Sequential model(nn::Sequential(layer, nn::ReLU()), nn::Linear(4, 1));
    const Tensor x = ones({5, 2});
    const std::vector<train::Finding> findings = train::find_dead_units(model, x);
    ASSERT_EQ(findings.size(), 1u);
    EXPECT_EQ(findings[0].trouble, train::Trouble::dead_units);
    EXPECT_NE(findings[0].explanation.find("50 % of the units behind layer 0.1"), std::string::npos)
        << findings[0].explanation;
    EXPECT_TRUE(train::find_dead_units(model, x, 0.5).empty());
    EXPECT_TRUE(model.is_training());
    EXPECT_THROW(train::find_dead_units(model, x, 1.0), ValueError);
    EXPECT_THROW(train::find_dead_units(model, zeros({0, 2})), ShapeError);
    // Channels are the units of an image.
    const nn::Sequential images{nn::ReLU()};
    const Tensor maps = zeros({2, 3, 2, 2});
    maps(1, 2, 0, 1) = 1;
    EXPECT_NE(train::find_dead_units(images, maps)[0].explanation.find("67 %"), std::string::npos);
}

TEST(Diagnosis, BadInitialisation) {
    manual_seed(1);
    const Tensor x = randn({50, 8});
    // What is found where all weights are multiplied by the one and all biases moved by the other.
    const auto found_for = [&](double factor, double offset) {
        const nn::Sequential model(nn::Sequential(nn::Linear(8, 16), nn::ReLU()), nn::Linear(16, 4));
        for (const auto& [name, tensor] : model.named_parameters()) {
            const NoGrad guard;
            if (name.ends_with("weight"))
                tensor *= factor;
            else
                tensor += offset;
        }
        const std::vector<train::Finding> findings = train::find_bad_initialisation(model, x);
        EXPECT_TRUE(model.is_training());
        if (findings.empty()) return std::string();
        EXPECT_EQ(findings.size(), 1u);
        EXPECT_EQ(findings[0].trouble, train::Trouble::bad_initialisation);
        return to_string(findings[0]);
    };
    EXPECT_EQ(found_for(1, 0), "");
    const auto expect_found = [&](double factor, double offset, const char* what) {
        const std::string text = found_for(factor, offset);
        EXPECT_EQ(text.rfind("bad initialisation: Before the training ", 0), 0u) << text;
        EXPECT_NE(text.find(what), std::string::npos) << text;
    };
    expect_found(1, -10, "100 % of the units behind layer 0.1 are 0");
    expect_found(1e-5, 0, "activations behind layer 0.0 deviate by");
    expect_found(1e5, 0, "activations behind layer 0.0 deviate by");
    const nn::Linear zero(8, 16);
    {
        const NoGrad guard;
        zero.weight.fill_(0);
        zero.bias.fill_(0.5);
    }
    const auto alike = train::find_bad_initialisation(nn::Sequential(nn::Tanh(), zero), x);
    ASSERT_EQ(alike.size(), 1u);
    EXPECT_NE(alike[0].explanation.find("all units behind layer 1 give the same"), std::string::npos);
    EXPECT_THROW(train::find_bad_initialisation(nn::Sequential(zero), zeros({1, 8})), ShapeError);
}

}  // namespace
}  // namespace adjoint
