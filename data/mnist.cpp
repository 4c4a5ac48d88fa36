// Finding, reading and checking the MNIST files.
#include <adjoint/data/mnist.h>

#include <sys/stat.h>

#include <array>
#include <cmath>
#include <cstdlib>
#include <optional>
#include <vector>

#include <adjoint/core/base/format.h>
#include <adjoint/core/tensor/creation.h>
#include <adjoint/data/csv.h>
#include <adjoint/data/file.h>
#include <adjoint/data/idx.h>
#include <adjoint/data/tensor_bytes.h>

namespace adjoint::data {

namespace {

constexpr const char* variable = "ADJOINT_DATA";
constexpr const char* local_folder = "data/mnist";
constexpr const char* packaged_folder = "/usr/share/datasets/fashion-mnist";
constexpr const char* local_fashion = "data/fashion-mnist";
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

/// The beginnings of the names of CSV files, of training and test, and what such a set is called.
struct CsvName {
    const char* begins;
    const char* set;
};
constexpr std::array<CsvName, 2> csv_names = {{{"mnist", "MNIST"}, {"fashion-mnist", "Fashion-MNIST"}}};

/// What a directory holds: the four IDX files, or two of CSV, or why neither.
struct Search {
    std::array<std::string, files.size()> paths;
    std::array<std::string, 2> csv;
    const char* csv_set = nullptr;  // what the names of these call it
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
        if (lacking.empty() || find_csv(directory)) return;
        missing = fmt::format("has no {}", fmt::join(lacking, ", no "));
    }
    bool complete() const { return missing.empty(); }

  private:
    bool find_csv(const std::string& directory) {
        for (const CsvName& name : csv_names)
            for (const char* const ending : {"", ".gz"}) {
                csv = {fmt::format("{}/{}_train.csv{}", directory, name.begins, ending),
                       fmt::format("{}/{}_test.csv{}", directory, name.begins, ending)};
                csv_set = name.set;
                if (exists(csv[0]) && exists(csv[1])) return true;
            }
        csv_set = nullptr;
        return false;
    }
};

void check_label(const std::string& path, double label, std::int64_t index) {
    check<IoError>(label >= 0 && label < class_count, "{}: label {} at index {} is outside [0, {})", path,
                   label, index, class_count);
}

// A label and the pixels in each row.
ImageSet read_rows(const std::string& path) {
    const Tensor table = read_csv(path);
    const std::int64_t n = table.shape()[0], pixels = side * side;
    check<IoError>(n > 0 && table.shape()[1] == pixels + 1,
                   "{}: holds {} rows of {} numbers, expected rows of a label and {} pixels", path, n,
                   table.shape()[1], pixels);
    ImageSet set{empty({n, side, side}, {.dtype = DType::u8}), empty({n}, {.dtype = DType::u8})};
    const auto* from = table.data<float>();
    auto *images = set.images.mutable_data<std::uint8_t>(), *labels = set.labels.mutable_data<std::uint8_t>();
    const auto byte = [&](float number, std::int64_t row) {
        check<IoError>(number >= 0 && number <= 255 && number == std::floor(number),
                       "{}: {} in sample {}, expected a whole number from 0 to 255", path, number, row);
        return static_cast<std::uint8_t>(number);
    };
    for (std::int64_t row = 0; row < n; ++row) {
        labels[row] = byte(*from++, row);
        check_label(path, labels[row], row);
        for (std::int64_t i = 0; i < pixels; ++i) *images++ = byte(*from++, row);
    }
    return set;
}

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
    for (std::size_t i = 0; i < bytes.size(); ++i)
        check_label(label_path, std::to_integer<int>(bytes[i]), static_cast<std::int64_t>(i));
    return set;
}

/// `why` says, for data other than MNIST, how it came to be used.
Mnist read_all(const std::string& directory, const Search& found, const std::string& why) {
    const bool csv = found.csv_set != nullptr;
    Mnist data{csv ? read_rows(found.csv[0]) : read_set(found.paths[0], found.paths[1]),
               csv ? read_rows(found.csv[1]) : read_set(found.paths[2], found.paths[3]),
               "MNIST-like data",
               {digits_of_mnist.begin(), digits_of_mnist.end()},
               directory,
               ""};
    const std::uint32_t train = crc32(fresh_bytes(data.train.labels)),
                        test = crc32(fresh_bytes(data.test.labels));
    for (const Known& known : known_sets)
        if ((known.train == train && known.test == test) ||
            (csv && known.name == std::string(found.csv_set))) {
            data.name = known.name;
            data.classes.assign(known.classes.begin(), known.classes.end());
        }
    data.note = fmt::format("{} from {}: {} training and {} test images", data.name, directory,
                            data.train.labels.numel(), data.test.labels.numel());
    if (data.name != known_sets[0].name) data.note += "; not MNIST, because " + why;
    return data;
}

const char* name_of(MnistSet set) { return known_sets[set == MnistSet::fashion ? 1 : 0].name; }

Mnist checked(Mnist data, const std::string& place, MnistSet wanted) {
    check<IoError>(wanted == MnistSet::any || data.name == name_of(wanted), "{}: holds {}, not {}", place,
                   data.name, name_of(wanted));
    return data;
}

Mnist load_named(const std::string& directory, const std::string& named_by, MnistSet wanted) {
    const Search found(directory);
    check<IoError>(found.complete(), "{} ({}): {}; {}", directory, named_by, found.missing, how_to_get);
    return checked(read_all(directory, found, named_by + " names this directory"),
                   fmt::format("{} ({})", directory, named_by), wanted);
}

// In the first of the places where it is.
Mnist load_fashion(const std::string& from_environment) {
    std::vector<std::string> places;
    if (!from_environment.empty()) places = {from_environment, from_environment + "/../fashion-mnist"};
    places.insert(places.end(), {local_fashion, packaged_folder});
    std::string tried;
    for (const std::string& place : places) {
        const Search found(place);
        std::string why = found.missing;
        if (found.complete()) {
            Mnist data = read_all(place, found, "Fashion-MNIST is what was asked for");
            if (data.name == name_of(MnistSet::fashion)) return data;
            why = "holds " + data.name;
        }
        tried += fmt::format("{}{}: {}", tried.empty() ? "" : "; ", place, why);
    }
    fail<IoError>("load_mnist: no Fashion-MNIST: {}; scripts/fetch_data fashion-mnist downloads it", tried);
}

}  // namespace

Mnist load_mnist(const std::string& directory, MnistSet wanted) {
    if (!directory.empty()) return load_named(directory, "the directory given", wanted);
    const char* const variable_value = std::getenv(variable);
    const std::string from_environment = variable_value ? variable_value : "";
    if (wanted == MnistSet::fashion) return load_fashion(from_environment);
    if (!from_environment.empty()) return load_named(from_environment, fmt::format("${}", variable), wanted);

    const Search local(local_folder);
    if (local.complete())
        return checked(read_all(local_folder, local, "this is what the directory holds"), local_folder,
                       wanted);
    const std::string tried = fmt::format("${} is not set and {}: {}", variable, local_folder, local.missing);
    check<IoError>(wanted == MnistSet::any, "load_mnist: no MNIST: {}; {}", tried, how_to_get);
    const Search packaged(packaged_folder);
    check<IoError>(packaged.complete(), "load_mnist: no data: {}; {}: {}; {}", tried, packaged_folder,
                   packaged.missing, how_to_get);
    return read_all(packaged_folder, packaged, tried);
}

}  // namespace adjoint::data
