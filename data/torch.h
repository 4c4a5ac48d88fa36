// PyTorch's own files: state dictionaries and checkpoints as torch.save writes them.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <adjoint/data/safetensors.h>

namespace adjoint::data {

struct TorchOptions {
    /// The dictionary to read, by its keys from outside in: {"state_dict"} of a checkpoint; by default all
    /// that there is.
    std::vector<std::string> key = {};
    /// More than so many bytes unpacked is an error.
    std::uint64_t unpacked_limit = std::uint64_t{16} << 30;
};

/// What a file holds.
struct ADJOINT_API TorchFile {
    /// In the order of the file; in dictionaries within, the keys joined by dots: "optimizer.state.0.step".
    NamedTensors tensors;
    /// Numbers, truth values and words beside the tensors, as text.
    std::map<std::string, std::string> values;

    /// errors: IndexError if there is no tensor of this name.
    const Tensor& operator[](const std::string& name) const;
};

/// Reads a file of torch.save (PyTorch 1.6 and later) into tensors on the CPU. Nothing of it is executed: of
/// the names that the pickle inside may call, only those that make tensors are known. Tensors that share
/// memory in the file share it here.
/// dtypes: ours; i8 and i16 become i32.
/// errors: IoError naming the instruction, module or member for what is no such file, for whole modules and
/// other objects, for anything cut off; IndexError for a key that is not there.
/// source: torch/serialization.py and torch/_utils.py in github.com/pytorch/pytorch.
ADJOINT_API TorchFile load_torch(const std::string& path, const TorchOptions& options = {});

/// Writes dense CPU tensors as a state dictionary that torch.load(path, weights_only=True) reads; the old
/// file stays on any error. Tensors on the same memory share it in the file.
/// errors: ValueError for a tensor that is not dense, for a name that is there twice and for 4 GiB or more;
/// DeviceError off the CPU; IoError.
ADJOINT_API void save_torch(const std::string& path, const NamedTensors& tensors);

}  // namespace adjoint::data
