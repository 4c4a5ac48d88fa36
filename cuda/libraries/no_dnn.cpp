// dnn.h and dnn_recurrent.h in a build without cuDNN's headers.
#include <adjoint/cuda/libraries/dnn.h>
#include <adjoint/cuda/libraries/dnn_recurrent.h>
#include <adjoint/cuda/libraries/library.h>

namespace adjoint::cuda_backend {

struct Convolutions::Implementation {};

Convolutions::Convolutions() = default;
Convolutions::~Convolutions() = default;

bool Convolutions::can(DeviceState&, const Convolution&) { return false; }
bool Convolutions::forward(DeviceState&, const Convolution&, void*, const void*, const void*) {
    return false;
}
bool Convolutions::backward_data(DeviceState&, const Convolution&, void*, const void*, const void*) {
    return false;
}
bool Convolutions::backward_filter(DeviceState&, const Convolution&, void*, const void*, const void*) {
    return false;
}

struct Recurrences::Implementation {};

Recurrences::Recurrences() = default;
Recurrences::~Recurrences() = default;

std::optional<std::size_t> Recurrences::reserve(DeviceState&, const Recurrence&) { return std::nullopt; }
void Recurrences::forward(DeviceState&, const Recurrence&, const RecurrentPass&) {}
void Recurrences::backward(DeviceState&, const Recurrence&, const RecurrentPass&, const RecurrentGradients&) {
}

cuda::Component cudnn_component(bool) {
    cuda::Component component;
    component.problem =
        "this build was made without cuDNN's headers; install them (cudnn9-cuda-13) and configure again; "
        "without it convolutions are matrix products and recurrent layers go step by step";
    return component;
}

}  // namespace adjoint::cuda_backend
