// Parsing of the header event by event, so that nothing is built from a file that the format does not allow.
#include <adjoint/data/safetensors_header.h>

#include <algorithm>
#include <array>
#include <optional>
#include <unordered_set>

#include <nlohmann/json.hpp>

#include <adjoint/core/base/format.h>
#include <adjoint/data/excerpt.h>

namespace adjoint::data {

namespace {

using nlohmann::json;

struct TypeName {
    std::string_view name;
    DType dtype;
};

constexpr TypeName type_names[] = {
    {"F16", DType::f16}, {"BF16", DType::bf16}, {"F32", DType::f32}, {"F64", DType::f64},
    {"U8", DType::u8},   {"I32", DType::i32},   {"I64", DType::i64}, {"BOOL", DType::boolean},
};

constexpr std::string_view metadata_key = "__metadata__";

/// Follows the only structure there is,
///     {name: {dtype: "..", shape: [..], data_offsets: [..]}, .., "__metadata__": {..}}
/// Each event is right in one place and an error in every other, which also bounds the nesting to three.
class HeaderEvents {
  public:
    HeaderEvents(const std::string& path, SafeTensorsHeader& header) : path_(path), header_(header) {}

    bool start_object(std::size_t) {
        if (place_ == Place::before) return go(Place::top);
        if (place_ == Place::tensor_value) return go(Place::tensor);
        if (place_ == Place::metadata_value) return go(Place::metadata);
        unexpected("an object");
    }
    bool end_object() {
        if (place_ == Place::tensor) finish_tensor();
        return go(place_ == Place::top ? Place::after : Place::top);
    }
    bool start_array(std::size_t) {
        if (place_ == Place::shape_value) return go(Place::shape);
        if (place_ == Place::offsets_value) return go(Place::offsets);
        unexpected("a list");
    }
    bool end_array() { return go(Place::tensor); }

    bool key(std::string& text) {
        if (place_ == Place::top) return top_key(text);
        if (place_ == Place::tensor) return tensor_key(text);
        metadata_name_ = text;
        check<IoError>(!header_.metadata.contains(text), "{}: header: metadata has {} twice", path_,
                       excerpt(text));
        return go(Place::metadata_text);
    }
    bool string(std::string& text) {
        if (place_ == Place::metadata_text) {
            header_.metadata[metadata_name_] = text;
            return go(Place::metadata);
        }
        if (place_ != Place::dtype_value) unexpected("text");
        const auto* const found = std::find_if(std::begin(type_names), std::end(type_names),
                                               [&](const TypeName& type) { return type.name == text; });
        check<IoError>(found != std::end(type_names),
                       "{}: header: tensor {} has the type {}, expected one of {}", path_, shown_name_,
                       excerpt(text), "F16, BF16, F32, F64, U8, I32, I64, BOOL");
        dtype_ = found->dtype;
        return go(Place::tensor);
    }
    bool number_unsigned(json::number_unsigned_t value) {
        if (place_ != Place::shape && place_ != Place::offsets) unexpected("a number");
        auto& list = place_ == Place::shape ? shape_ : offsets_;
        const std::size_t most = place_ == Place::shape ? static_cast<std::size_t>(max_dims) : 2;
        check<IoError>(list->size() < most, "{}: header: tensor {} has more than {} {}", path_, shown_name_,
                       most, place_ == Place::shape ? "dimensions" : "data_offsets");
        list->push_back(value);
        return true;
    }
    bool number_integer(json::number_integer_t value) { unexpected(fmt::format("the number {}", value)); }
    bool number_float(json::number_float_t, const std::string& text) {
        unexpected("the number " + excerpt(text));
    }
    bool null() { unexpected("null"); }
    bool boolean(bool) { unexpected("true or false"); }
    bool binary(json::binary_t&) { unexpected("binary data"); }
    bool parse_error(std::size_t position, const std::string& token, const json::exception& error) {
        // "..: syntax error while parsing X - REASON; last read: TOKEN ..", and the token can be very long.
        const std::string_view whole = error.what();
        const std::size_t dash = whole.find(" - "), end = whole.find("; last read");
        const std::size_t start = dash == std::string_view::npos ? 0 : dash + 3;
        fail<IoError>("{}: header: no JSON at offset {}, near {}: {}", path_, header_length_bytes + position,
                      excerpt(token), excerpt(whole.substr(start, end - start)));
    }

  private:
    enum class Place : std::uint8_t {
        before,
        top,
        after,
        metadata_value,
        metadata,
        metadata_text,
        tensor_value,
        tensor,
        dtype_value,
        shape_value,
        shape,
        offsets_value,
        offsets,
    };

    bool go(Place place) {
        place_ = place;
        return true;
    }

    [[noreturn]] void unexpected(std::string_view what) const {
        switch (place_) {
            case Place::before:
                fail<IoError>("{}: header: an object was expected, found {}", path_, what);
            case Place::metadata_value:
                fail<IoError>("{}: header: metadata must be an object, found {}", path_, what);
            case Place::metadata_text:
                fail<IoError>("{}: header: metadata {} must be text, found {}", path_,
                              excerpt(metadata_name_), what);
            case Place::tensor_value:
                fail<IoError>("{}: header: tensor {} must be an object, found {}", path_, shown_name_, what);
            case Place::dtype_value:
                fail<IoError>("{}: header: dtype of tensor {} must be text, found {}", path_, shown_name_,
                              what);
            default:
                break;
        }
        const bool of_shape = place_ == Place::shape || place_ == Place::shape_value;
        fail<IoError>(
            "{}: header: {} of tensor {} must be a list of whole numbers from 0 to 2^64-1, found {}", path_,
            of_shape ? "shape" : "data_offsets", shown_name_, what);
    }

    bool top_key(const std::string& text) {
        if (!seen_.insert(text).second) fail<IoError>("{}: header: {} occurs twice", path_, excerpt(text));
        if (text == metadata_key) return go(Place::metadata_value);
        name_ = text;
        shown_name_ = excerpt(text);
        dtype_.reset();
        shape_.reset();
        offsets_.reset();
        return go(Place::tensor_value);
    }

    bool tensor_key(const std::string& text) {
        const auto once = [&](bool seen) {
            check<IoError>(!seen, "{}: header: tensor {} has {} twice", path_, shown_name_, text);
        };
        if (text == "dtype") return once(dtype_.has_value()), go(Place::dtype_value);
        if (text == "shape") {
            once(shape_.has_value());
            shape_.emplace();
            return go(Place::shape_value);
        }
        if (text != "data_offsets")
            fail<IoError>("{}: header: tensor {} has a field {}, expected dtype, shape and data_offsets",
                          path_, shown_name_, excerpt(text));
        once(offsets_.has_value());
        offsets_.emplace();
        return go(Place::offsets_value);
    }

    void finish_tensor() {
        const char* const missing = !dtype_     ? "dtype"
                                    : !shape_   ? "shape"
                                    : !offsets_ ? "data_offsets"
                                                : nullptr;
        check<IoError>(missing == nullptr, "{}: header: tensor {} has no {}", path_, shown_name_,
                       missing ? missing : "");
        check<IoError>(offsets_->size() == 2, "{}: header: tensor {} has {} data_offsets, expected 2", path_,
                       shown_name_, offsets_->size());
        const std::uint64_t begin = (*offsets_)[0], end = (*offsets_)[1];
        check<IoError>(begin <= end, "{}: header: tensor {} begins at {} after its end {}", path_,
                       shown_name_, begin, end);
        Claim claimed = claim(path_, "header: tensor " + shown_name_, *shape_, *dtype_);
        check<IoError>(claimed.bytes == end - begin,
                       "{}: header: tensor {} of {} and shape {} has {} bytes, its data_offsets span {}",
                       path_, shown_name_, name(*dtype_), to_string(claimed.shape), claimed.bytes,
                       end - begin);
        header_.entries.push_back({name_, claimed, begin, end});
    }

    const std::string& path_;
    SafeTensorsHeader& header_;
    Place place_ = Place::before;
    std::unordered_set<std::string> seen_;
    std::string name_, metadata_name_;
    std::string shown_name_;  // of every message about the tensor
    std::optional<DType> dtype_;
    std::optional<std::vector<std::uint64_t>> shape_, offsets_;
};

std::string as_json(const std::string& text) {
    try {
        return json(text).dump();
    } catch (const json::exception&) {
        fail<ValueError>("save_safetensors: {} is not UTF-8", excerpt(text));
    }
}

}  // namespace

SafeTensorsHeader parse_safetensors_header(std::string_view text, std::uint64_t data_bytes,
                                           const std::string& path) {
    check<IoError>(text.starts_with('{'),
                   "{}: not a safetensors file: the header must start with {{, found {}", path,
                   excerpt(text.substr(0, 8)));
    // The JSON parser takes a NUL for the end of its input and would not look at what follows.
    check<IoError>(text.find('\0') == std::string_view::npos, "{}: header: no JSON: a NUL at offset {}", path,
                   header_length_bytes + text.find('\0'));
    SafeTensorsHeader header;
    HeaderEvents events(path, header);
    json::sax_parse(text.begin(), text.end(), &events);

    auto& entries = header.entries;
    std::stable_sort(entries.begin(), entries.end(),
                     [](const SafeTensorsEntry& a, const SafeTensorsEntry& b) {
                         return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
                     });
    std::uint64_t reached = 0;
    for (const SafeTensorsEntry& entry : entries) {
        if (entry.begin < reached)
            fail<IoError>("{}: header: tensor {} begins at {} inside another that ends at {}", path,
                          excerpt(entry.name), entry.begin, reached);
        check<IoError>(entry.begin == reached, "{}: header: nothing describes the bytes from {} to {}", path,
                       reached, entry.begin);
        if (entry.end > data_bytes)
            fail<IoError>("{}: header: tensor {} ends at {}, the data at {}", path, excerpt(entry.name),
                          entry.end, data_bytes);
        reached = entry.end;
    }
    check<IoError>(reached == data_bytes, "{}: the tensors end at {}, the data at {}", path, reached,
                   data_bytes);
    return header;
}

std::string format_safetensors_header(const SafeTensorsHeader& header) {
    std::string text = "{";
    const auto separate = [&] {
        if (text.back() != '{') text += ',';
    };
    if (!header.metadata.empty()) {
        text += fmt::format(R"("{}":{{)", metadata_key);
        for (const auto& [key, value] : header.metadata) {
            separate();
            text += as_json(key) + ':' + as_json(value);
        }
        text += '}';
    }
    for (const SafeTensorsEntry& entry : header.entries) {
        separate();
        const auto* const type =
            std::find_if(std::begin(type_names), std::end(type_names),
                         [&](const TypeName& t) { return t.dtype == entry.claim.dtype; });
        const Shape& shape = entry.claim.shape;
        text += fmt::format(R"({}:{{"dtype":"{}","shape":[{}],"data_offsets":[{},{}]}})", as_json(entry.name),
                            type->name, fmt::join(shape.begin(), shape.end(), ","), entry.begin, entry.end);
    }
    text += '}';
    constexpr std::size_t alignment = 8;
    text.append((alignment - text.size() % alignment) % alignment, ' ');
    return text;
}

}  // namespace adjoint::data
