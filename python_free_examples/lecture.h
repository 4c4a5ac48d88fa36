// What the small programs share: --quick, --out, --seed and the like, and where their data is.
#pragma once

#include "usual_options.h"

#include <algorithm>
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
    ImageSource source;
    std::string device = "cpu";
    std::string table, text, predict;
    std::uint64_t seed = 1;
    bool quick = false;

    /// The images that --data and --dataset name; says which they are.
    adjoint::data::Mnist images() const { return source.load(); }

    /// Where a picture goes; says so to the user.
    std::string picture(const std::string& name) const {
        const std::string path = (std::filesystem::path(out) / name).string();
        say("picture: %s\n", path.c_str());
        return path;
    }

    /// The file that --text names, without the blanks that it begins with.
    std::string read_text() const {
        const std::string path = text.empty() ? license_file() : text;
        std::ifstream file(path, std::ios::binary);
        std::string content{std::istreambuf_iterator<char>(file), {}};
        content.erase(0, content.find_first_not_of(" \t\r\n"));
        if (content.empty())
            throw std::runtime_error(
                text_of("%s cannot be read, or is empty; say --text FILE", path.c_str()));
        return content;
    }

    /// A file of a data set: in --data, else in $ADJOINT_DATA or the folder `set` beside it, else in
    /// data/`set`. Throws a line that says where it was looked for and what fetches it.
    std::string data_file(const std::string& set, const std::string& name,
                          const std::string& fetched_as) const {
        namespace fs = std::filesystem;
        std::vector<fs::path> folders;
        if (!source.data.empty()) {
            folders = {source.data};
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
        throw std::runtime_error(
            text_of("%s was not found in %s; scripts/fetch_data %s fetches it, or say --data FOLDER",
                    name.c_str(), tried.c_str(), fetched_as.c_str()));
    }
};

/// What a program says of itself and takes; to ask for more of it is an error.
struct LectureTakes {
    std::string time = "less than a second", files = "", data = "";  // as in About; no files, no --out
    bool images = false;                                             // instead of other data
    bool quick = true, seed = true, device = false, table = false, text = false, predict = false;
};

/// The number in the middle, of an even count the upper one.
inline double median_of(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
}

/// Trains an autoencoder to give back `images`, a hundred a step, and says how each epoch went, behind which
/// `schedule` takes a step if there is one.
template <class Model>
void train_autoencoder(const Model& model, adjoint::optim::Optimizer& optimizer,
                       const adjoint::data::Dataset& images, int epochs, std::uint64_t seed,
                       adjoint::optim::Schedule* schedule = nullptr) {
    adjoint::data::Loader loader(images, {.batch_size = 100, .seed = seed});
    for (int epoch = 1; epoch <= epochs; ++epoch) {
        double total = 0;
        for (const adjoint::data::Batch& batch : loader) {
            optimizer.zero_grad();
            const adjoint::Tensor loss = binary_cross_entropy_with_logits(model(batch.x), batch.x);
            loss.backward();
            optimizer.step();
            total += loss.item();
        }
        if (schedule) schedule->step();
        say("autoencoder, epoch %2d: cross entropy per pixel %.4f\n", epoch,
            total / static_cast<double>(loader.size()));
        std::fflush(stdout);
    }
}

/// Reads the options and runs `lecture`.
template <class Lecture>
int run_lecture(int argc, char** argv, const char* what, Lecture lecture, const LectureTakes& takes = {}) {
    LectureOptions options;
    About about{.what = what, .time = takes.time};
    std::vector<Option> taken;
    const auto take = [&](bool is_taken, Option option) {
        if (is_taken) taken.push_back(std::move(option));
    };
    take(takes.quick, {"quick", "a short run, too short for the figures of a full one", &options.quick});
    take(!takes.files.empty(), {"out", "folder where files are written", &options.out});
    take(takes.seed, {"seed", "of the random numbers", &options.seed});
    take(takes.device, {"device", "cpu, cuda, cuda:1 ..", &options.device});
    take(takes.table, {"table", "the settings to try, as CSV; else those of the slides", &options.table});
    take(takes.text, {"text", "what to learn from; else adjoint's LICENSE", &options.text});
    take(takes.predict,
         {"predict", "a table to use the saved model on, instead of training", &options.predict});
    if (takes.images) {
        for (Option& option : options.source.options()) taken.push_back(std::move(option));
        about.data = images_to_read;
    } else if (!takes.data.empty()) {
        taken.push_back({"data", "folder where the data lies; else beside $ADJOINT_DATA, or in data/",
                         &options.source.data});
        about.data = takes.data;
    } else if (takes.text) {
        about.data = "a text";
    }
    if (!takes.files.empty()) about.files = takes.files;
    return run_program(argc, argv, about, taken, [&] {
        std::filesystem::create_directories(options.out);
        if (options.quick) say("quick: a short run, too short for the figures of a full one\n");
        lecture(options);
    });
}
