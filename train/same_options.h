// Options and optimizer of a training on several ranks, which each rank is given by itself. Private.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include <adjoint/train/fit.h>

namespace adjoint::train {

/// Rates and momenta of all groups in a few characters, of which the first rate can be read.
std::string rates_in_short(const optim::Optimizer& optimizer);

/// `trained` of the samples are not held out for validation: the sampler draws from these.
/// errors: DistributedError that names the first thing that is not the same on all ranks.
void check_same_options(const distributed::Group& group, const std::map<std::string, std::string>& settings,
                        const FitOptions& options, const nn::Module& model, const optim::Optimizer& optimizer,
                        const data::Samples& samples, std::int64_t trained);
/// errors: the same for its states. Where these are shared out a rank may have those of its parameters alone,
/// or, as all others, those of every parameter.
void check_same_states(const distributed::DataParallel& parallel, const optim::Optimizer& optimizer);
/// errors: the same for steps and weights; `rule` is what the ranks ought to have done.
void check_same_weights(const distributed::Group& group, const nn::Module& model, std::int64_t step,
                        const char* rule);
/// errors: ValueError for a parameter that the model does not have: nobody would sum its gradients.
void check_is_of_model(const optim::Optimizer& optimizer, const nn::Module& model);

}  // namespace adjoint::train
