// What .npy files and the members of .npz archives have in common. Private.
#pragma once

#include <string>
#include <string_view>

#include <adjoint/core/tensor/tensor.h>
#include <adjoint/data/file.h>

namespace adjoint::data {

/// The array whose .npy file `stream` is, up to its end.
Tensor read_npy(InputStream& stream);
/// What stands in front of the elements in the .npy file of `tensor`. The messages lead with `op`.
std::string npy_header(const Tensor& tensor, std::string_view op);

}  // namespace adjoint::data
