// Tensors as text, the way NumPy prints them.
#pragma once

#include <iosfwd>
#include <string>

#include <adjoint/core/tensor/tensor.h>

namespace adjoint {

struct PrintOptions {
    int precision = 4;              ///< digits after the point
    std::int64_t threshold = 1000;  ///< tensors with more elements are abbreviated
    std::int64_t edge_items = 3;    ///< elements shown at each end then
};

/// Nested brackets with aligned columns, then the type and, where not the CPU, the device.
ADJOINT_API std::string to_string(const Tensor& x, const PrintOptions& options = {});
ADJOINT_API std::ostream& operator<<(std::ostream& out, const Tensor& x);

}  // namespace adjoint
