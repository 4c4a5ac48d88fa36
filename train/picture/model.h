// A model as a picture.
#pragma once

#include <string>
#include <vector>

#include <adjoint/autograd/record/grad_mode.h>
#include <adjoint/nn/call_trace.h>
#include <adjoint/nn/module.h>
#include <adjoint/train/picture/svg.h>

namespace adjoint::picture {

/// A box for each line of a module's print-out, nested as they are, with the shapes of its parameters.
/// Arrows are drawn where it is known what flows where: from layer to layer of a Sequential. With
/// `calls`, of the module that stands at `path`, boxes stand in the order in which they ran, with the
/// shapes of what they gave, and arrows lead to each from the one above it if its result goes there
/// without passing another layer.
ADJOINT_API Svg draw_model(const std::string& printed, const nn::NamedTensors& parameters,
                           const std::vector<nn::LayerCall>& calls = {}, const std::string& path = {});
template <nn::IsModule M> Svg draw_model(const M& model) {
    return draw_model(nn::to_string(model), model.named_parameters());
}
/// The model as it runs on `input`, in evaluation mode.
template <nn::IsModule M> Svg draw_model(const M& model, const Tensor& input) {
    const nn::EvaluationMode mode;
    const GradMode recording(true);
    const nn::CallTrace trace(true);
    const Tensor x = input.detach();
    if (is_floating(x.dtype())) x.set_requires_grad();
    const Tensor output = model(x);
    return draw_model(nn::to_string(model), model.named_parameters(), trace.calls(), model.path());
}

}  // namespace adjoint::picture
