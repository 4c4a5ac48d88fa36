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
///
/// Of each kind the algorithms that cuBLASLt proposes are kept, the best first. One that it then refuses is
/// dropped for good and the next one tried. What may pass (no memory, a failed call) is not remembered.
class Products {
  public:
    Products();
    ~Products();
    Products(const Products&) = delete;
    Products& operator=(const Products&) = delete;

    /// Whether cuBLASLt is there; the first call opens it, and prints one line if it is not.
    bool available();
    /// Whether there may be a kernel for products of this kind, bias included. In a graph that is being made
    /// cuBLASLt is not asked: there are the kinds of the run that was recorded.
    bool ready(DeviceState& device, const ProductKey& key, const ProductPointers& pointers);
    /// On the stream of `device`: d = a b (+ bias); with `accumulate`, for a key without bias, d += a b.
    /// False where cuBLASLt did not do it.
    bool run(DeviceState& device, const ProductKey& key, const ProductPointers& pointers, bool accumulate);
    /// Says, the first time, that a product was not done and why.
    void tell(const DeviceState& device, const ProductKey& key);

  private:
    struct Implementation;
    std::unique_ptr<Implementation> implementation_;
};

}  // namespace adjoint::cuda_backend
