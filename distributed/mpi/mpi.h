// The engine "mpi": ranks are processes that mpirun, srun or the like has started. A program that includes
// it links adjoint::distributed.
//
//     const distributed::Group group = distributed::mpi_group();    // mpirun -n 4 program
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include <adjoint/distributed/group/group.h>

namespace adjoint::distributed {

/// A process among those that were started together.
struct StartedProcess {
    int rank = 0, size = 1;
};
/// What mpirun (of Open MPI, MPICH) or srun has written into the environment of this process; nothing where
/// nobody has. MPI is not asked, so that a program knows without a group whether it is one of several.
ADJOINT_API std::optional<StartedProcess> started_process();

/// Whether the library was built with MPI.
ADJOINT_API bool mpi_available() noexcept;
/// The library that serves ("Open MPI v4.1.4"), or what to do to have one.
ADJOINT_API std::string mpi_description();

/// The engine alone, for one that is made on it (<adjoint/distributed/nccl/nccl.h>); as mpi_group, with the
/// time in which all processes have to come.
ADJOINT_API std::shared_ptr<Engine> mpi_engine(std::chrono::milliseconds timeout = std::chrono::minutes(5));

/// All processes that were started together. MPI is initialised here, and finalised when the last copy of
/// the group is gone; where a rank has failed it is left to whoever started the processes. MPI itself waits
/// for all of them to come here and cannot be interrupted. If one has not come within the time-out, each of
/// the others says so on stderr and ends its process with status 1: no exception could do it.
/// errors: DistributedError without MPI, at a second call, or if MPI was initialised by somebody else in a
/// way that allows no second thread; ValueError for a time-out that is not positive; those of Group.
ADJOINT_API Group mpi_group(const GroupOptions& options = {});

}  // namespace adjoint::distributed
