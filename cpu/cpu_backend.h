// The CPU behind the contract: one line for each call that it has, in the file of its topic.
#pragma once

#include <adjoint/core/contract/backend.h>
#include <adjoint/cpu/kernels/kernels.h>

namespace adjoint::cpu {

class CpuBackend;

// elementwise.cpp
void on(CpuBackend& cpu, const call::Fill& c);
void on(CpuBackend& cpu, const call::Map& c);
void on(CpuBackend& cpu, const call::Zip& c);
void on(CpuBackend& cpu, const call::Select& c);
void on(CpuBackend& cpu, const call::Update& c);
// reduce.cpp
void on(CpuBackend& cpu, const call::Reduce& c);
void on(CpuBackend& cpu, const call::ArgReduce& c);
// matmul.cpp
void on(CpuBackend& cpu, const call::MatMul& c);
// indexing.cpp
void on(CpuBackend& cpu, const call::Gather& c);
void on(CpuBackend& cpu, const call::Scatter& c);
// batch.cpp
void on(CpuBackend& cpu, const call::TakeRows& c);
void on(CpuBackend& cpu, const call::Tally& c);
// memory.cpp
void on(CpuBackend& cpu, const call::Upload& c);
// random.cpp
void on(CpuBackend& cpu, const call::Random& c);
void on(CpuBackend& cpu, const call::Dropout& c);
// chain.cpp
void on(CpuBackend& cpu, const call::Chain& c);
void on(CpuBackend& cpu, const call::ChainReduce& c);
// softmax.cpp
void on(CpuBackend& cpu, const call::Softmax& c);
void on(CpuBackend& cpu, const call::SoftmaxBackward& c);
void on(CpuBackend& cpu, const call::CrossEntropy& c);
// clip.cpp
void on(CpuBackend& cpu, const call::ClipNorm& c);
// activate.cpp
void on(CpuBackend& cpu, const call::ActivationBackward& c);
// batch_norm.cpp
void on(CpuBackend& cpu, const call::BatchNorm& c);
void on(CpuBackend& cpu, const call::BatchNormBackward& c);
// layer_norm.cpp
void on(CpuBackend& cpu, const call::LayerNorm& c);
void on(CpuBackend& cpu, const call::LayerNormBackward& c);
// attention.cpp
void on(CpuBackend& cpu, const call::Attend& c);
void on(CpuBackend& cpu, const call::AttendBackward& c);
// recurrence.cpp
void on(CpuBackend& cpu, const call::Recurrent& c);
void on(CpuBackend& cpu, const call::RecurrentBackward& c);
// scan.cpp
void on(CpuBackend& cpu, const call::Scan& c);
// sort.cpp
void on(CpuBackend& cpu, const call::Sort& c);
// convolution.cpp
void on(CpuBackend& cpu, const call::Convolve& c);
void on(CpuBackend& cpu, const call::ConvolveInput& c);
void on(CpuBackend& cpu, const call::ConvolveWeight& c);
// windows.cpp
void on(CpuBackend& cpu, const call::Unfold& c);
void on(CpuBackend& cpu, const call::Fold& c);
// pool.cpp
void on(CpuBackend& cpu, const call::MaxPool& c);
void on(CpuBackend& cpu, const call::MaxPoolBackward& c);
void on(CpuBackend& cpu, const call::AvgPool& c);
void on(CpuBackend& cpu, const call::AvgPoolBackward& c);

class CpuBackend final : public Runs<CpuBackend, Backend, Calls> {
  public:
    // memory.cpp
    void* allocate(std::size_t bytes) override;
    void release(void* memory, std::size_t bytes) noexcept override;
    void copy_to_host(void* destination, const void* source, std::size_t bytes) override;
    void synchronize() override {}
    std::shared_ptr<Recording> record(const std::function<void()>& step, bool optimize) override;
    // convolution.cpp
    bool convolves_narrow(const Convolution& c) override;
    // recurrence.cpp
    std::optional<std::size_t> recurrence_reserve(const Recurrence& r) override;
    bool attends(const Attention&) override { return true; }

    const Kernels& kernels = cpu::kernels();
};

}  // namespace adjoint::cpu
