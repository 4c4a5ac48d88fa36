// Cross-validation and grid search: every fold and combination once, from the same start.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include <adjoint/adjoint.h>

namespace adjoint {
namespace {

TEST(CrossValidate, MeasuresEveryFold) {
    const data::Dataset set{.inputs = reshape(arange(6), {6, 1}).to(f32), .targets = arange(6).to(f32)};
    std::vector<float> starts;
    const auto result =
        train::cross_validate(set, 3,
                              [&](const data::Dataset& training, const data::Dataset& validation) {
                                  EXPECT_EQ(training.size(), 4);
                                  starts.push_back(rand({}).item<float>());
                                  return sum(validation.targets).item();
                              },
                              {.shuffle = false});
    EXPECT_EQ(result.scores, (std::vector<double>{1, 5, 9}));
    EXPECT_DOUBLE_EQ(result.mean, 5);
    EXPECT_DOUBLE_EQ(result.std, 4);
    EXPECT_EQ(starts, std::vector<float>(3, starts[0]));
    EXPECT_EQ(train::to_string(result), "5.0000 +- 4.0000 over 3 folds: 1.0000 5.0000 9.0000");
    EXPECT_THROW(train::cross_validate(set, 7, [](const auto&, const auto&) { return 0.0; }), ValueError);
}

TEST(CrossValidate, Trains) {
    manual_seed(2);
    const Tensor x = randn({150, 2});
    const data::Dataset set{.inputs = x, .targets = gt(x(all, 0), 0).to(i64)};
    const auto result = train::cross_validate(
        set, 3,
        [](const data::Dataset& training, const data::Dataset& validation) {
            const nn::Sequential model(nn::Linear(2, 2));
            optim::Adam optimizer(model.parameters(), {.lr = 0.1});
            train::fit(model, nn::CrossEntropyLoss(), optimizer, training,
                       {.epochs = 20, .batch_size = 8, .verbose = false});
            return train::accuracy(train::predict(model, validation), validation.targets);
        },
        {.stratify = set.targets});
    EXPECT_GT(result.mean, 0.9);  // the worst of 20 seeds: 0.947
}

TEST(GridSearch, TriesEveryCombinationOnce) {
    std::vector<float> starts;
    const train::GridResult result =
        train::grid_search({{"lr", {0.1, 0.01}}, {"hidden", {4, 8, 16}}}, [&](const train::Settings& s) {
            starts.push_back(rand({}).item<float>());
            if (s.at("lr") == 0.1 && s.at("hidden") == 4) return std::nan("");
            return s.at("lr") * std::abs(s.at("hidden") - 8);
        });
    ASSERT_EQ(result.rows.size(), 6u);
    EXPECT_EQ(result.names, (std::vector<std::string>{"lr", "hidden"}));
    ASSERT_EQ(result.rows[1].settings.size(), 2u);
    EXPECT_EQ(result.rows[1].settings[0], 0.1) << "the last setting changes fastest";
    EXPECT_EQ(result.rows[1].settings[1], 8);
    EXPECT_EQ(result.best, 1u) << "the first of equals, never a NaN";
    EXPECT_EQ(result.best_settings().at("hidden"), 8);
    EXPECT_EQ(starts, std::vector<float>(6, starts[0]));

    const std::string csv = train::to_csv(result);
    EXPECT_EQ(csv.substr(0, csv.find('\n')), "lr,hidden,score,seconds");
    EXPECT_NE(csv.find("\n0.01,16,0.08,"), std::string::npos);
    const std::string text = train::to_string(result);
    EXPECT_NE(text.find("\n*          0.1           8           0"), std::string::npos) << text;
}

TEST(GridSearch, LargerMayBeBetterAndGridsMustMakeSense) {
    const auto value = [](const train::Settings& s) { return s.at("x"); };
    EXPECT_EQ(train::grid_search({{"x", {1, 3, 2}}}, value, train::Better::larger).best, 1u);
    EXPECT_EQ(train::grid_search({{"x", {3, 1, 2}}}, value).best, 1u);
    EXPECT_THROW(train::grid_search({}, value), ValueError);
    EXPECT_THROW(train::grid_search({{"x", {}}}, value), ValueError);
    EXPECT_THROW(train::grid_search({{"x", {1}}, {"x", {2}}}, value), ValueError);
    EXPECT_THROW(train::grid_search({{"", {1}}}, value), ValueError);
}

TEST(GridSearch, TriesTheRowsOfATable) {
    const auto value = [](const train::Settings& s) { return s.at("x") - s.at("y"); };
    const train::GridResult result =
        train::grid_search({"x", "y"}, {{1, 2}, {5, 1}, {5, 4}}, value, train::Better::larger);
    ASSERT_EQ(result.rows.size(), 3u);
    EXPECT_EQ(result.rows[2].score, 1);
    EXPECT_EQ(result.best, 1u);
    const train::Settings best = result.best_settings();
    EXPECT_TRUE(best.size() == 2 && best.at("x") == 5 && best.at("y") == 1);
    EXPECT_THROW(train::grid_search({"x", "y"}, {{1, 2}, {3}}, value), ValueError);
    EXPECT_THROW(train::grid_search({"x", "x"}, {{1, 2}}, value), ValueError);
    EXPECT_THROW(train::grid_search({"x", "y"}, {}, value), ValueError);
}

TEST(GridSearch, SettingsMayBeTexts) {
    const auto value = [](const train::Settings& s) {
        return static_cast<double>(s.at("units").text().size()) + s.at("rate");
    };
    const train::GridResult result =
        train::grid_search({"units", "rate"}, {{0, 0.5}, {"8+4", 0.25}, {std::string("16+8+4"), 0}}, value);
    EXPECT_EQ(result.rows[0].score, 1.5);
    EXPECT_EQ(result.rows[1].score, 3.25);
    EXPECT_FALSE(result.rows[2].settings[0].is_number());
    EXPECT_EQ(train::to_csv(result).find("units,rate,score,seconds\n0,0.5,1.5,"), 0u);
    EXPECT_NE(train::to_csv(result).find("\n16+8+4,0,6,"), std::string::npos) << train::to_csv(result);
    EXPECT_NE(train::to_string(result).find("         8+4        0.25        3.25"), std::string::npos)
        << train::to_string(result);
    EXPECT_THROW(static_cast<void>(static_cast<double>(result.rows[1].settings[0])), ValueError);
}

}  // namespace
}  // namespace adjoint
