// The command line of the programs: the options are read by cxxopts, which this file alone includes.
#include "command_line.h"

#define CXXOPTS_NO_REGEX  // GCC 12 warns inside <regex> under sanitizers
#include <cxxopts.hpp>

#include <cctype>
#include <charconv>
#include <cstdio>
#include <exception>
#include <memory>
#include <string_view>
#include <system_error>
#include <type_traits>

namespace {

bool has_place(const Option& option) { return std::isupper(static_cast<unsigned char>(option.name[0])) != 0; }

template <class T> const char* kind_of() {
    if constexpr (std::is_floating_point_v<T>) return "a number";
    if constexpr (std::is_same_v<T, std::uint64_t>) return "a whole number from 0 to 2^64 - 1";
    return std::is_same_v<T, int> ? "a whole number from -2^31 to 2^31 - 1" : "a whole number";
}

// The number that a text is, all of it.
template <class T> T number_of(const std::string& option, const std::string& text) {
    T number{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size())
        throw UsageError(text_of("--%s %s, expected %s", option.c_str(), text.c_str(), tr(kind_of<T>())));
    return number;
}

void store(const std::string&, const std::string& text, std::string& to) { to = text; }
template <class T> void store(const std::string& option, const std::string& text, T& to) {
    to = number_of<T>(option, text);
}
template <class T> void store(const std::string& option, const std::string& text, std::optional<T>& to) {
    to = number_of<T>(option, text);
}

// What --help calls the default: nothing for a flag or an optional.
std::string default_of(const std::string& value) { return value; }
template <class T> std::string default_of(const T& value) {
    if constexpr (!std::is_arithmetic_v<T> || std::is_same_v<T, bool>) {
        return "";
    } else {
        char text[32];
        return {text, std::to_chars(text, text + sizeof(text), value).ptr};
    }
}

// All values are texts to cxxopts, so that what is wrong with one is said with the name of its option.
std::shared_ptr<cxxopts::Value> value_of(const Option& option) {
    if (std::holds_alternative<bool*>(option.to)) return cxxopts::value<bool>();
    const std::string given = std::visit([](const auto* to) { return default_of(*to); }, option.to);
    auto value = cxxopts::value<std::string>();
    return given.empty() || has_place(option) ? value : value->default_value(given);
}

// What --lang says, before anything else is read.
void choose_language(int argc, char** argv) {
    for (int i = 1; i < argc; ++i) {
        const std::string_view given = argv[i];
        if (!given.starts_with("--lang") || (given.size() > 6 && given[6] != '=')) continue;
        const std::string_view name =
            given.size() > 6 ? given.substr(7) : std::string_view(i + 1 < argc ? argv[i + 1] : "");
        if (name == "en") set_language(Language::english);
        if (name == "ko") set_language(Language::korean);
    }
}

// The words of cxxopts itself in the language of the program.
std::string help_of(const cxxopts::Options& parser) {
    std::string text = parser.help({""});
    for (const char* word : {"\nUsage:\n", "(default: "})
        for (std::size_t at = 0; (at = text.find(word, at)) != std::string::npos; ++at)
            text.replace(at, std::string_view(word).size(), tr(word));
    return text;
}

// Whether it goes on: not after --help.
bool parse(int argc, char** argv, const About& about, std::vector<Option> options) {
    std::string lang;
    options.push_back({"lang", "language of what is said, en or ko; else that of $LANG", &lang});
    const std::string program = std::string(argv[0]).substr(std::string(argv[0]).rfind('/') + 1);
    cxxopts::Options parser(program, tr(about.what));
    parser.custom_help(tr("[OPTION...]"));
    if (language() == Language::korean) parser.set_width(1000);  // it would cut Hangul in the middle
    std::vector<std::string> places;
    parser.add_options("", {{"h,help", tr("print this")}});
    for (const Option& option : options) {
        parser.add_options(has_place(option) ? "places" : "",
                           {{option.name, tr(option.about), value_of(option)}});
        if (has_place(option)) places.push_back(option.name);
    }
    std::string of_places;
    for (const std::string& place : places) of_places += (of_places.empty() ? "" : " ") + place;
    parser.parse_positional(places);
    parser.positional_help(of_places);
    const auto given = parser.parse(argc, argv);
    if (given.count("help") > 0) {
        say("%s\nData:  %s\nTime:  %s\nFiles: %s\n", help_of(parser).c_str(), tr(about.data).c_str(),
            tr(about.time).c_str(), tr(about.files).c_str());
        return false;
    }
    if (!given.unmatched().empty())
        throw UsageError(text_of("what is \"%s\"? see --help", given.unmatched().front().c_str()));
    for (const Option& option : options) {
        const bool is_given = given.count(option.name) > 0;
        if (has_place(option) && !is_given)
            throw UsageError(text_of("%s is missing: %s %s; see --help", option.name.c_str(), program.c_str(),
                                     of_places.c_str()));
        if (bool* const* flag = std::get_if<bool*>(&option.to)) {
            **flag = is_given && given[option.name].as<bool>();
        } else if (is_given) {
            const std::string& text = given[option.name].as<std::string>();
            std::visit(
                [&](auto* to) {
                    if constexpr (!std::is_same_v<decltype(to), bool*>) store(option.name, text, *to);
                },
                option.to);
        }
    }
    if (!lang.empty() && lang != "en" && lang != "ko")
        throw UsageError(text_of("--lang %s, expected en or ko", lang.c_str()));
    return true;
}

}  // namespace

std::string license_file() { return ADJOINT_LICENSE; }

int run_program(int argc, char** argv, const About& about, const std::vector<Option>& options,
                const std::function<void()>& body) {
    const auto ended = [](const std::exception& error, int status) {
        std::fputs(text_of("error: %s\n", error.what()).c_str(), stderr);
        return status;
    };
    choose_language(argc, argv);
    try {
        if (!parse(argc, argv, about, options)) return 0;
    } catch (const std::exception& error) {
        return ended(error, 2);
    }
    try {
        body();
        return 0;
    } catch (const UsageError& error) {
        return ended(error, 2);
    } catch (const std::exception& error) {
        return ended(error, 1);
    }
}
