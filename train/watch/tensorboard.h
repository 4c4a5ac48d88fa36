// Event files that TensorBoard shows: scalars, histograms, images and text over the steps of a run.
//
//     train::SummaryWriter log("runs/first");
//     log.add_scalar("loss/train", loss.item(), step);
//     train::fit(model, loss, optimizer, set, {.callbacks = {train::tensorboard("runs/second")}});
//     // then: tensorboard --logdir runs
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <adjoint/train/callback.h>

namespace adjoint::train {

/// Appends to one event file, events.out.tfevents.TIME.HOST.PROCESS.N, in a folder that belongs to the run.
/// Each call is one record, handed to the system whole: what a killed process has logged can be read. A
/// record that cannot be written (a full disk) is taken back, and the file stays readable.
/// errors, of all functions that add: ValueError for an empty tag; IoError naming the file.
/// source: TensorFlow's event.proto, summary.proto and tfrecord format.
class ADJOINT_API SummaryWriter {
  public:
    /// Makes the folder if need be.
    /// errors: IoError.
    explicit SummaryWriter(const std::string& folder);
    ~SummaryWriter();
    SummaryWriter(SummaryWriter&&) noexcept;
    SummaryWriter& operator=(SummaryWriter&&) noexcept;

    /// A point of the curve `tag`; curves whose tags share what stands before the last '/' share a section.
    void add_scalar(const std::string& tag, double value, std::int64_t step);
    /// How the elements are spread, in `bins` equal parts of their range; those not finite are left out.
    /// errors: ValueError unless bins is positive.
    void add_histogram(const std::string& tag, const Tensor& values, std::int64_t step, int bins = 30);
    /// shapes, dtypes: as picture::png: (H, W) or (H, W, 3); integers are 0 .. 255, floats are stretched.
    void add_image(const std::string& tag, const Tensor& image, std::int64_t step);
    /// Markdown.
    void add_text(const std::string& tag, const std::string& text, std::int64_t step = 0);
    /// Settings of the run as a table in the text section, under the tag "settings".
    void add_settings(const std::vector<std::pair<std::string, std::string>>& settings);

    /// The file that is written.
    const std::string& path() const noexcept;

  private:
    struct State;
    std::unique_ptr<State> state_;
};

struct TensorBoardOptions {
    bool histograms = false;  ///< of every parameter, after every epoch
};
/// Logs each epoch of a training into one file in `folder`: loss, accuracy, learning rate and the
/// metrics of the record.
/// errors: IoError when the training begins, or when the file cannot be written.
ADJOINT_API Callback tensorboard(const std::string& folder, const TensorBoardOptions& options = {});

}  // namespace adjoint::train
