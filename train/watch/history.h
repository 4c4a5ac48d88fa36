// What a training run reports: one record per epoch.
#pragma once

#include <cmath>
#include <map>
#include <string>
#include <vector>

#include <adjoint/core/base/export.h>
#include <adjoint/train/picture/chart.h>

namespace adjoint::train {

/// Mean loss and fraction right over a data set; accuracy is NaN where targets are no class numbers.
struct Score {
    double loss = NAN;
    double accuracy = NAN;
};

/// The figures of one epoch.
struct EpochRecord {
    int epoch = 0;  ///< from 1
    Score train = {};
    Score validation = {};  ///< NaN without a validation set
    double seconds = 0;
    std::map<std::string, double> metrics = {};  ///< what callbacks measured besides
};

/// The figures of a training, epoch by epoch.
struct History {
    std::vector<EpochRecord> epochs;
    std::vector<double> batches =
        {};                ///< the loss of each batch, if record_batches() was among the callbacks
    std::string end = {};  ///< why training ended before its last epoch, "" if it did not

    bool empty() const noexcept { return epochs.empty(); }
    /// That of the last epoch, of which there has to be one.
    const EpochRecord& last() const { return epochs.back(); }
};

/// "epoch 3/10  loss 0.1234  accuracy 0.9650  validation loss 0.1300  accuracy 0.9610  0.52 s"
ADJOINT_API std::string to_string(const EpochRecord& record, int epochs);

/// One row per epoch under a header, metrics behind the rest; what was not measured is empty.
ADJOINT_API std::string to_csv(const History& history);
/// {"epochs": [{"epoch": 1, "loss": .., ..}, ..], "batches": [..], "end": ""}; what was not measured is null.
ADJOINT_API std::string to_json(const History& history);
/// Loss, and accuracy where there is one under it, of the training and the validation set over the epochs.
ADJOINT_API picture::Svg draw(const History& history, const std::string& title = "");
/// The charts of draw() one by one: the loss, then the accuracy if there is one.
ADJOINT_API std::vector<picture::Svg> charts(const History& history, const picture::ChartOptions& options);
/// Writes the history as the ending of `path` says: .csv, .json or .svg.
/// errors: ValueError for another ending; IoError.
ADJOINT_API void save(const std::string& path, const History& history);

}  // namespace adjoint::train
