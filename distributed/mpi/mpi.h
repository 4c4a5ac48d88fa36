// The engine "mpi": ranks are processes that mpirun, srun or the like has started. A program that includes
// it links adjoint::distributed.
//
//     const distributed::Group group = distributed::mpi_group();    // mpirun -n 4 program
#pragma once

#include <adjoint/distributed/group/group.h>

namespace adjoint::distributed {

/// Whether the library was built with MPI.
ADJOINT_API bool mpi_available() noexcept;
/// The library that serves ("Open MPI v4.1.4"), or what to do to have one.
ADJOINT_API std::string mpi_description();

/// The engine alone, for one that is made on it (<adjoint/distributed/nccl/nccl.h>); as mpi_group.
ADJOINT_API std::shared_ptr<Engine> mpi_engine();

/// All processes that were started together. MPI is initialised here, and finalised when the last copy of
/// the group is gone; where a rank has failed it is left to whoever started the processes. MPI itself waits
/// for all of them to come here, however long that takes: no time-out holds before.
/// errors: DistributedError without MPI, at a second call, or if MPI was initialised by somebody else in a
/// way that allows no second thread; those of Group.
ADJOINT_API Group mpi_group(const GroupOptions& options = {});

}  // namespace adjoint::distributed
