// Puts a module into training or evaluation mode for a while. Private.
#pragma once

#include <adjoint/nn/module.h>

namespace adjoint::train {

class Mode {
  public:
    Mode(const nn::Module& module, bool training) : module_(module), before_(module.is_training()) {
        module_.train(training);
    }
    ~Mode() { module_.train(before_); }
    Mode(const Mode&) = delete;
    Mode& operator=(const Mode&) = delete;

  private:
    const nn::Module& module_;
    bool before_;
};

}  // namespace adjoint::train
