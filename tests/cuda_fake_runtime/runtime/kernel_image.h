// What the compiler wrote down of each kernel beside its code.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <vector>

namespace adjoint::fake_cuda {

struct KernelInfo {
    struct Parameter {
        std::size_t number, bytes;
    };
    std::vector<Parameter> parameters;
    unsigned most_threads = 1024;  // of a block: __launch_bounds__
    unsigned registers = 0;        // of a thread
    std::size_t shared_bytes = 0;  // of static shared memory
};

/// By mangled name, of all kernels in a "fat binary" as nvcc puts it into a program; of the first card that
/// it has code for. What is compressed is left out.
std::map<std::string, KernelInfo> read_kernels(const void* fat_binary);

}  // namespace adjoint::fake_cuda
