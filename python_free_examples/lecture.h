// What the small programs share: --quick, --out, --seed and the like, and where their data is.
#pragma once

#include "command_line.h"

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <utility>
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
        const std::string path = text.empty() ? license_file() : text;
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

/// Reads the options and runs `lecture`.
template <class Lecture>
int run_lecture(int argc, char** argv, const char* about, Lecture lecture, LectureTakes takes = {}) {
    LectureOptions options;
    std::vector<Option> taken = {{"quick", "a short run", &options.quick}};
    const auto take = [&](bool is_taken, Option option) {
        if (is_taken) taken.push_back(std::move(option));
    };
    take(takes.out, {"out", "folder where files are written", &options.out});
    take(takes.data, {"data", "folder where the data lies; else $ADJOINT_DATA", &options.data});
    take(takes.seed, {"seed", "of the random numbers", &options.seed});
    take(takes.device, {"device", "cpu, cuda, cuda:1 ..", &options.device});
    take(takes.table, {"table", "the settings to try, as CSV; else those of the slides", &options.table});
    take(takes.text, {"text", "what to learn from; else adjoint's LICENSE", &options.text});
    take(takes.predict,
         {"predict", "a table to use the saved model on, instead of training", &options.predict});
    return run_program(argc, argv, about, taken, [&] {
        std::filesystem::create_directories(options.out);
        lecture(options);
    });
}
