// What can be chosen in the playground, from and to the text of an address.
//
//     data=spiral&noise=0&train=50&batch=10&features=x1,x2&layers=8,8&activation=tanh&optimizer=adam&..
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace adjoint::playground {

/// The parts that have names are numbers of rows in the tables of choices.h.
struct Settings {
    std::size_t data = 0;
    int noise = 0;   // per cent
    int train = 50;  // per cent of the points that are trained on
    int batch = 10;
    std::vector<std::size_t> features = {0, 1};
    std::vector<int> layers = {4, 2};
    std::size_t activation = 0, optimizer = 0;
    double rate = 0.03;
    std::size_t init = 0, penalty = 0;
    double penalty_rate = 0.001;
    int dropout = 0;  // per cent
    bool batch_norm = false;
    std::uint64_t seed = 1;

    bool operator==(const Settings&) const = default;
};

inline constexpr std::size_t most_layers = 6;
inline constexpr int most_units = 8, most_batch = 30, most_noise = 50, most_dropout = 80;
/// Points of a data set, those to train on and those to test with together.
inline constexpr std::int64_t point_count = 500;

/// Reads what the text names; the rest is as it is at first.
/// errors: ValueError for a name or value that is not there.
Settings read_settings(std::string_view text);
/// All of them as such a text.
std::string to_string(const Settings& settings);
/// A number with no more digits than it needs.
std::string number(double value);

/// Points that are trained on.
std::int64_t train_count(const Settings& settings);
/// Whether two classes are told apart, else a number is found.
bool is_classification(const Settings& settings);

}  // namespace adjoint::playground
