// What there is of one device from its first use to the end of the program.
#pragma once

#include <memory>
#include <mutex>

#include <adjoint/cuda/cuda_backend.h>
#include <adjoint/cuda/runtime/allocator.h>
#include <adjoint/cuda/runtime/runtime.h>
#include <adjoint/cuda/runtime/staging.h>

namespace adjoint::cuda_backend {

class Deliveries;    // deliveries.h
class Products;      // cublaslt.h
class Convolutions;  // dnn.h
class Recurrences;   // dnn_recurrent.h

/// Never destroyed: tensors with static storage duration outlive every destructor,
/// and the driver may be gone before.
struct Context : DeviceState {
    explicit Context(int device_index);
    ~Context();

    Stream capture_stream = nullptr;  // takes down what becomes a graph, one at a time; made by the first
    std::mutex capture_mutex;
    std::unique_ptr<SegmentSource> source;
    std::unique_ptr<Memory> memory;
    std::unique_ptr<Staging> staging;
    std::unique_ptr<Deliveries> deliveries;  // null where the allocator has no pools
    std::unique_ptr<Products> products;
    std::unique_ptr<Convolutions> convolutions;
    std::unique_ptr<Recurrences> recurrences;
    CudaBackend backend{*this};
};

inline Context& context(const DeviceState& device) noexcept { return *device.context; }

/// The context of device `index`, made by the first call.
/// errors: DeviceError that says what to do; CudaError.
Context& start_context(int index);
/// Null before that.
Context* started_context(int index) noexcept;

}  // namespace adjoint::cuda_backend
