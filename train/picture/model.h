// A model as a picture.
#pragma once

#include <string>

#include <adjoint/nn/module.h>
#include <adjoint/train/picture/svg.h>

namespace adjoint::picture {

/// A box for each line of a module's print-out, nested as they are, with the shapes of its parameters.
ADJOINT_API Svg draw_model(const std::string& printed, const nn::NamedTensors& parameters);
template <nn::IsModule M> Svg draw_model(const M& model) {
    return draw_model(nn::to_string(model), model.named_parameters());
}

}  // namespace adjoint::picture
