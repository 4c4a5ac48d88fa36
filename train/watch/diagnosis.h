// What a history says in words: which known troubles it shows, and what helps against them.
//
//     for (const train::Finding& finding : train::diagnose(history)) std::puts(to_string(finding).c_str());
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <adjoint/nn/sequential.h>
#include <adjoint/train/watch/history.h>

namespace adjoint::train {

/// What can be wrong with a training.
enum class Trouble {
    diverged,            ///< the loss is not finite, or above twice its first value
    stalled,             ///< the training loss has not fallen since the first epochs
    under_fitting,       ///< the training loss has settled high, or was still falling when training ended
    over_fitting,        ///< the validation loss rises while the training loss falls
    dead_units,          ///< units of a ReLU that give 0 for every sample
    bad_initialisation,  ///< first weights with which a layer's units are alike, dead, or lose the signal
};
/// "over-fitting", ...
ADJOINT_API const char* name(Trouble trouble) noexcept;

/// One trouble, in words.
struct Finding {
    Trouble trouble;
    std::string explanation;  ///< what was seen, with the figures
    std::string advice;       ///< what to try
};
/// "over-fitting: EXPLANATION. ADVICE."
ADJOINT_API std::string to_string(const Finding& finding);

/// What the losses over the epochs show; nothing for a healthy run and for fewer than 3 epochs, unless the
/// loss is not finite. The rules, with L the training and V the validation loss, over n epochs:
///   diverged       L or V not finite in some epoch, or L_n > 2 L_1
///   stalled        min L > 0.99 L_1: less than 1 % was gained
///   over-fitting   V_n > 1.1 min V, reached before the last epoch, while L_n < L at that epoch
///   under-fitting  the last tenth of at least 5 epochs brought more than 5 % of the whole fall of L: ended
///                  too early; or L has settled above 0.5 L_1, with an accuracy below 0.9 if there is one:
///                  too small a model or rate
/// A run has at most one of these troubles, the first in this list.
ADJOINT_API std::vector<Finding> diagnose(const History& history);

/// One finding for each ReLU among the layers of `model` that has dead units on `inputs` (in evaluation mode
/// and without graph): a layer that gives 0 for all samples in more than `tolerated` of its units.
/// errors: ValueError for tolerated outside [0, 1); ShapeError for no samples.
ADJOINT_API std::vector<Finding> find_dead_units(const nn::Sequential& model, const Tensor& inputs,
                                                 double tolerated = 0.1);

/// What is wrong with a model before its training, in the first layer where it shows on `inputs` (at least
/// two samples, in evaluation mode and without graph); nothing if all is well. The rules, for the
/// activations behind a layer:
///   alike    all units give the same for every sample, so they would learn the same (zero weights)
///   dead     more than half of a ReLU's units give 0 for every sample
///   fading   their deviation over the samples is below 1/1000 of that of the inputs
///   growing  it is above 1000 times that
/// errors: ShapeError for fewer than two samples.
ADJOINT_API std::vector<Finding> find_bad_initialisation(const nn::Sequential& model, const Tensor& inputs);

}  // namespace adjoint::train
