// What a file that is no ONNX model seems to be. Private.
#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace adjoint::onnx {

/// "a zip archive, as .pth and .npz files are", by its first bytes; "" if nothing is known.
std::string seems_to_be(std::span<const std::byte> bytes);

}  // namespace adjoint::onnx
