// Matrix products by cuBLASLt, with what it takes to prepare one kept for the next of the same kind.
#pragma once

#include <memory>

#include <adjoint/cuda/libraries/product_key.h>
#include <adjoint/cuda/runtime/runtime.h>

namespace adjoint::cuda_backend {

struct ProductPointers {
    const void *a = nullptr, *b = nullptr, *bias = nullptr;
    void* d = nullptr;
};

/// Of one device. A repeated kind of product costs one look-up and one call of cuBLASLt.
class Products {
  public:
    explicit Products(DeviceState& device);
    ~Products();
    Products(const Products&) = delete;
    Products& operator=(const Products&) = delete;

    /// Whether cuBLASLt is there; the first call opens it, and prints one line if it is not.
    bool available();
    /// Whether there is a kernel for products of this kind, bias included.
    bool supports(const ProductKey& key, const ProductPointers& pointers);
    /// On the stream of `device`: d = a b (+ bias); with `accumulate`, for a key without bias, d += a b.
    /// errors: CudaError.
    void run(const DeviceState& device, const ProductKey& key, const ProductPointers& pointers,
             bool accumulate);

  private:
    struct Implementation;
    std::unique_ptr<Implementation> implementation_;
};

}  // namespace adjoint::cuda_backend
