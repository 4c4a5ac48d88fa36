// What a training run reports: one record per epoch.
#pragma once

#include <cmath>
#include <string>
#include <vector>

#include <adjoint/core/export.h>

namespace adjoint::train {

/// Mean loss and fraction right over a data set; accuracy is NaN where targets are no class numbers.
struct Score {
    double loss = NAN;
    double accuracy = NAN;
};

struct EpochRecord {
    int epoch = 0;  ///< from 1
    Score train;
    Score validation;  ///< NaN without a validation set
    double seconds = 0;
};

struct History {
    std::vector<EpochRecord> epochs;

    bool empty() const noexcept { return epochs.empty(); }
    const EpochRecord& last() const { return epochs.back(); }
};

/// "epoch 3/10  loss 0.1234  accuracy 0.9650  validation loss 0.1300  accuracy 0.9610  0.52 s"
ADJOINT_API std::string to_string(const EpochRecord& record, int epochs);

}  // namespace adjoint::train
