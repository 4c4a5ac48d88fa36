// The command line that the lecture programs share: --help, --out, --data, --seed, --quick.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <string_view>

struct LectureOptions {
    std::string out = ".";
    std::string data;
    std::uint64_t seed = 1;
    bool quick = false;

    /// Where a picture goes; says so to the user.
    std::string picture(const std::string& name) const {
        const std::string path = (std::filesystem::path(out) / name).string();
        std::printf("picture: %s\n", path.c_str());
        return path;
    }
};

/// Reads the options and runs `lecture`; what goes wrong is one line on standard error and status 1.
template <class Lecture> int run_lecture(int argc, char** argv, const char* about, Lecture lecture) {
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
                    "  --data FOLDER  where MNIST lies, for the programs that read it ($ADJOINT_DATA)\n"
                    "  --seed N       of the random numbers (1)\n"
                    "  --quick        a short run\n",
                    about);
                return 0;
            }
            if (name == "--out")
                options.out = value();
            else if (name == "--data")
                options.data = value();
            else if (name == "--seed")
                options.seed = std::strtoull(value().c_str(), nullptr, 10);
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
