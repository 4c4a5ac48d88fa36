// Finding the files of class folders, and the cache of what was read.
#include <adjoint/data/image_folder.h>

#include <algorithm>
#include <cctype>
#include <cstring>
#include <filesystem>
#include <mutex>

#include <adjoint/core/base/format.h>
#include <adjoint/core/tensor/creation.h>
#include <adjoint/data/tensor_bytes.h>

namespace adjoint::data {

struct ImageFolder::State {
    struct Sample {
        std::string path;
        std::int64_t label;
        Tensor image = {};  // if it is in the cache
    };

    ImageFolderOptions options;
    std::vector<Sample> samples;
    std::vector<std::string> classes;
    std::string note;
    std::mutex mutex;  // of the images and of `cached`
    std::uint64_t cached = 0;

    std::size_t checked(std::int64_t sample) const {
        check<IndexError>(sample >= 0 && sample < std::ssize(samples),
                          "ImageFolder: sample {} is outside [0, {})", sample, samples.size());
        return static_cast<std::size_t>(sample);
    }
};

namespace {

namespace fs = std::filesystem;

bool is_image_name(const fs::path& path) {
    std::string ending = path.extension().string();
    std::transform(ending.begin(), ending.end(), ending.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return ending == ".png" || ending == ".jpg" || ending == ".jpeg";
}

/// What programs leave for themselves: .ipynb_checkpoints, and ._1.jpg, which is no image.
bool is_hidden(const fs::path& path) { return path.filename().string().starts_with('.'); }

/// The images below a folder in the order of their paths; counts what else there is.
std::vector<std::string> images_below(const fs::path& folder, std::int64_t& others) {
    std::vector<std::string> paths;
    for (auto entry = fs::recursive_directory_iterator(folder); entry != fs::end(entry); ++entry) {
        const fs::path& path = entry->path();
        if (entry->is_directory()) {
            if (is_hidden(path)) entry.disable_recursion_pending();
        } else if (is_image_name(path) && !is_hidden(path)) {
            paths.push_back(path.string());
        } else {
            ++others;
        }
    }
    std::sort(paths.begin(), paths.end());
    return paths;
}

std::vector<fs::path> class_folders(const std::string& directory, std::int64_t& others) {
    std::vector<fs::path> folders;
    for (const auto& entry : fs::directory_iterator(directory))
        if (!entry.is_directory())
            ++others;
        else if (!is_hidden(entry.path()))
            folders.push_back(entry.path());
    std::sort(folders.begin(), folders.end());
    return folders;
}

}  // namespace

ImageFolder::ImageFolder(const std::string& directory, const ImageFolderOptions& options)
    : state_(std::make_shared<State>()) {
    check<ValueError>(options.height > 0 && options.width > 0, "ImageFolder: images of {} x {} pixels",
                      options.height, options.width);
    check<ValueError>(options.channels == 1 || options.channels == 3 || options.channels == 4,
                      "ImageFolder: {} channels, expected 1, 3 or 4", options.channels);
    state_->options = options;
    // A wrong mean or std is found here, not at the first image.
    normalize_image(zeros({options.channels, 1, 1}, DType::u8, Device::cpu()), options.mean, options.std);
    std::int64_t others = 0;
    try {
        check<IoError>(fs::is_directory(directory), "{}: {}", directory,
                       fs::exists(directory) ? "is not a directory" : "no such directory");
        for (const fs::path& folder : class_folders(directory, others)) {
            const std::vector<std::string> paths = images_below(folder, others);
            check<IoError>(!paths.empty(), "{}: a class folder without .png, .jpg or .jpeg files",
                           folder.string());
            for (const std::string& path : paths)
                state_->samples.push_back({path, std::ssize(state_->classes)});
            state_->classes.push_back(folder.filename().string());
        }
    } catch (const fs::filesystem_error& error) {
        fail<IoError>("{}: {}", error.path1().string(), error.code().message());
    }
    check<IoError>(!state_->classes.empty(),
                   "{}: has no folders; expected one for each class, with its images in it", directory);
    state_->note = fmt::format("{} images of {} classes in {}", state_->samples.size(),
                               state_->classes.size(), directory);
    if (others > 0) state_->note += fmt::format("; {} files of other kinds are left out", others);
}

std::int64_t ImageFolder::size() const noexcept { return std::ssize(state_->samples); }
const std::string& ImageFolder::path(std::int64_t sample) const {
    return state_->samples[state_->checked(sample)].path;
}
std::int64_t ImageFolder::label(std::int64_t sample) const {
    return state_->samples[state_->checked(sample)].label;
}
const std::vector<std::string>& ImageFolder::classes() const noexcept { return state_->classes; }
const std::string& ImageFolder::note() const noexcept { return state_->note; }

std::uint64_t ImageFolder::cached_bytes() const {
    const std::lock_guard lock(state_->mutex);
    return state_->cached;
}

Tensor ImageFolder::image(std::int64_t sample) const {
    State& state = *state_;
    State::Sample& entry = state.samples[state.checked(sample)];
    {
        const std::lock_guard lock(state.mutex);
        if (entry.image.defined()) return entry.image;
    }
    const ImageFolderOptions& options = state.options;
    const Tensor read =
        read_image(entry.path, {.channels = options.channels, .pixel_limit = options.pixel_limit});
    const Tensor image = options.fit == ImageFit::crop ? crop_image(read, options.height, options.width)
                                                       : resize_image(read, options.height, options.width);
    const std::lock_guard lock(state.mutex);
    const auto bytes = static_cast<std::uint64_t>(image.numel());
    if (!entry.image.defined() && state.cached + bytes <= options.cache_bytes) {
        entry.image = image;
        state.cached += bytes;
    }
    return image;
}

Batch ImageFolder::get(std::span<const std::int64_t> samples) const {
    const ImageFolderOptions& options = state_->options;
    const Tensor pixels = empty({std::ssize(samples), options.channels, options.height, options.width},
                                DType::u8, Device::cpu());
    auto place = fresh_bytes(pixels).begin();
    std::vector<std::int64_t> labels;
    for (const std::int64_t sample : samples) {
        const Tensor one = image(sample);
        const auto bytes = bytes_of(one, "ImageFolder", "an image");
        place = std::copy(bytes.begin(), bytes.end(), place);
        labels.push_back(label(sample));
    }
    return {normalize_image(pixels, options.mean, options.std),
            tensor(labels, {std::ssize(labels)}, Device::cpu())};
}

}  // namespace adjoint::data
