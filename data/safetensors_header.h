// The JSON header of a safetensors file, apart from the tensors it describes. Private.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <adjoint/data/tensor_bytes.h>

namespace adjoint::data {

/// One array in the file: its bytes are [begin, end) of what follows the header.
struct SafeTensorsEntry {
    std::string name;
    Claim claim;
    std::uint64_t begin = 0, end = 0;
};

/// What precedes the header in the file: its length.
inline constexpr std::uint64_t header_length_bytes = 8;

struct SafeTensorsHeader {
    std::vector<SafeTensorsEntry> entries;
    std::map<std::string, std::string> metadata;
};

/// Parses and checks: the entries come sorted by position and cover [0, data_bytes) without hole or overlap.
/// errors: IoError naming the path and the tensor.
SafeTensorsHeader parse_safetensors_header(std::string_view text, std::uint64_t data_bytes,
                                           const std::string& path);

/// The header as text, padded with spaces to a multiple of 8.
/// errors: ValueError for text that is not UTF-8.
std::string format_safetensors_header(const SafeTensorsHeader& header);

/// What an index of several files says: the tensors of each file.
struct SafeTensorsIndex {
    std::map<std::string, std::vector<std::string>> files;
    std::map<std::string, std::string> metadata;  ///< those of its entries that are text or numbers
};
/// errors: IoError for what is no such index, and for a file that is not named alone.
SafeTensorsIndex read_safetensors_index(const std::string& path);

}  // namespace adjoint::data
