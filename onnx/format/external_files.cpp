// Where in which file a tensor lies, and whether that may be read.
#include <adjoint/onnx/format/external_files.h>

#include <algorithm>
#include <filesystem>

#include <adjoint/core/base/format.h>
#include <adjoint/data/excerpt.h>
#include <adjoint/data/file.h>

namespace adjoint::onnx {

namespace {

std::uint64_t number_at(const std::map<std::string, std::string>& from, const char* key,
                        std::uint64_t otherwise) {
    const auto found = from.find(key);
    if (found == from.end()) return otherwise;
    const std::string& text = found->second;
    const bool plain =
        !text.empty() && text.size() <= 18 && text.find_first_not_of("0123456789") == std::string::npos;
    if (!plain) fail<IoError>("its {} in another file is {}, which is no number", key, data::excerpt(text));
    return std::stoull(text);
}

// How often a byte of another file may be part of a tensor, on average.
constexpr std::uint64_t most_times = 16;

}  // namespace

Bytes ExternalFiles::read(const std::map<std::string, std::string>& where) {
    check<IoError>(folder_.has_value(), "lies in another file, and this model was not read from one");
    const auto location = where.find("location");
    check<IoError>(location != where.end(), "lies in another file, which is not named");
    const std::string shown = data::excerpt(location->second);
    const std::string path = inside_folder(location->second);
    Content& content = files_[path];
    if (!content) {
        content = std::make_shared<const std::vector<std::byte>>(data::read_file(path));
        read_ += content->size();
    }
    const std::uint64_t size = content->size(), offset = number_at(where, "offset", 0);
    check<IoError>(offset <= size, "begins at {} of {}, which has {} bytes", offset, shown, size);
    const std::uint64_t length = number_at(where, "length", size - offset);
    check<IoError>(length <= size - offset, "has {} bytes at {} of {}, which has {} bytes", length, offset,
                   shown, size);
    taken_ += length;
    check<IoError>(
        taken_ <= most_times * read_,
        "is one of too many at the same places of other files: they have {} bytes, and {} are taken", read_,
        taken_);
    return {std::span(*content).subspan(offset, length), content};
}

std::string ExternalFiles::inside_folder(const std::string& location) const {
    namespace fs = std::filesystem;
    const fs::path relative(location);
    const bool plain = !location.empty() && relative.is_relative() &&
                       location.find('\0') == std::string::npos &&
                       std::find(relative.begin(), relative.end(), "..") == relative.end();
    std::error_code error;
    const fs::path folder = fs::canonical(*folder_, error);
    const fs::path target = plain ? fs::weakly_canonical(folder / relative, error) : fs::path();
    const bool inside =
        plain && !error &&
        std::mismatch(folder.begin(), folder.end(), target.begin(), target.end()).first == folder.end();
    if (!inside)
        fail<IoError>("lies in {}, outside the folder of the model, where nothing is read",
                      data::excerpt(location));
    return target.string();
}

}  // namespace adjoint::onnx
