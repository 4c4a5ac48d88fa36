// Messages between CUDA devices by NCCL: what distributed/ asks of the CUDA backend, written by cuda/, or by
// no_cuda.cpp in a build without it. Private.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include <adjoint/core/base/device.h>
#include <adjoint/core/base/dtype.h>

namespace adjoint::cuda {

/// What the ranks that meet have in common: one makes it, all are told.
struct NcclId {
    char bytes[128];
};
/// errors: CudaError.
NcclId make_nccl_id();
/// Why there is no NCCL and what to do about it; empty if there is one.
std::string nccl_problem();

/// One rank's end. Used by one thread at a time, except for mark().
class NcclLink {
  public:
    class Operation {
      public:
        Operation() = default;
        Operation(const Operation&) = delete;
        Operation& operator=(const Operation&) = delete;
        /// What has not been done is given up, and with it the whole link.
        virtual ~Operation() = default;
    };
    enum class Reduction : std::uint8_t { sum, max, min };

    NcclLink() = default;
    NcclLink(const NcclLink&) = delete;
    NcclLink& operator=(const NcclLink&) = delete;
    virtual ~NcclLink() = default;

    /// What has been enqueued on the device by now comes before the operations that start from now on.
    virtual void mark() = 0;
    // Operations start together, when done() is asked of one of them for the first time: messages of which
    // one waits for the other cannot wait for ever.
    virtual std::unique_ptr<Operation> send(const void* data, std::size_t bytes, int to) = 0;
    virtual std::unique_ptr<Operation> receive(void* data, std::size_t bytes, int from) = 0;
    /// In place; null for a type that NCCL does not sum.
    virtual std::unique_ptr<Operation> all_reduce(void* data, std::int64_t count, DType type,
                                                  Reduction reduction) = 0;
    /// errors: CudaError.
    virtual bool done(Operation& operation) = 0;
    /// Ends what is under way here; the others' operations end when they give up.
    virtual void abort() noexcept = 0;
};

/// Returns when all ranks have called it.
/// errors: DeviceError without the device or NCCL; CudaError.
std::unique_ptr<NcclLink> join_nccl(const NcclId& id, int rank, int size, Device device);

}  // namespace adjoint::cuda
