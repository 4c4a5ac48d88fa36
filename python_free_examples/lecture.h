// The command line that the programs share: --help, --quick, --out, and what each says that it takes.
#pragma once

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

struct LectureOptions {
    std::string out = ".";
    std::string data;
    std::string device = "cpu";
    std::string table, text, predict;
    std::uint64_t seed = 1;
    bool quick = false;

    /// Where a picture goes; says so to the user.
    std::string picture(const std::string& name) const {
        const std::string path = (std::filesystem::path(out) / name).string();
        std::printf("picture: %s\n", path.c_str());
        return path;
    }

    /// The file that --text names, without the blanks that it begins with.
    std::string read_text() const {
        const std::string path = text.empty() ? "LICENSE" : text;
        std::ifstream file(path, std::ios::binary);
        std::string content{std::istreambuf_iterator<char>(file), {}};
        content.erase(0, content.find_first_not_of(" \t\r\n"));
        if (content.empty()) throw std::runtime_error(path + " cannot be read, or is empty; say --text FILE");
        return content;
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

/// What a program takes beside --quick; to ask for more of it is an error.
struct LectureTakes {
    bool data = false, device = false, seed = true, table = false, text = false, predict = false, out = true;
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
        std::string seed = "1";
        struct {
            bool taken;
            std::string_view name;
            const char* about;
            std::string* to;
        } const known[] = {
            {takes.out, "--out", "FOLDER   where files are written (this folder)", &options.out},
            {takes.data, "--data", "FOLDER  where the data lies ($ADJOINT_DATA)", &options.data},
            {takes.seed, "--seed", "N       of the random numbers (1)", &seed},
            {takes.device, "--device", "NAME  cpu, cuda, cuda:1 .. (cpu)", &options.device},
            {takes.table, "--table", "FILE   the settings to try, as CSV (those of the slides)",
             &options.table},
            {takes.text, "--text", "FILE    what to learn from (LICENSE, in this folder)", &options.text},
            {takes.predict, "--predict", "FILE a table to use the saved model on, instead of training",
             &options.predict}};
        for (int i = 1; i < argc; ++i) {
            const std::string_view name = argv[i];
            if (name == "--help") {
                std::printf("%s\n\n  --quick        a short run\n", about);
                for (const auto& option : known)
                    if (option.taken) std::printf("  %s %s\n", option.name.data(), option.about);
                return 0;
            }
            if (name == "--quick") {
                options.quick = true;
                continue;
            }
            const auto* option = std::find_if(std::begin(known), std::end(known),
                                              [&](const auto& one) { return one.taken && one.name == name; });
            if (option == std::end(known))
                throw std::invalid_argument("this program does not take " + std::string(name) +
                                            ", see --help");
            if (++i == argc) throw std::invalid_argument(std::string(name) + " needs a value");
            *option->to = argv[i];
        }
        options.seed = seed_of(seed);
        std::filesystem::create_directories(options.out);
        lecture(options);
        return 0;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "error: %s\n", error.what());
        return 1;
    }
}
