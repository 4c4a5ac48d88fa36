// Between tensors and files: sizes that a file claims, and the bytes of a tensor. Private.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include <adjoint/core/tensor/tensor.h>
#include <adjoint/data/file.h>

namespace adjoint::data {

/// What a file says about an array, checked: at most eight dimensions, and no overflow in the product of the
/// sizes even where a zero among them makes the array empty.
struct Claim {
    Shape shape;
    DType dtype = DType::f32;
    std::uint64_t bytes = 0;
};

/// errors: IoError "path: what ...".
Claim claim(const std::string& path, std::string_view what, std::span<const std::uint64_t> sizes,
            DType dtype);

/// Reads the next bytes of the stream into a new tensor; memory is taken only if the file can hold them.
/// errors: IoError, also for a bool that is neither 0 nor 1.
Tensor read_tensor(InputStream& stream, const Claim& wanted, std::string_view what);

/// A type of integers that is none of ours, and is read as one that holds its numbers.
struct ForeignInteger {
    unsigned bytes = 0;  ///< 0 for what is no such type: the elements are those of ours
    bool is_signed = true;
};
/// As read_tensor, which it calls for types of ours; of `wanted` the type is the one to read into.
/// errors: IoError, also for a number that has no place in it (of 64 bits without sign).
Tensor read_tensor(InputStream& stream, const Claim& wanted, ForeignInteger stored, std::string_view what);

/// The elements as they lie in memory. The messages lead with `op` and name the tensor by `what`.
/// errors: ValueError unless dense; DeviceError off the CPU.
std::span<const std::byte> bytes_of(const Tensor& tensor, std::string_view op, std::string_view what);
/// Those of a tensor that nobody else has seen yet.
std::span<std::byte> fresh_bytes(const Tensor& tensor);

}  // namespace adjoint::data
