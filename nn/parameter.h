// Parameter and Buffer: the tensors of a module, which nn::clone can follow.
#pragma once

#include <adjoint/core/tensor/tensor.h>

namespace adjoint::nn {

namespace detail {

/// Inside nn::clone the deep copy of `original`, elsewhere the tensor itself.
ADJOINT_API Tensor copied(const Tensor& original);

}  // namespace detail

/// What Module::parameter and Module::buffer return and a layer keeps as a member. Used as a Tensor; its
/// copies share the array as those of a Tensor do, except while nn::clone copies the module around it.
class ModuleTensor : public Tensor {
  public:
    ModuleTensor() = default;
    explicit ModuleTensor(Tensor tensor) noexcept : Tensor(std::move(tensor)) {}
    ModuleTensor(const ModuleTensor& other) : Tensor(detail::copied(other)) {}
    ModuleTensor(ModuleTensor&&) = default;
    ModuleTensor& operator=(const ModuleTensor& other) {
        Tensor::operator=(detail::copied(other));
        return *this;
    }
    ModuleTensor& operator=(ModuleTensor&&) = default;
    ~ModuleTensor() = default;
};

/// What an optimizer moves, and what else belongs to the state of a module.
using Parameter = ModuleTensor;
using Buffer = ModuleTensor;

}  // namespace adjoint::nn
