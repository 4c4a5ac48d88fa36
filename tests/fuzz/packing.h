// What is around the content of a file: gzip, and the checksums inside of PNG files and zip archives.
#pragma once

#include <functional>
#include <optional>
#include <string>

namespace adjoint::fuzz {

std::string gzipped(const std::string& content);
/// The content of a gzip archive, nothing if it is none or unpacks to more than a mebibyte.
std::optional<std::string> unpacked(const std::string& bytes);

/// Makes the checksum of each chunk right.
void repair_png(std::string& bytes);
/// Makes the checksums of stored members right.
void repair_zip(std::string& bytes);

/// Changes bytes where they lie or, half of the times where they are gzip, what is packed in them; three
/// times of four the checksums are repaired. `chance` is any number.
void mutate_with(std::string& bytes, const std::function<void(std::string&)>& repair, unsigned chance,
                 const std::function<void(std::string&)>& mutate);

}  // namespace adjoint::fuzz
