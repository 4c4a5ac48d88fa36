// Puts a module into training mode for a while. Private.
#pragma once

#include <adjoint/nn/module.h>

namespace adjoint::train {

class TrainingMode {
  public:
    explicit TrainingMode(const nn::Module& module) : module_(module), before_(module.is_training()) {
        module_.train();
    }
    ~TrainingMode() { module_.train(before_); }
    TrainingMode(const TrainingMode&) = delete;
    TrainingMode& operator=(const TrainingMode&) = delete;

  private:
    const nn::EvaluationMode lifted_{false};
    const nn::Module& module_;
    bool before_;
};

}  // namespace adjoint::train
