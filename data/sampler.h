// Samplers: which samples an epoch sees, and in which order, where that is not each of them once.
//
//     data::Loader loader(set, {.sampler = data::balanced_sampler(set.targets)});
//
// The order is a function of seed and epoch alone, so that a resumed run goes on with the same samples.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include <adjoint/core/tensor/tensor.h>

namespace adjoint::data {

/// One of your own is such a function.
struct Sampler {
    /// The numbers of an epoch's samples, of a set that has `samples`.
    std::function<std::vector<std::int64_t>(std::int64_t samples, std::uint64_t seed, std::uint64_t epoch)>
        order = {};
    std::int64_t count = 0;  ///< how many they are in each epoch; 0: as many as the set has
};

struct WeightedSamplerOptions {
    std::int64_t count = 0;   ///< samples of an epoch; 0: as many as there are weights
    bool replacement = true;  ///< false: no sample twice in an epoch
};
/// Each sample with the probability that its weight has among all weights (or, without replacement, among
/// those that are left).
/// errors: ValueError for a weight that is negative or not finite, or if too few are positive.
/// source: without replacement Efraimidis and Spirakis, Weighted random sampling with a reservoir, 2006.
ADJOINT_API Sampler weighted_sampler(std::span<const double> weights,
                                     const WeightedSamplerOptions& options = {});

struct SubsetSamplerOptions {
    bool shuffle = true;  ///< false: in the order given
};
/// Each of the given samples once, also where the list names one several times.
/// errors: ValueError for an empty list; IndexError, in the loader, for a sample that is not there.
ADJOINT_API Sampler subset_sampler(std::vector<std::int64_t> samples,
                                   const SubsetSamplerOptions& options = {});

/// The same number of samples of each class in every epoch, up to one: those of a rare class come several
/// times, all of them equally often up to one.
/// shapes: classes (n), the class number of each sample.
/// errors: ShapeError; DTypeError unless integers; ValueError for a negative count.
ADJOINT_API Sampler balanced_sampler(const Tensor& classes, std::int64_t count = 0);

/// For the losses' option `weight`: n / (classes * samples of the class), which makes all classes count alike
/// and leaves the mean weight of a sample at 1; 0 for a class without samples.
/// shapes: labels (n) gives (classes), f32.
/// errors: ShapeError, DTypeError; IndexError for a label outside [0, classes).
ADJOINT_API Tensor class_weights(const Tensor& labels, std::int64_t classes);

}  // namespace adjoint::data
