// Settings and addresses, and what is refused.
#include <adjoint/playground/settings.h>

#include <gtest/gtest.h>

#include <adjoint/core/base/error.h>
#include <adjoint/playground/choices.h>

namespace adjoint::playground {
namespace {

TEST(PlaygroundSettings, GoThroughTheirText) {
    const std::string text =
        "data=hills&noise=15&train=80&batch=25&features=x2,x1x2,sin(x1)&layers=8,1,3&activation=elu&"
        "optimizer=nadam"
        "&rate=0.0003&init=he&penalty=l1&penalty_rate=1e-05&dropout=30&batch_norm=1&seed=77";
    EXPECT_EQ(to_string(read_settings(text)), text);
    EXPECT_FALSE(is_classification(read_settings(text)));
    EXPECT_EQ(train_count(read_settings(text)), 400);
    EXPECT_EQ(read_settings(to_string(Settings{})), Settings{});
    EXPECT_EQ(read_settings(""), Settings{});
    EXPECT_TRUE(read_settings("layers=").layers.empty());
    EXPECT_EQ(read_settings("features=x1x2,x1,x1x2").features, (std::vector<std::size_t>{0, 4}));
}

TEST(PlaygroundSettings, RefuseWhatIsNotThere) {
    const auto message = [](const std::string& text) -> std::string {
        try {
            read_settings(text);
            return "accepted";
        } catch (const ValueError& error) {
            return error.what();
        }
    };
    EXPECT_EQ(message("data=moons"),
              "playground: data=moons: expected one of circle, xor, gauss, spiral, plane, hills");
    EXPECT_EQ(message("noise=51"), "playground: noise=51: expected a number from 0 to 50");
    EXPECT_EQ(message("batch=2.5"), "playground: batch=2.5: expected a whole number");
    EXPECT_EQ(message("rate=fast"), "playground: rate=fast: expected a number from 0 to 10");
    EXPECT_EQ(message("rate=nan"), "playground: rate=nan: expected a number from 0 to 10");
    EXPECT_EQ(message("rate="), "playground: rate=: expected a number from 0 to 10");
    EXPECT_EQ(message("layers=4,9"), "playground: layers=9: expected a number from 1 to 8");
    EXPECT_EQ(message("layers=1,1,1,1,1,1,1"),
              "playground: layers=1,1,1,1,1,1,1: expected at most six layers");
    EXPECT_EQ(message("features="), "playground: features=: expected at least one");
    EXPECT_EQ(message("batch_norm=1&batch=1"),
              "playground: batch_norm=1: expected batches of two points or more, got batch=1");
    EXPECT_EQ(message("colour=red"), "playground: there is no setting \"colour\"");
    EXPECT_EQ(message("data"), "playground: data=: expected a value");
}

TEST(PlaygroundSettings, TheListOfChoicesIsComplete) {
    const std::string json = choices_as_json();
    for (const char* part :
         {"\"data\":[\"circle\",\"xor\",\"gauss\",\"spiral\",\"plane\",\"hills\"],\"classes\":[1,1,1,1,0,0]",
          "\"features\":[\"x1\",\"x2\",\"x1^2\",\"x2^2\",\"x1x2\",\"sin(x1)\",\"sin(x2)\"]",
          "\"mostUnits\":8"})
        EXPECT_NE(json.find(part), std::string::npos) << part << " in " << json;
}

}  // namespace
}  // namespace adjoint::playground
