// The safetensors format: named tensors in one file behind a JSON header.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include <adjoint/core/tensor/tensor.h>

namespace adjoint::data {

/// Tensors by name, in order.
using NamedTensors = std::vector<std::pair<std::string, Tensor>>;

/// What a file holds.
struct ADJOINT_API SafeTensors {
    NamedTensors tensors;  ///< as they follow one another in the file
    std::map<std::string, std::string> metadata;

    /// errors: IndexError if there is no tensor of this name.
    const Tensor& operator[](const std::string& name) const;
};

/// Reads a safetensors file into tensors on the CPU; for "model.safetensors.index.json" the tensors that it
/// names, from the files beside it.
/// dtypes: all of ours; the format's other types are an error.
/// errors: IoError for a malformed header, for one that does not describe exactly the bytes that follow, and
/// for an index that names files outside of its folder or a tensor that its file lacks; if memory runs out,
/// OutOfMemoryError with the path.
/// source: the format's specification, huggingface.co/docs/safetensors.
ADJOINT_API SafeTensors load_safetensors(const std::string& path);

/// Writes dense CPU tensors for any reader of the format; the old file stays on any error.
/// order: wide elements first, so that all are aligned in the file, otherwise as given.
/// errors: ValueError for a tensor that is not dense, a name twice or not UTF-8; DeviceError; IoError.
ADJOINT_API void save_safetensors(const std::string& path, const NamedTensors& tensors,
                                  const std::map<std::string, std::string>& metadata = {});

}  // namespace adjoint::data
