// Between the tensors of a file and those of the library.
#pragma once

#include <optional>

#include <adjoint/core/tensor/tensor.h>
#include <adjoint/onnx/format/model.h>

namespace adjoint::onnx {

/// "float", "int8", ...: the type as ONNX calls it.
ADJOINT_API const char* name(ElementType type) noexcept;
/// Bits of an element, 0 for strings and for numbers that are no type.
ADJOINT_API int bits_of(ElementType type) noexcept;

/// The type of the file for one of ours.
ADJOINT_API ElementType element_type(DType type) noexcept;
/// Our type for one of the file: its own, or the next wider one, i32 for i8, i16 and u16, i64 for u32, u64.
/// Nothing for strings, complex numbers and floating types of 8 bits and less.
ADJOINT_API std::optional<DType> stored_as(ElementType type) noexcept;

/// The elements as a tensor on the CPU.
/// dtypes: stored_as() the value's type.
/// errors: DTypeError if there is none; ValueError for a u64 that is no i64, and for bytes that do not fit.
ADJOINT_API Tensor to_tensor(const TensorValue& value);

/// A tensor for a file, which shares the memory of `tensor` where that is dense and on the CPU.
ADJOINT_API TensorValue tensor_value(const std::string& name, const Tensor& tensor);

/// How many bytes hold tensors of these sizes; nothing if a size is negative, or the number too large.
std::optional<std::uint64_t> bytes_for(ElementType type, std::span<const std::int64_t> dims) noexcept;

}  // namespace adjoint::onnx
