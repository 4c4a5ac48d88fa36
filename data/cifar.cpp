// Files of records: one or two labels, then the pixels of three planes.
#include <adjoint/data/cifar.h>

#include <algorithm>
#include <filesystem>
#include <system_error>

#include <adjoint/core/base/format.h>
#include <adjoint/core/tensor/creation.h>
#include <adjoint/data/file.h>
#include <adjoint/data/memory.h>
#include <adjoint/data/tensor_bytes.h>

namespace adjoint::data {
namespace {

constexpr std::int64_t plane_side = 32, image_bytes = 3 * plane_side * plane_side;
constexpr std::uint64_t largest_file = std::uint64_t{1} << 30;

/// Labels of one kind, of which a record has one each in front of its pixels, and how many classes there are.
struct Labels {
    std::size_t classes;
    Tensor values = {};
};

/// The records of several files as one set.
Tensor read_records(const std::string& directory, const std::vector<std::string>& files,
                    std::vector<Labels>& labels) {
    const std::size_t record = labels.size() + image_bytes;
    std::vector<std::vector<std::byte>> contents;
    std::int64_t count = 0;
    for (const std::string& file : files) {
        const std::string path = directory + "/" + file;
        contents.push_back(read_maybe_gzip(path, largest_file));
        check<IoError>(!contents.back().empty() && contents.back().size() % record == 0,
                       "{}: {} bytes are no whole number of images of {} bytes with {} label(s) in front",
                       path, contents.back().size(), image_bytes, labels.size());
        count += static_cast<std::int64_t>(contents.back().size() / record);
    }
    return in_memory(directory, [&] {
        const Tensor images = empty({count, 3, plane_side, plane_side}, DType::u8, Device::cpu());
        auto pixels = fresh_bytes(images).begin();
        std::vector<std::vector<std::uint8_t>> values(labels.size());
        for (std::size_t f = 0; f < files.size(); ++f)
            for (auto at = contents[f].begin(); at != contents[f].end();) {
                for (std::size_t k = 0; k < labels.size(); ++k, ++at) {
                    const auto label = std::to_integer<std::uint8_t>(*at);
                    check<IoError>(label < labels[k].classes, "{}/{}: label {} at byte {} is outside [0, {})",
                                   directory, files[f], label, at - contents[f].begin(), labels[k].classes);
                    values[k].push_back(label);
                }
                pixels = std::copy(at, at + image_bytes, pixels);
                at += image_bytes;
            }
        for (std::size_t k = 0; k < labels.size(); ++k)
            labels[k].values = tensor(values[k], {count}, Device::cpu());
        return images;
    });
}

/// The lines of a file of names.
std::vector<std::string> read_names(const std::string& path, std::size_t count) {
    constexpr std::uint64_t largest_names = 1 << 16;
    std::vector<std::string> names(1);
    for (const std::byte byte : read_maybe_gzip(path, largest_names)) {
        const char c = std::to_integer<char>(byte);
        if (c == '\n')
            names.emplace_back();
        else if (c != '\r')
            names.back() += c;
    }
    std::erase(names, "");
    check<IoError>(names.size() == count, "{}: {} names, expected {}", path, names.size(), count);
    return names;
}

void check_directory(const std::string& directory, const char* name) {
    std::error_code ignored;
    check<IoError>(std::filesystem::is_directory(directory, ignored),
                   "{}: no such directory; scripts/fetch_data {} downloads it", directory, name);
}

}  // namespace

Cifar load_cifar10(const std::string& directory) {
    constexpr std::size_t classes = 10;
    std::vector<std::string> batches;
    for (int i = 1; i <= 5; ++i) batches.push_back(fmt::format("data_batch_{}.bin", i));
    check_directory(directory, "cifar10");
    Cifar set;
    set.classes = read_names(directory + "/batches.meta.txt", classes);
    std::vector<Labels> train{{classes}}, test{{classes}};
    set.train.images = read_records(directory, batches, train);
    set.test.images = read_records(directory, {"test_batch.bin"}, test);
    set.train.labels = train[0].values;
    set.test.labels = test[0].values;
    return set;
}

Cifar load_cifar100(const std::string& directory) {
    constexpr std::size_t classes = 100, groups = 20;
    check_directory(directory, "cifar100");
    Cifar set;
    set.classes = read_names(directory + "/fine_label_names.txt", classes);
    set.coarse_classes = read_names(directory + "/coarse_label_names.txt", groups);
    std::vector<Labels> train{{groups}, {classes}}, test{{groups}, {classes}};
    set.train.images = read_records(directory, {"train.bin"}, train);
    set.test.images = read_records(directory, {"test.bin"}, test);
    set.coarse_train = train[0].values;
    set.train.labels = train[1].values;
    set.coarse_test = test[0].values;
    set.test.labels = test[1].values;
    return set;
}

}  // namespace adjoint::data
