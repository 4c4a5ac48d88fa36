// Held: a tensor that belongs to a module, a parameter or a buffer; a Tensor that nn::clone can follow.
#pragma once

#include <adjoint/core/tensor/tensor.h>

namespace adjoint::nn {

namespace detail {

/// Inside nn::clone the deep copy of `original`, elsewhere the tensor itself.
ADJOINT_API Tensor copied(const Tensor& original);

}  // namespace detail

/// What Module::parameter and Module::buffer return and a layer keeps as a member. Used as a Tensor; its
/// copies share the array as those of a Tensor do, except while nn::clone copies the module around it.
class Held : public Tensor {
  public:
    Held() = default;
    explicit Held(Tensor tensor) noexcept : Tensor(std::move(tensor)) {}
    Held(const Held& other) : Tensor(detail::copied(other)) {}
    Held(Held&&) = default;
    Held& operator=(const Held& other) {
        Tensor::operator=(detail::copied(other));
        return *this;
    }
    Held& operator=(Held&&) = default;
    ~Held() = default;
};

using Parameter = Held;
using Buffer = Held;

}  // namespace adjoint::nn
