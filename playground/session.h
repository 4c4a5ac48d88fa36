// A network in training: what the page shows of it, and what can be done to it.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include <adjoint/nn/linear.h>
#include <adjoint/nn/sequential.h>
#include <adjoint/optim/optimizer.h>
#include <adjoint/playground/settings.h>

namespace adjoint::playground {

/// Pixels along a side of a map, which shows the plane from -6 to 6.
inline constexpr std::int64_t map_side = 50;

/// Draws points and weights, and trains batch by batch. Nobody else may draw random numbers on this thread
/// between its steps, so that they are those of program().
class Session {
  public:
    explicit Session(const Settings& settings);

    /// Trains with as many batches; an epoch has train_count / batch of them, points left over sit it out.
    void step(std::int64_t batches);

    const Settings& settings() const { return settings_; }
    std::int64_t epoch() const { return epoch_; }
    /// Batches of the epoch so far, and of a whole one.
    std::int64_t batch() const { return batch_; }
    std::int64_t batches() const { return train_count(settings_) / settings_.batch; }
    /// mse_loss of all points to train on and to test with, after the last whole epoch.
    double train_loss() const { return train_loss_; }
    double test_loss() const { return test_loss_; }
    /// Of each layer the norm of its weight's gradient: its root mean square over the last epoch's batches.
    const std::vector<double>& gradient_norms() const { return gradient_norms_; }

    /// Positions and targets, (point_count, 3), those to train on first.
    const Tensor& points() const { return points_; }
    /// The layers with weights, the output's last.
    const std::vector<nn::Linear>& layers() const { return layers_; }
    /// A bias if `from` is -1.
    /// errors: IndexError for a unit that is not there.
    void set_weight(std::int64_t layer, std::int64_t to, std::int64_t from, double value);

    /// What each feature, each unit after its activation and the output say of the plane, one map after the
    /// other, its rows from the top: 128 for 0, 1 for -1 or less, 255 for 1 or more.
    void draw_maps(std::vector<std::uint8_t>& maps) const;
    /// How many maps there are.
    std::size_t map_count() const;

  private:
    Tensor output(const Tensor& features) const;
    void train_batch();
    void measure();

    Settings settings_;
    Tensor points_, train_x_, train_y_, test_x_, test_y_, map_x_;
    std::vector<nn::Linear> layers_;
    std::vector<nn::Sequential> blocks_;  // a layer with what follows it
    std::unique_ptr<optim::Optimizer> optimizer_;
    Tensor order_;  // of the epoch
    std::int64_t epoch_ = 0, batch_ = 0;
    double train_loss_ = 0, test_loss_ = 0;
    std::vector<double> gradient_norms_, gradient_squares_;
};

}  // namespace adjoint::playground
