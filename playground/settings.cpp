// Settings from and to the text of an address.
#include <adjoint/playground/settings.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>

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

void set(Settings& settings, std::string_view key, std::string_view value) {
    constexpr double most_rate = 10;
    constexpr int most_seed = 1'000'000'000;
    if (key == "data") {
        settings.data = row_of(key, value, data_sets());
    } else if (key == "noise") {
        settings.noise = read_integer(key, value, 0, most_noise);
    } else if (key == "train") {
        settings.train = read_integer(key, value, 10, 90);
    } else if (key == "batch") {
        settings.batch = read_integer(key, value, 1, most_batch);
    } else if (key == "features") {
        settings.features.clear();
        for (const std::string_view name : split(value, ','))
            settings.features.push_back(row_of(key, name, features()));
        std::sort(settings.features.begin(), settings.features.end());
        const auto twice = std::unique(settings.features.begin(), settings.features.end());
        settings.features.erase(twice, settings.features.end());
        if (settings.features.empty()) refuse(key, value, "at least one");
    } else if (key == "layers") {
        settings.layers.clear();
        for (const std::string_view units : split(value, ','))
            settings.layers.push_back(read_integer(key, units, 1, most_units));
        if (settings.layers.size() > most_layers) refuse(key, value, "at most six layers");
    } else if (key == "activation") {
        settings.activation = row_of(key, value, activations());
    } else if (key == "optimizer") {
        settings.optimizer = row_of(key, value, optimizers());
    } else if (key == "rate") {
        settings.rate = read_number(key, value, 0, most_rate);
    } else if (key == "init") {
        settings.init = row_of(key, value, inits());
    } else if (key == "penalty") {
        settings.penalty = row_of(key, value, penalties());
    } else if (key == "penalty_rate") {
        settings.penalty_rate = read_number(key, value, 0, most_rate);
    } else if (key == "dropout") {
        settings.dropout = read_integer(key, value, 0, most_dropout);
    } else if (key == "batch_norm") {
        settings.batch_norm = read_integer(key, value, 0, 1) == 1;
    } else if (key == "seed") {
        settings.seed = static_cast<std::uint64_t>(read_integer(key, value, 0, most_seed));
    } else {
        throw ValueError("playground: there is no setting \"" + std::string(key) + "\"");
    }
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
    std::string chosen, units;
    for (const std::size_t feature : settings.features)
        chosen += (chosen.empty() ? "" : ",") + std::string(features()[feature].name);
    for (const int count : settings.layers) units += (units.empty() ? "" : ",") + std::to_string(count);
    std::string text;
    const auto add = [&](const char* key, std::string_view value) {
        text += (text.empty() ? "" : "&") + std::string(key) + "=" + std::string(value);
    };
    add("data", data_sets()[settings.data].name);
    add("noise", std::to_string(settings.noise));
    add("train", std::to_string(settings.train));
    add("batch", std::to_string(settings.batch));
    add("features", chosen);
    add("layers", units);
    add("activation", activations()[settings.activation].name);
    add("optimizer", optimizers()[settings.optimizer].name);
    add("rate", number(settings.rate));
    add("init", inits()[settings.init].name);
    add("penalty", penalties()[settings.penalty].name);
    add("penalty_rate", number(settings.penalty_rate));
    add("dropout", std::to_string(settings.dropout));
    add("batch_norm", settings.batch_norm ? "1" : "0");
    add("seed", std::to_string(settings.seed));
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
