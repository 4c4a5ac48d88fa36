// A table of what a model is made of, and of the memory that training it takes.
#pragma once

#include <string>

#include <adjoint/distributed/parallel/data_parallel.h>
#include <adjoint/nn/sequential.h>

namespace adjoint::train {

/// Name, shape and number of elements of every parameter and buffer, and the totals with their memory.
/// Parameters that require no gradient are frozen and counted apart.
ADJOINT_API std::string summary(const nn::Module& module);

struct SummaryOptions {
    int optimizer_states = 2;  ///< tensors the optimizer keeps for each parameter: SGD 0, momentum 1, Adam 2
    DType dtype = default_dtype();  ///< of the input
    int ranks = 1;                  ///< the forecast is of that one of so many which has most
    distributed::Shard shard = distributed::Shard::none;  ///< what these share out
};
/// Runs `model` once on zeros of `input_shape` (the batch included) and prints its layers in the order in
/// which they ran, parts of modules under them: the output's shape of the first call, the parameters of its
/// own and their memory. Then follows a forecast of the memory of a training step: parameters and buffers,
/// gradients, optimizer state, and what this forward pass left for the backward pass, measured. The model,
/// its mode and the generator are as before.
/// errors: whatever the model says of such an input; ValueError for less than one rank.
///
///     train::summary(model, {64, 784})
ADJOINT_API std::string summary(const nn::Layer& model, const Shape& input_shape,
                                const SummaryOptions& options = {});

}  // namespace adjoint::train
