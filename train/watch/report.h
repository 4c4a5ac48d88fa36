// A run on one HTML page: what was trained, how, with what result.
// The page needs no other file and no script.
//
//     train::save_report("run.html", {.title = "MNIST", .model = train::summary(model), .history = history});
#pragma once

#include <string>
#include <utility>
#include <vector>

#include <adjoint/core/tensor/tensor.h>
#include <adjoint/train/watch/history.h>

namespace adjoint::train {

/// Names with their values, in order.
using Facts = std::vector<std::pair<std::string, std::string>>;

/// What a report shows; a part that is left empty is left out.
struct Report {
    std::string title = "Training report";
    Facts results = {};      ///< the figures that count, shown large at the top
    Facts settings = {};     ///< learning rate, batch size, seed ..
    std::string model = {};  ///< text, as summary() gives it
    History history = {};
    /// How many samples of class `row` were taken for class `column`.
    /// shapes: (K, K).
    Tensor confusion = {};
    std::vector<std::string> classes = {};  ///< names of the K classes; else their numbers
    /// Samples that were classified wrongly.
    /// shapes: (N, H, W) or (N, H, W, 3).
    Tensor mistakes = {};
    std::vector<std::string> captions = {};  ///< one per mistake
    Device device = Device::cpu();           ///< what the run used
};

/// Version of the library, device, threads and instruction set, numerics:
/// what a figure depends on besides the settings.
ADJOINT_API Facts environment(Device device = Device::cpu());

/// The page.
/// errors: ShapeError for tensors of other shapes; ValueError for another number of classes or captions.
ADJOINT_API std::string to_html(const Report& report);
/// to_html(report) in a file.
/// errors: IoError.
ADJOINT_API void save_report(const std::string& path, const Report& report);

}  // namespace adjoint::train
