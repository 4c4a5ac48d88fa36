// Gradient clipping.
#include <adjoint/optim/clip.h>

#include <cmath>
#include <vector>

#include <adjoint/autograd/ops/arithmetic.h>
#include <adjoint/autograd/ops/elementwise.h>
#include <adjoint/autograd/ops/rearrange.h>
#include <adjoint/autograd/ops/reduce.h>
#include <adjoint/autograd/record/grad_mode.h>
#include <adjoint/core/base/format.h>
#include <adjoint/core/contract/backend.h>
#include <adjoint/core/tensor/creation.h>
#include <adjoint/optim/partition.h>

namespace adjoint::optim {
namespace {

std::vector<Tensor> gradients(std::span<const Tensor> parameters) {
    std::vector<Tensor> result;
    for (const Tensor& parameter : parameters)
        if (parameter.grad().defined()) result.push_back(parameter.grad());
    return result;
}

// By one call of the device, where all lie there, dense and of one type; undefined elsewhere.
Tensor clipped_at_once(const std::vector<Tensor>& grads, double max_norm) {
    const Tensor& first = grads[0];
    const DType type = first.dtype();
    if (type != DType::f32 && type != DType::f64) return {};
    std::vector<TensorSlice> slices;
    for (const Tensor& grad : grads) {
        if (grad.dtype() != type || grad.device() != first.device() || !grad.is_contiguous()) return {};
        slices.push_back({grad.impl().data, grad.numel()});
    }
    const Tensor total = empty({}, {.dtype = type, .device = first.device()});
    backend(first.device())
        .run(call::ClipNorm{.norm = total.impl().data, .tensors = slices, .dtype = type, .most = max_norm});
    for (const Tensor& grad : grads) grad.impl().storage->bump();
    return total;
}

}  // namespace

Tensor clip_grad_norm_(std::span<const Tensor> parameters, double max_norm, const ClipOptions& options) {
    check<ValueError>(max_norm >= 0, "clip_grad_norm_: the largest norm is {}", max_norm);
    check_whole(WholeUse::clip, "clip_grad_norm_", parameters);
    const NoGrad guard;
    const std::vector<Tensor> grads = gradients(parameters);
    if (grads.empty()) return zeros({});
    // The norm has to be looked at before anything is scaled.
    if (options.norm_type == 2 && !options.error_if_nonfinite)
        if (const Tensor total = clipped_at_once(grads, max_norm); total.defined()) return total;
    std::vector<Tensor> norms;
    norms.reserve(grads.size());
    for (const Tensor& grad : grads) norms.push_back(norm(grad, options.norm_type).to(grads[0].device()));
    Tensor total = norm(stack(norms), options.norm_type);
    check<ValueError>(!options.error_if_nonfinite || std::isfinite(total.item<double>()),
                      "clip_grad_norm_: the norm of the gradients is not finite");
    const Tensor factor = clamp(max_norm / (total + 1e-6), 0, 1);
    for (const Tensor& grad : grads) grad *= factor.to(grad.device());
    return total;
}

void clip_grad_value_(std::span<const Tensor> parameters, double value) {
    check<ValueError>(value >= 0, "clip_grad_value_: the bound is {}", value);
    const NoGrad guard;
    for (const Tensor& grad : gradients(parameters)) grad.copy_(clamp(grad, -value, value));
}

}  // namespace adjoint::optim
