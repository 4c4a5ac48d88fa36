// Hooks: functions of one's own that run with a layer's passes.
//
//     nn::HookHandle handle = net.at<nn::Linear>(0).register_forward_hook(
//         [](const nn::Module& layer, const Tensor& x, const Tensor& y) {
//             std::cout << layer.path() << ": " << to_string(y.shape()) << "\n";
//             return Tensor();  // undefined: y stays
//         });
//     ...
//     handle.remove();
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include <adjoint/core/tensor/tensor.h>

namespace adjoint::nn {

class Module;
struct ModuleState;

/// Before the layer computes, with its input, the first if there are several.
using ForwardPreHook = std::function<void(const Module& layer, const Tensor& input)>;
/// After it, with its result, the first if there are several; what it gives takes the result's place, unless
/// it is undefined.
using ForwardHook = std::function<Tensor(const Module& layer, const Tensor& input, const Tensor& output)>;
/// In the backward pass, with the gradient of that result; what it gives takes the gradient's place, unless
/// it is undefined. The gradient of the input is that of the layer before.
using BackwardHook = std::function<Tensor(const Module& layer, const Tensor& grad_output)>;

/// Takes a hook away; dropped, the hook stays. May outlive the module.
class ADJOINT_API HookHandle {
  public:
    HookHandle() = default;
    HookHandle(std::weak_ptr<ModuleState> of, std::int64_t id) : of_(std::move(of)), id_(id) {}
    /// A second call does nothing.
    void remove();

  private:
    std::weak_ptr<ModuleState> of_;
    std::int64_t id_ = 0;
};

}  // namespace adjoint::nn
