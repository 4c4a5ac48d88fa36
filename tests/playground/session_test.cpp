// Every data set is learned, whatever the seed; what is shown is what the network computes.
#include <adjoint/playground/session.h>

#include <cmath>
#include <ostream>
#include <string>

#include <gtest/gtest.h>

#include <adjoint/autograd/ops/indexed.h>
#include <adjoint/core/base/error.h>
#include <adjoint/playground/choices.h>

namespace adjoint::playground {
namespace {

Session trained(const std::string& settings, int epochs) {
    Session session(read_settings(settings));
    session.step(epochs * session.batches());
    return session;
}

struct Learned {
    const char* settings;
    int epochs;
    double most;  // test loss
};
void PrintTo(const Learned& learned, std::ostream* out) { *out << learned.settings; }

class PlaygroundLearns : public testing::TestWithParam<Learned> {};

TEST_P(PlaygroundLearns, ForEverySeed) {
    const auto& [settings, epochs, most] = GetParam();
    for (int seed = 1; seed <= 20; ++seed) {
        Session session(read_settings(settings + std::string("&seed=") + std::to_string(seed)));
        EXPECT_GT(session.test_loss(), 2 * most);
        while (session.test_loss() >= most && session.epoch() < epochs) session.step(session.batches());
        EXPECT_LT(session.test_loss(), most) << settings << " seed " << seed;
    }
}

const Learned data_sets_to_learn[] = {
    {"data=circle&layers=4,4&optimizer=adam&rate=0.01", 60, 0.05},
    {"data=xor&layers=6,4&activation=silu&optimizer=adam&rate=0.01", 60, 0.1},
    {"data=gauss", 20, 0.05},
    {"data=spiral&train=80&layers=8,8&activation=silu&optimizer=adam&rate=0.01&penalty=l2&penalty_rate=0.001",
     300, 0.05},
    {"data=plane", 20, 0.02},
    {"data=hills&train=80&layers=8,8&optimizer=adam&rate=0.01", 150, 0.05}};
INSTANTIATE_TEST_SUITE_P(Sets, PlaygroundLearns, testing::ValuesIn(data_sets_to_learn), [](const auto& test) {
    return std::string(data_sets()[read_settings(test.param.settings).data].name);
});

TEST(PlaygroundSession, EveryChoiceTrains) {
    const auto learns = [](const std::string& choice) {
        const std::string settings = "data=gauss&rate=0.003&layers=6,4&" + choice;
        const double before = Session(read_settings(settings)).train_loss();
        EXPECT_LT(trained(settings, 15).train_loss(), 0.9 * before) << choice;
    };
    for (const ActivationChoice& row : activations()) learns("activation=" + std::string(row.name));
    for (const OptimizerChoice& row : optimizers()) learns("optimizer=" + std::string(row.name));
    for (const Penalty& row : penalties()) learns("penalty=" + std::string(row.name));
    for (const Feature& row : features()) learns("features=x1,x2," + std::string(row.name));
    for (const char* name : {"default", "xavier", "he", "orthogonal", "normal"})
        learns(std::string("init=") + name);
    learns("dropout=20&batch_norm=1");
}

TEST(PlaygroundSession, ZerosLearnNothingInHiddenLayers) {
    const Session session = trained("data=circle&init=zeros&activation=relu", 5);
    EXPECT_EQ(session.gradient_norms()[0], 0);
    EXPECT_EQ(session.layers()[0].weight(0, 0).item(), 0);
}

TEST(PlaygroundSession, PenaltyMakesWeightsSmall) {
    const auto size = [](const std::string& penalty) {
        const Session session = trained("data=gauss&penalty_rate=0.1&penalty=" + penalty, 20);
        double sum = 0;
        for (const nn::Linear& layer : session.layers())
            for (const float weight : layer.weight.to_vector<float>()) sum += std::abs(weight);
        return sum;
    };
    EXPECT_LT(size("l1"), 0.5 * size("none"));
    EXPECT_LT(size("l2"), 0.8 * size("none"));
}

TEST(PlaygroundSession, StepsMakeEpochs) {
    Session session(read_settings("train=70&batch=30"));  // 350 points: 11 batches, 20 points sit out
    ASSERT_EQ(session.batches(), 11);
    const double before = session.train_loss();
    session.step(10);
    EXPECT_EQ(session.epoch(), 0);
    EXPECT_EQ(session.batch(), 10);
    EXPECT_EQ(session.train_loss(), before);
    session.step(2);
    EXPECT_EQ(session.epoch(), 1);
    EXPECT_EQ(session.batch(), 1);
    EXPECT_NE(session.train_loss(), before);
    EXPECT_GT(session.gradient_norms()[2], 0);
}

TEST(PlaygroundSession, TheSameSeedGivesTheSame) {
    const std::string settings = "data=spiral&layers=5&dropout=30&optimizer=adam&seed=";
    EXPECT_EQ(trained(settings + "3", 2).test_loss(), trained(settings + "3", 2).test_loss());
    EXPECT_NE(trained(settings + "3", 2).test_loss(), trained(settings + "4", 2).test_loss());
}

TEST(PlaygroundSession, AMapIsWhatTheNetworkSays) {
    // One unit that is x1 / 6, and an output that is tanh of three times that.
    Session session(read_settings("features=x1&layers=1&activation=linear"));
    session.set_weight(0, 0, 0, 1.0 / 6);
    session.set_weight(0, 0, -1, 0);
    session.set_weight(1, 0, 0, 3);
    session.set_weight(1, 0, -1, 0);
    std::vector<std::uint8_t> maps;
    session.draw_maps(maps);
    ASSERT_EQ(session.map_count(), 3U);
    ASSERT_EQ(maps.size(), 3U * map_side * map_side);
    for (std::size_t column = 0; column < map_side; ++column) {
        const double place = (2.0 * static_cast<double>(column) + 1) / map_side - 1;  // x1 / 6
        const auto at = [&](std::size_t map, std::size_t row) {
            return static_cast<double>(maps[(map * map_side + row) * map_side + column]);
        };
        EXPECT_NEAR(at(1, 0), 128 + 127 * place, 0.51);
        EXPECT_EQ(at(1, 0), at(1, map_side - 1));
        EXPECT_NEAR(at(2, 7), 128 + 127 * std::tanh(3 * place), 0.51);
    }
    session.set_weight(1, 0, -1, std::nan(""));
    session.draw_maps(maps);
    EXPECT_EQ(maps.back(), 128);
    EXPECT_THROW(session.set_weight(2, 0, 0, 1), IndexError);
    EXPECT_THROW(session.set_weight(0, 1, 0, 1), IndexError);
}

TEST(PlaygroundSession, MapsBeginAtTheTop) {
    const Session session(read_settings("features=x2"));
    std::vector<std::uint8_t> maps;
    session.draw_maps(maps);
    EXPECT_EQ(maps.front(), 255);
    EXPECT_EQ(maps[map_side * map_side - 1], 1);
}

TEST(PlaygroundSession, AWeightThatIsSetIsSeenAtOnce) {
    Session session(read_settings("data=plane&features=x1,x2&layers="));
    session.set_weight(0, 0, 0, 1.0 / 12);
    session.set_weight(0, 0, 1, 1.0 / 12);
    session.set_weight(0, 0, -1, 0);
    EXPECT_LT(session.test_loss(), 1e-12);  // the plane itself
}

}  // namespace
}  // namespace adjoint::playground
