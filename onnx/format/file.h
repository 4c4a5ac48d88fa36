// Reading and writing ONNX files.
#pragma once

#include <adjoint/core/base/export.h>
#include <adjoint/onnx/format/model.h>

namespace adjoint::onnx {

/// The model in a file, with the tensors that it keeps in other files. Those have to lie in its folder or
/// below it, links followed.
/// dtypes: all of the format.
/// errors: IoError naming the file and, where the fault lies in one, the node, tensor or function.
/// source: onnx.proto, and docs/ExternalData.md in github.com/onnx/onnx.
ADJOINT_API Model read(const std::string& path);

/// The model in bytes that were read before, which messages call `name`.
/// errors: as above; IoError too for tensors in other files.
ADJOINT_API Model read(std::span<const std::byte> bytes, const std::string& name);

struct WriteOptions {
    /// Tensors of `external_from` bytes and more go to a second file, whose name is the model's and ".data".
    /// It is so in any case where the model would have 2 GiB or more, which the format does not allow.
    bool external_data = false;
    std::uint64_t external_from = 1024;
};

/// Writes a model. An old file stays on any error; of two files the one with the tensors is replaced first.
/// errors: ValueError for a tensor whose bytes are not those of its sizes; IoError.
ADJOINT_API void write(const Model& model, const std::string& path, const WriteOptions& options = {});

/// The bytes of such a file, with all tensors inside.
/// errors: ValueError, also for 2 GiB or more.
ADJOINT_API std::string to_bytes(const Model& model);

}  // namespace adjoint::onnx
