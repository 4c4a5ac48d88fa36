// The index of a model that is kept in several safetensors files.
#include <nlohmann/json.hpp>

#include <adjoint/core/base/format.h>
#include <adjoint/data/excerpt.h>
#include <adjoint/data/file.h>
#include <adjoint/data/safetensors_header.h>

namespace adjoint::data {

SafeTensorsIndex read_safetensors_index(const std::string& path) {
    using nlohmann::json;
    constexpr std::uint64_t longest = 100'000'000;
    const std::vector<std::byte> bytes = read_maybe_gzip(path, longest);
    const char* const text = reinterpret_cast<const char*>(bytes.data());
    const auto shallow = [](int depth, json::parse_event_t, json&) {
        constexpr int deepest = 16;
        check<IoError>(depth <= deepest, "safetensors: an index with more than {} levels", deepest);
        return true;
    };
    const json index = json::parse(text, text + bytes.size(), shallow, false);
    check<IoError>(index.is_object() && index.contains("weight_map") && index["weight_map"].is_object(),
                   "{}: no index of safetensors files: no weight_map", path);
    SafeTensorsIndex result;
    for (const auto& [name, file] : index["weight_map"].items()) {
        check<IoError>(file.is_string(), "{}: tensor {} has no file", path, excerpt(name));
        const std::string where = file.get<std::string>();
        check<IoError>(!where.empty() && where.find('/') == std::string::npos && where != "..",
                       "{}: tensor {} lies in {}, expected a file beside the index", path, excerpt(name),
                       excerpt(where));
        result.files[where].push_back(name);
    }
    if (index.contains("metadata") && index["metadata"].is_object())
        for (const auto& [name, value] : index["metadata"].items()) {
            if (value.is_string())
                result.metadata[name] = value.get<std::string>();
            else if (value.is_number())
                result.metadata[name] = value.dump();
        }
    return result;
}

}  // namespace adjoint::data
