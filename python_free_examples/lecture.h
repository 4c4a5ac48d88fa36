// The command line that the lecture programs share: --help, --out, --data, --seed, --quick,
// and for some --device.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <string_view>
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
    /// data/`set`. Throws a line that says where it was looked for and where people get it.
    std::string data_file(const std::string& set, const std::string& name, const std::string& origin) const {
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
        throw std::runtime_error(name + " was not found in " + tried + "; get it from " + origin +
                                 " and say --data FOLDER");
    }
};

/// What a lecture takes beside the options of all.
struct LectureTakes {
    bool device = false, table = false;
};

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
                    "  --data FOLDER  where the data lies, for the programs that read some ($ADJOINT_DATA)\n"
                    "  --seed N       of the random numbers (1)\n"
                    "  --quick        a short run\n"
                    "%s%s",
                    about, takes.device ? "  --device NAME  cpu, cuda, cuda:1 .. (cpu)\n" : "",
                    takes.table ? "  --table FILE   the settings to try, as CSV (those of the slides)\n"
                                : "");
                return 0;
            }
            if (name == "--out")
                options.out = value();
            else if (name == "--data")
                options.data = value();
            else if (name == "--seed")
                options.seed = std::strtoull(value().c_str(), nullptr, 10);
            else if (name == "--device" && takes.device)
                options.device = value();
            else if (name == "--table" && takes.table)
                options.table = value();
            else if (name == "--quick")
                options.quick = true;
            else
                throw std::invalid_argument("unknown option " + std::string(name) + ", see --help");
        }
        std::filesystem::create_directories(options.out);
        lecture(options);
        return 0;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "error: %s\n", error.what());
        return 1;
    }
}
