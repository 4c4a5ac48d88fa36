// The files beside a model in which it keeps tensors. Private.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <adjoint/onnx/format/model.h>

namespace adjoint::onnx {

using Content = std::shared_ptr<const std::vector<std::byte>>;

/// Reads each file once. Only what lies in `folder` or below it is read, links followed.
class ExternalFiles {
  public:
    /// No folder: the model is not from a file, and has no others.
    explicit ExternalFiles(std::optional<std::string> folder) : folder_(std::move(folder)) {}

    /// The bytes that the keys location, offset and length name.
    /// errors: IoError for a place outside the folder or the file, and for numbers that are none.
    Bytes read(const std::map<std::string, std::string>& where);

  private:
    std::string inside_folder(const std::string& location) const;

    std::optional<std::string> folder_;
    std::map<std::string, Content> files_;  // by path
    std::uint64_t read_ = 0, taken_ = 0;    // bytes of files, and of tensors
};

}  // namespace adjoint::onnx
