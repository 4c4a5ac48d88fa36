// The command line that all programs share: what each says that it takes, --help, one line for what is wrong.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <variant>
#include <vector>

/// An option and where its value goes; what stands there before is the default that --help prints.
struct Option {
    using Target = std::variant<bool*, int*, std::int64_t*, std::uint64_t*, double*, std::string*,
                                std::optional<int>*, std::optional<double>*>;

    std::string name;   // "seed" for --seed N; in capitals ("MODEL") it has a place instead and must be given
    std::string about;  // one line of help
    Target to;
};

/// A text that is always there: adjoint's LICENSE in the folder of its sources.
std::string license_file();

/// Reads the options and runs `body`. The exit status is 0, also after -h or --help; what goes wrong, with
/// the options or in `body`, is one line on standard error and status 1.
int run_program(int argc, char** argv, const std::string& about, const std::vector<Option>& options,
                const std::function<void()>& body);
