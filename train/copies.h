// Copies of states, to put back what a try has changed. Private.
#pragma once

#include <adjoint/autograd/record/grad_mode.h>
#include <adjoint/data/safetensors.h>

namespace adjoint::train {

/// With memory of its own, without graph.
inline data::NamedTensors copied(data::NamedTensors state) {
    const NoGrad guard;
    for (auto& [name, tensor] : state) tensor = tensor.detach().clone();
    return state;
}

}  // namespace adjoint::train
