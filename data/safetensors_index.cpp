// The index of a model that is kept in several safetensors files, followed event by event.
#include <unordered_set>

#include <nlohmann/json.hpp>

#include <adjoint/core/base/format.h>
#include <adjoint/data/excerpt.h>
#include <adjoint/data/file.h>
#include <adjoint/data/safetensors_header.h>

namespace adjoint::data {
namespace {

/// {"metadata": {name: text or number, ..}, "weight_map": {tensor: "file", ..}}; whatever
/// else there is at the top is passed over.
class IndexEvents {
  public:
    IndexEvents(const std::string& path, SafeTensorsIndex& index) : path_(path), index_(index) {}

    bool has_map() const noexcept { return has_map_; }

    bool start_object(std::size_t) {
        if (depth_ == 1) {
            section_ = key_ == "weight_map" ? Section::map
                       : key_ == "metadata" ? Section::metadata
                                            : Section::other;
            has_map_ = has_map_ || section_ == Section::map;
        }
        return begin();
    }
    bool start_array(std::size_t) { return begin(); }
    bool end_object() { return end(); }
    bool end_array() { return end(); }
    bool key(std::string& text) {
        key_ = text;
        return true;
    }
    bool string(std::string& text) {
        if (depth_ != 2) return true;
        if (section_ == Section::metadata) index_.metadata[key_] = text;
        if (section_ == Section::map) add_file(text);
        return true;
    }
    bool number_unsigned(nlohmann::json::number_unsigned_t value) { return number(fmt::format("{}", value)); }
    bool number_integer(nlohmann::json::number_integer_t value) { return number(fmt::format("{}", value)); }
    bool number_float(nlohmann::json::number_float_t, const std::string& text) { return number(text); }
    bool null() { return other(); }
    bool boolean(bool) { return other(); }
    bool binary(nlohmann::json::binary_t&) { return other(); }
    bool parse_error(std::size_t, const std::string&, const nlohmann::json::exception&) { return false; }

  private:
    enum class Section : std::uint8_t { other, map, metadata };

    bool begin() {
        constexpr int deepest = 16;
        check<IoError>(++depth_ <= deepest, "{}: an index with more than {} levels", path_, deepest);
        return depth_ != 3 || other();
    }
    bool end() {
        if (--depth_ == 1) section_ = Section::other;
        return true;
    }
    bool number(const std::string& text) {
        if (depth_ == 2 && section_ == Section::metadata) index_.metadata[key_] = text;
        return depth_ != 2 || other();
    }
    /// What is no text is no file.
    bool other() const {
        check<IoError>(section_ != Section::map, "{}: tensor {} has no file", path_, excerpt(key_));
        return true;
    }
    void add_file(const std::string& file) {
        check<IoError>(!file.empty() && file.find('/') == std::string::npos && file != "..",
                       "{}: tensor {} lies in {}, expected a file beside the index", path_, excerpt(key_),
                       excerpt(file));
        check<IoError>(seen_.insert(key_).second, "{}: tensor {} is there twice", path_, excerpt(key_));
        index_.files[file].push_back(key_);
    }

    const std::string& path_;
    SafeTensorsIndex& index_;
    int depth_ = 0;
    Section section_ = Section::other;
    std::string key_;
    std::unordered_set<std::string> seen_;
    bool has_map_ = false;
};

}  // namespace

SafeTensorsIndex read_safetensors_index(const std::string& path) {
    constexpr std::uint64_t longest = 100'000'000;
    const std::vector<std::byte> bytes = read_maybe_gzip(path, longest);
    const char* const text = reinterpret_cast<const char*>(bytes.data());
    SafeTensorsIndex index;
    IndexEvents events(path, index);
    const bool whole = nlohmann::json::sax_parse(text, text + bytes.size(), &events);
    check<IoError>(whole && events.has_map(), "{}: no index of safetensors files: no weight_map", path);
    return index;
}

}  // namespace adjoint::data
