// Settings from and to the text of an address.
#include <adjoint/playground/settings.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <iterator>
#include <type_traits>

#include <adjoint/core/base/error.h>
#include <adjoint/playground/choices.h>

namespace adjoint::playground {
namespace {

[[noreturn]] void refuse(std::string_view key, std::string_view value, const std::string& expected) {
    throw ValueError("playground: " + std::string(key) + "=" + std::string(value) + ": expected " + expected);
}

std::vector<std::string_view> split(std::string_view text, char mark) {
    std::vector<std::string_view> parts;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find(mark), text.size());
        if (end > 0) parts.push_back(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return parts;
}

template <class Rows> std::size_t row_of(std::string_view key, std::string_view name, Rows rows) {
    std::string names;
    for (std::size_t i = 0; i < rows.size(); ++i) {
        if (rows[i].name == name) return i;
        names += (i == 0 ? "" : ", ") + std::string(rows[i].name);
    }
    refuse(key, name, "one of " + names);
}

double read_number(std::string_view key, std::string_view text, double low, double high) {
    const std::string copy(text);
    char* end = nullptr;
    const double value = std::strtod(copy.c_str(), &end);
    if (copy.empty() || *end != '\0' || !(value >= low && value <= high))
        refuse(key, text, "a number from " + number(low) + " to " + number(high));
    return value;
}

int read_integer(std::string_view key, std::string_view text, int low, int high) {
    const double value = read_number(key, text, low, high);
    if (value != std::floor(value)) refuse(key, text, "a whole number");
    return static_cast<int>(value);
}

// One setting: its name in the text, how its value is read there and how it is written.
struct Setting {
    std::string_view key;
    void (*read)(Settings& settings, std::string_view key, std::string_view value);
    std::string (*written)(const Settings& settings);
};

// A row of a table, by its name.
template <std::size_t Settings::*part, auto rows> constexpr Setting named(std::string_view key) {
    return {key,
            [](Settings& settings, std::string_view name, std::string_view value) {
                settings.*part = row_of(name, value, rows());
            },
            [](const Settings& settings) { return std::string(rows()[settings.*part].name); }};
}

template <auto part, int low, int high> constexpr Setting whole_number(std::string_view key) {
    return {key,
            [](Settings& settings, std::string_view name, std::string_view value) {
                using Value = std::remove_reference_t<decltype(settings.*part)>;
                settings.*part = static_cast<Value>(read_integer(name, value, low, high));
            },
            [](const Settings& settings) { return std::to_string(settings.*part); }};
}

template <double Settings::*part> constexpr Setting rate(std::string_view key) {
    return {key,
            [](Settings& settings, std::string_view name, std::string_view value) {
                settings.*part = read_number(name, value, 0, 10);
            },
            [](const Settings& settings) { return number(settings.*part); }};
}

void read_features(Settings& settings, std::string_view key, std::string_view value) {
    settings.features.clear();
    for (const std::string_view name : split(value, ','))
        settings.features.push_back(row_of(key, name, features()));
    std::sort(settings.features.begin(), settings.features.end());
    const auto twice = std::unique(settings.features.begin(), settings.features.end());
    settings.features.erase(twice, settings.features.end());
    if (settings.features.empty()) refuse(key, value, "at least one");
}

void read_layers(Settings& settings, std::string_view key, std::string_view value) {
    settings.layers.clear();
    for (const std::string_view units : split(value, ','))
        settings.layers.push_back(read_integer(key, units, 1, most_units));
    if (settings.layers.size() > most_layers) refuse(key, value, "at most six layers");
}

std::string features_written(const Settings& settings) {
    std::string names;
    for (const std::size_t feature : settings.features)
        names += (names.empty() ? "" : ",") + std::string(features()[feature].name);
    return names;
}

std::string layers_written(const Settings& settings) {
    std::string units;
    for (const int count : settings.layers) units += (units.empty() ? "" : ",") + std::to_string(count);
    return units;
}

// In the order in which they are written.
constexpr Setting all_settings[] = {
    named<&Settings::data, &data_sets>("data"),
    whole_number<&Settings::noise, 0, most_noise>("noise"),
    whole_number<&Settings::train, 10, 90>("train"),
    whole_number<&Settings::batch, 1, most_batch>("batch"),
    {"features", read_features, features_written},
    {"layers", read_layers, layers_written},
    named<&Settings::activation, &activations>("activation"),
    named<&Settings::optimizer, &optimizers>("optimizer"),
    rate<&Settings::rate>("rate"),
    named<&Settings::init, &inits>("init"),
    named<&Settings::penalty, &penalties>("penalty"),
    rate<&Settings::penalty_rate>("penalty_rate"),
    whole_number<&Settings::dropout, 0, most_dropout>("dropout"),
    whole_number<&Settings::batch_norm, 0, 1>("batch_norm"),
    whole_number<&Settings::seed, 0, 1'000'000'000>("seed"),
};

void set(Settings& settings, std::string_view key, std::string_view value) {
    const auto* found = std::find_if(std::begin(all_settings), std::end(all_settings),
                                     [&](const Setting& setting) { return setting.key == key; });
    if (found == std::end(all_settings))
        throw ValueError("playground: there is no setting \"" + std::string(key) + "\"");
    found->read(settings, key, value);
}

}  // namespace

Settings read_settings(std::string_view text) {
    Settings settings;
    for (const std::string_view part : split(text, '&')) {
        const std::size_t mark = part.find('=');
        if (mark == std::string_view::npos) refuse(part, "", "a value");
        set(settings, part.substr(0, mark), part.substr(mark + 1));
    }
    if (settings.batch_norm && settings.batch < 2)
        throw ValueError("playground: batch_norm=1: expected batches of two points or more, got batch=1");
    return settings;
}

std::string to_string(const Settings& settings) {
    std::string text;
    for (const Setting& setting : all_settings)
        text += (text.empty() ? "" : "&") + std::string(setting.key) + "=" + setting.written(settings);
    return text;
}

std::string number(double value) {
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), "%.10g", value);
    return text.data();
}

std::int64_t train_count(const Settings& settings) { return point_count * settings.train / 100; }
bool is_classification(const Settings& settings) { return data_sets()[settings.data].classes; }

}  // namespace adjoint::playground
