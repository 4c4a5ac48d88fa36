// The command line that the lecture programs share: --help, --out, --quick, and what each says that it takes.
#pragma once

#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

struct LectureOptions {
    std::string out = ".";
    std::string data;
    std::string device = "cpu";
    std::string table;
    std::uint64_t seed = 1;
    bool quick = false;

    /// Where a picture goes; says so to the user.
    std::string picture(const std::string& name) const {
        const std::string path = (std::filesystem::path(out) / name).string();
        std::printf("picture: %s\n", path.c_str());
        return path;
    }

    /// A file of a data set: in --data, else in $ADJOINT_DATA or the folder `set` beside it, else in
    /// data/`set`. Throws a line that says where it was looked for and what fetches it.
    std::string data_file(const std::string& set, const std::string& name,
                          const std::string& fetched_as) const {
        namespace fs = std::filesystem;
        std::vector<fs::path> folders;
        if (!data.empty()) {
            folders = {data};
        } else {
            if (const char* mnist = std::getenv("ADJOINT_DATA"))
                folders = {mnist, fs::absolute(fs::path(mnist) / "").parent_path().parent_path() / set};
            folders.push_back(fs::path("data") / set);
        }
        std::string tried;
        for (const fs::path& folder : folders) {
            if (fs::exists(folder / name)) return (folder / name).string();
            tried += (tried.empty() ? "" : ", ") + folder.string();
        }
        throw std::runtime_error(name + " was not found in " + tried + "; scripts/fetch_data " + fetched_as +
                                 " fetches it, or say --data FOLDER");
    }
};

/// What a lecture takes beside --out and --quick; to ask for more of it is an error.
struct LectureTakes {
    bool data = false, device = false, seed = true, table = false;
};

/// The number that a text is, all of it.
inline std::uint64_t seed_of(const std::string& text) {
    std::uint64_t seed = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seed);
    if (error != std::errc() || end != text.data() + text.size())
        throw std::invalid_argument("--seed " + text + ", expected a whole number from 0 to 2^64 - 1");
    return seed;
}

/// Reads the options and runs `lecture`; what goes wrong is one line on standard error and status 1.
template <class Lecture>
int run_lecture(int argc, char** argv, const char* about, Lecture lecture, LectureTakes takes = {}) {
    try {
        LectureOptions options;
        for (int i = 1; i < argc; ++i) {
            const std::string_view name = argv[i];
            const auto value = [&]() -> std::string {
                if (++i == argc) throw std::invalid_argument(std::string(name) + " needs a value");
                return argv[i];
            };
            if (name == "--help") {
                std::printf(
                    "%s\n\n"
                    "  --out FOLDER   where pictures are written (this folder)\n"
                    "  --quick        a short run\n"
                    "%s%s%s%s",
                    about, takes.data ? "  --data FOLDER  where the data lies ($ADJOINT_DATA)\n" : "",
                    takes.seed ? "  --seed N       of the random numbers (1)\n" : "",
                    takes.device ? "  --device NAME  cpu, cuda, cuda:1 .. (cpu)\n" : "",
                    takes.table ? "  --table FILE   the settings to try, as CSV (those of the slides)\n"
                                : "");
                return 0;
            }
            if (name == "--out")
                options.out = value();
            else if (name == "--data" && takes.data)
                options.data = value();
            else if (name == "--seed" && takes.seed)
                options.seed = seed_of(value());
            else if (name == "--device" && takes.device)
                options.device = value();
            else if (name == "--table" && takes.table)
                options.table = value();
            else if (name == "--quick")
                options.quick = true;
            else
                throw std::invalid_argument("this program does not take " + std::string(name) +
                                            ", see --help");
        }
        std::filesystem::create_directories(options.out);
        lecture(options);
        return 0;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "error: %s\n", error.what());
        return 1;
    }
}
