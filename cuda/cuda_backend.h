// CUDA behind the contract: one line for each call that it has, in the file of its topic.
#pragma once

#include <adjoint/core/contract/backend.h>
#include <adjoint/cuda/runtime/runtime.h>

namespace adjoint::cuda_backend {

class CudaBackend;

// kernels/elementwise.cu
void on(CudaBackend& cuda, const call::Fill& c);
void on(CudaBackend& cuda, const call::Map& c);
void on(CudaBackend& cuda, const call::Zip& c);
void on(CudaBackend& cuda, const call::Select& c);
// kernels/chain.cu
void on(CudaBackend& cuda, const call::Chain& c);
void on(CudaBackend& cuda, const call::ChainReduce& c);
// kernels/update.cu
void on(CudaBackend& cuda, const call::Update& c);
// kernels/reduce.cu
void on(CudaBackend& cuda, const call::Reduce& c);
void on(CudaBackend& cuda, const call::ArgReduce& c);
// libraries/matmul.cpp: kernels/small_product.cu or cuBLASLt where they serve, else kernels/matmul.cu
void on(CudaBackend& cuda, const call::MatMul& c);
// kernels/small_product.cu
void on(CudaBackend& cuda, const call::LinearBackward& c);
void on(CudaBackend& cuda, const call::BackwardUpdate& c);
// kernels/indexing.cu
void on(CudaBackend& cuda, const call::Gather& c);
void on(CudaBackend& cuda, const call::Scatter& c);
// kernels/batch.cu
void on(CudaBackend& cuda, const call::TakeRows& c);
void on(CudaBackend& cuda, const call::Tally& c);
// runtime/memory.cpp
void on(CudaBackend& cuda, const call::Upload& c);
// kernels/random.cu
void on(CudaBackend& cuda, const call::Random& c);
void on(CudaBackend& cuda, const call::Dropout& c);
// kernels/softmax.cu
void on(CudaBackend& cuda, const call::Softmax& c);
void on(CudaBackend& cuda, const call::SoftmaxBackward& c);
void on(CudaBackend& cuda, const call::CrossEntropy& c);
// kernels/clip.cu
void on(CudaBackend& cuda, const call::ClipNorm& c);
// kernels/planes.cu
void on(CudaBackend& cuda, const call::ActivationBackward& c);
// kernels/batch_norm.cu
void on(CudaBackend& cuda, const call::BatchNorm& c);
void on(CudaBackend& cuda, const call::BatchNormBackward& c);
// kernels/layer_norm.cu
void on(CudaBackend& cuda, const call::LayerNorm& c);
void on(CudaBackend& cuda, const call::LayerNormBackward& c);
// kernels/scan_sort.cu
void on(CudaBackend& cuda, const call::Scan& c);
void on(CudaBackend& cuda, const call::Sort& c);
// libraries/convolution.cpp: cuDNN where it serves, its composition elsewhere
void on(CudaBackend& cuda, const call::Convolve& c);
void on(CudaBackend& cuda, const call::ConvolveInput& c);
void on(CudaBackend& cuda, const call::ConvolveWeight& c);
// kernels/windows.cu
void on(CudaBackend& cuda, const call::Unfold& c);
void on(CudaBackend& cuda, const call::Fold& c);
void on(CudaBackend& cuda, const call::MaxPool& c);
void on(CudaBackend& cuda, const call::MaxPoolBackward& c);
void on(CudaBackend& cuda, const call::AvgPool& c);
void on(CudaBackend& cuda, const call::AvgPoolBackward& c);
// libraries/recurrent.cpp: where cuDNN serves
void on(CudaBackend& cuda, const call::Recurrent& c);
void on(CudaBackend& cuda, const call::RecurrentBackward& c);

class CudaBackend : public Runs<CudaBackend, Backend, Calls> {
  public:
    explicit CudaBackend(DeviceState& state) : device(state) {}

    // runtime/memory.cpp
    void* allocate(std::size_t bytes) override;
    void release(void* memory, std::size_t bytes) noexcept override;
    void copy_to_host(void* destination, const void* source, std::size_t bytes) override;
    void synchronize() override;
    std::shared_ptr<Delivery> deliver(const void* values, std::size_t bytes) override;
    // runtime/recording.cpp
    std::shared_ptr<Recording> record(const std::function<void()>& step, bool optimize) override;
    // libraries/convolution.cpp, recurrent.cpp
    bool convolves_narrow(const Convolution& c) override;
    std::optional<std::size_t> recurrence_reserve(const Recurrence& r) override;
    bool attends(const Attention&) override { return false; }

    DeviceState& device;
};

/// The product by our own kernel: any strides and types.
void own_matmul(DeviceState& device, const call::MatMul& product);

}  // namespace adjoint::cuda_backend
