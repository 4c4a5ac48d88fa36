// Exercise 13, lecture L4.4: when to stop. After each epoch the loss on held out data is known; when it has
// not fallen below its best for `patience` epochs, the training ends, and the best epoch's weights are kept.
//
// Epochs count from 0.
#include "../exercise.h"

namespace {

class Stopper {
  public:
    explicit Stopper(int patience) : patience_(patience) {}

    // Whether the epoch of this loss was the last.
    bool ends(double loss) {
        ++epoch_;
        if (best_epoch_ < 0 || loss < best_) {
            best_ = loss;
            best_epoch_ = epoch_;
        }
        return epoch_ - best_epoch_ >= patience_;
    }
    int epoch() const { return epoch_; }
    int best_epoch() const { return best_epoch_; }

  private:
    int patience_, epoch_ = -1, best_epoch_ = -1;
    double best_ = 0;
};

}  // namespace

// The last epoch, and the best.
std::pair<int, int> stop_at(const std::vector<double>& losses, int patience) {
    Stopper stopper(patience);
    for (const double loss : losses)
        if (stopper.ends(loss)) break;
    return {stopper.epoch(), stopper.best_epoch()};
}
