// Normalisation of each sample by its own statistics: layers, groups of channels, channels.
#pragma once

#include <optional>

#include <adjoint/autograd/record/function.h>

namespace adjoint {

/// (x - mean) / sqrt(var + eps) weight + bias over the trailing dimensions `normalized_shape`,
/// with the biased variance.
/// shapes: weight and bias `normalized_shape` or undefined.
/// errors: ShapeError for a misfit.
/// source: Ba, Kiros and Hinton, Layer normalization, 2016.
ADJOINT_API Tensor layer_norm(const Tensor& x, const Shape& normalized_shape, const Tensor& weight = {},
                              const Tensor& bias = {}, double eps = 1e-5);

/// x / sqrt(mean of x^2 + eps) weight over the trailing dimensions `normalized_shape`; eps is that of the
/// type computed in (2^-23, of f64 2^-52) unless it is given.
/// shapes: weight `normalized_shape` or undefined.
/// errors: ShapeError for a misfit.
/// source: Zhang and Sennrich, Root mean square layer normalization, NeurIPS 2019.
ADJOINT_API Tensor rms_norm(const Tensor& x, const Shape& normalized_shape, const Tensor& weight = {},
                            std::optional<double> eps = {});

/// layer_norm over each of `num_groups` groups of channels of each sample; weight and bias per channel.
/// shapes: x (N, C, ...), weight and bias (C) or undefined.
/// errors: ValueError unless the groups divide C.
/// source: Wu and He, Group normalization, ECCV 2018.
ADJOINT_API Tensor group_norm(const Tensor& x, std::int64_t num_groups, const Tensor& weight = {},
                              const Tensor& bias = {}, double eps = 1e-5);

struct InstanceNormOptions {
    bool use_input_stats = true;
    double momentum = 0.1;
    double eps = 1e-5;
};
/// The same over each channel of each sample; running statistics, if given, move towards the samples' mean,
/// and normalise where use_input_stats is false.
/// shapes: x (N, C, L, ...), the others (C) or undefined.
/// errors: ValueError for a single value per channel.
/// source: Ulyanov et al., Instance normalization, 2016.
ADJOINT_API Tensor instance_norm(const Tensor& x, const Tensor& running_mean = {},
                                 const Tensor& running_var = {}, const Tensor& weight = {},
                                 const Tensor& bias = {}, const InstanceNormOptions& options = {});

}  // namespace adjoint
