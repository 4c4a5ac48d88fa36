// Finding, reading and checking the MNIST files.
#include <adjoint/data/mnist.h>

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <optional>
#include <vector>

#include <adjoint/core/base/format.h>
#include <adjoint/data/file.h>
#include <adjoint/data/idx.h>
#include <adjoint/data/tensor_bytes.h>

namespace adjoint::data {

namespace {

constexpr const char* variable = "ADJOINT_DATA";
constexpr const char* local_folder = "data/mnist";
constexpr const char* packaged_folder = "/usr/share/datasets/fashion-mnist";
constexpr const char* how_to_get =
    "scripts/fetch_data mnist downloads it; the Debian package dataset-fashion-mnist brings Fashion-MNIST";
constexpr std::int64_t side = 28;
constexpr int class_count = 10;

/// The four files by what their names consist of.
struct FileName {
    const char* set;
    const char* kind;
};
constexpr std::array<FileName, 4> files = {{{"train-images", "idx3-ubyte"},
                                            {"train-labels", "idx1-ubyte"},
                                            {"t10k-images", "idx3-ubyte"},
                                            {"t10k-labels", "idx1-ubyte"}}};

using Classes = std::array<const char*, class_count>;
constexpr Classes digits_of_mnist = {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"};

/// The labels, training and test, tell the data sets apart: CRC-32 of their elements.
struct Known {
    const char* name;
    std::uint32_t train, test;
    Classes classes;
};
constexpr Known known_sets[] = {{"MNIST", 0xba07e8ef, 0xee8604d9, digits_of_mnist},
                                {"Fashion-MNIST",
                                 0x2ed6e46a,
                                 0x242bc73f,
                                 {"T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt",
                                  "Sneaker", "Bag", "Ankle boot"}}};

bool is_directory(const std::string& path) {
    struct stat info {};
    return ::stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

bool exists(const std::string& path) {
    struct stat info {};
    return ::stat(path.c_str(), &info) == 0;
}

std::vector<std::string> names_of(const FileName& file) {
    std::vector<std::string> names;
    for (const char separator : {'-', '.'})
        for (const char* const ending : {"", ".gz"})
            names.push_back(fmt::format("{}{}{}{}", file.set, separator, file.kind, ending));
    return names;
}

/// What a directory holds: the four paths, or why not.
struct Search {
    std::array<std::string, files.size()> paths;
    std::string missing;

    explicit Search(const std::string& directory) {
        if (!is_directory(directory)) {
            missing = exists(directory) ? "is not a directory" : "no such directory";
            return;
        }
        std::vector<std::string> lacking;
        for (std::size_t i = 0; i < files.size(); ++i) {
            for (const std::string& name : names_of(files[i])) {
                const std::string path = fmt::format("{}/{}", directory, name);
                if (paths[i].empty() && exists(path)) paths[i] = path;
            }
            if (paths[i].empty()) lacking.push_back(fmt::format("{}", fmt::join(names_of(files[i]), " or ")));
        }
        if (!lacking.empty()) missing = fmt::format("has no {}", fmt::join(lacking, ", no "));
    }
    bool complete() const { return missing.empty(); }
};

ImageSet read_set(const std::string& image_path, const std::string& label_path) {
    ImageSet set{read_idx(image_path), read_idx(label_path)};
    const Shape &images = set.images.shape(), &labels = set.labels.shape();
    check<IoError>(
        set.images.dtype() == DType::u8 && images.size() == 3 && images[1] == side && images[2] == side,
        "{}: holds {} of {}, expected (N, {}, {}) of u8", image_path, to_string(images),
        name(set.images.dtype()), side, side);
    check<IoError>(set.labels.dtype() == DType::u8 && labels.size() == 1,
                   "{}: holds {} of {}, expected (N,) of u8", label_path, to_string(labels),
                   name(set.labels.dtype()));
    check<IoError>(images[0] == labels[0], "{}: {} images, but {} labels in {}", image_path, images[0],
                   labels[0], label_path);
    check<IoError>(images[0] > 0, "{}: holds no images", image_path);
    const auto bytes = fresh_bytes(set.labels);
    const auto odd = std::find_if(bytes.begin(), bytes.end(),
                                  [](std::byte label) { return std::to_integer<int>(label) >= class_count; });
    if (odd != bytes.end())
        fail<IoError>("{}: label {} at index {} is outside [0, {})", label_path, std::to_integer<int>(*odd),
                      odd - bytes.begin(), class_count);
    return set;
}

/// `why` says, for data other than MNIST, how it came to be used.
Mnist read_all(const std::string& directory, const Search& found, const std::string& why) {
    Mnist data{read_set(found.paths[0], found.paths[1]),
               read_set(found.paths[2], found.paths[3]),
               "MNIST-like data",
               {digits_of_mnist.begin(), digits_of_mnist.end()},
               directory,
               ""};
    const std::uint32_t train = crc32(fresh_bytes(data.train.labels)),
                        test = crc32(fresh_bytes(data.test.labels));
    for (const Known& known : known_sets)
        if (known.train == train && known.test == test) {
            data.name = known.name;
            data.classes.assign(known.classes.begin(), known.classes.end());
        }
    data.note = fmt::format("{} from {}: {} training and {} test images", data.name, directory,
                            data.train.labels.numel(), data.test.labels.numel());
    if (data.name != known_sets[0].name) data.note += "; not MNIST, because " + why;
    return data;
}

Mnist load_named(const std::string& directory, const std::string& named_by) {
    const Search found(directory);
    check<IoError>(found.complete(), "{} ({}): {}; {}", directory, named_by, found.missing, how_to_get);
    return read_all(directory, found, named_by + " names this directory");
}

}  // namespace

Mnist load_mnist(const std::string& directory) {
    if (!directory.empty()) return load_named(directory, "the directory given");
    const char* const from_environment = std::getenv(variable);
    if (from_environment != nullptr && *from_environment != '\0')
        return load_named(from_environment, fmt::format("${}", variable));

    const Search local(local_folder);
    if (local.complete()) return read_all(local_folder, local, "this is what the directory holds");
    const std::string tried = fmt::format("${} is not set and {}: {}", variable, local_folder, local.missing);
    const Search packaged(packaged_folder);
    check<IoError>(packaged.complete(), "load_mnist: no data: {}; {}: {}; {}", tried, packaged_folder,
                   packaged.missing, how_to_get);
    return read_all(packaged_folder, packaged, tried);
}

}  // namespace adjoint::data
