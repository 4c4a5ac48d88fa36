// dnn.h in a build without cuDNN's headers.
#include <adjoint/cuda/dnn.h>
#include <adjoint/cuda/library.h>

namespace adjoint::cuda_backend {

struct Convolutions::Implementation {};

Convolutions::Convolutions() = default;
Convolutions::~Convolutions() = default;

bool Convolutions::forward(DeviceState&, const Convolution&, void*, const void*, const void*) {
    return false;
}
bool Convolutions::backward_data(DeviceState&, const Convolution&, void*, const void*, const void*) {
    return false;
}
bool Convolutions::backward_filter(DeviceState&, const Convolution&, void*, const void*, const void*) {
    return false;
}

cuda::Component cudnn_component(bool) {
    cuda::Component component;
    component.problem =
        "this build was made without cuDNN's headers; install them (cudnn9-cuda-13) and configure again; "
        "without it "
        "convolutions are matrix products";
    return component;
}

}  // namespace adjoint::cuda_backend
