// The engine "nccl": ranks that have a GPU each, between which NCCL moves tensors. NCCL is opened when it is
// asked for; the library is built without it.
//
//     const Device gpu = Device::cuda(local_rank);
//     const Group group(nccl_engine(mpi_engine(), gpu));     // processes that MPI has started
//
//     const auto ends = thread_engines(2);                   // or the threads of one process
//     const Group group(nccl_engine(ends[rank], Device::cuda(rank)));
//
//     const Group group(nccl_engine(gpu));                   // or RANK, WORLD_SIZE, MASTER_ADDR, MASTER_PORT
#pragma once

#include <chrono>
#include <memory>

#include <adjoint/core/base/device.h>
#include <adjoint/distributed/group/group.h>

namespace adjoint::distributed {

/// What NCCL is found ("2.27.3"), or what to do to have one.
ADJOINT_API std::string nccl_description();

/// Ranks that have met over `control`, an engine of their own, which goes on to carry what is no tensor of
/// the device: agreements, send and recv, faults. Sums in the order of the ranks wait for what the device is
/// doing; those of Summation::by_engine, NCCL's own, go on beside it. NCCL waits for all ranks and cannot be
/// interrupted: if one does not come within the time-out the others say so on stderr and end with status 1.
/// errors: ValueError for the CPU; DistributedError that names the rank without NCCL or device; CudaError.
ADJOINT_API std::shared_ptr<Engine> nccl_engine(std::shared_ptr<Engine> control, Device device,
                                                std::chrono::milliseconds timeout = std::chrono::minutes(5));

/// Ranks that were started with RANK, WORLD_SIZE, MASTER_ADDR and MASTER_PORT in the environment, as torchrun
/// does it: all goes by NCCL. There is no send and recv then, and who has failed is one who does not come.
/// errors: as above, and DistributedError for a variable that is missing or no number.
ADJOINT_API std::shared_ptr<Engine> nccl_engine(Device device,
                                                std::chrono::milliseconds timeout = std::chrono::minutes(5));

}  // namespace adjoint::distributed
