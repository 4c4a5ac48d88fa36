// A cuDNN of recurrent layers alone, on the emulator.
#pragma once

#include <cstddef>

namespace adjoint::emulated {

struct FakeCudnn {
    std::size_t version = 91900;
    std::size_t gap = 0;    // bytes that it leaves between weights; without one they are neighbours
    bool takes_gru = true;  // whether it has such layers
    int plans = 0;          // descriptors of layers made so far
};
FakeCudnn& fake_cudnn();

}  // namespace adjoint::emulated
