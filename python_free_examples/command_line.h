// The command line that all programs share: what each says that it takes, --help, one line for what is wrong.
// Texts are given in English; they are said in the language of the program (language.h).
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <variant>
#include <vector>

#include "language.h"

/// An option and where its value goes; what stands there before is the default that --help prints.
struct Option {
    using Target = std::variant<bool*, int*, std::int64_t*, std::uint64_t*, double*, std::string*,
                                std::optional<int>*, std::optional<double>*>;

    std::string name;   // "seed" for --seed N; in capitals ("MODEL") it has a place instead and must be given
    std::string about;  // one line of help
    Target to;
};

/// What --help says besides the options.
struct About {
    std::string what;                         // a sentence or two
    std::string data = "none";                // that it reads
    std::string time = "less than a second";  // of a full run on two cores, in words
    std::string files = "none";               // that it writes
};

/// What is wrong with the command line itself: an option, a value, a place that is empty.
struct UsageError : std::invalid_argument {
    using std::invalid_argument::invalid_argument;
};

/// A text that is always there: adjoint's LICENSE in the folder of its sources.
std::string license_file();

/// Reads the options and runs `body`. The exit status is 0, also after -h or --help; 2 for what is wrong with
/// the command line, which `body` may say with a UsageError; 1 for what else goes wrong in `body`. Of either
/// one line goes to standard error.
int run_program(int argc, char** argv, const About& about, const std::vector<Option>& options,
                const std::function<void()>& body);
