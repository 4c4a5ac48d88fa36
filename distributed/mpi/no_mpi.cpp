// What says that there is no MPI, in a build without it.
#include <adjoint/core/base/error.h>
#include <adjoint/distributed/mpi/mpi.h>

namespace adjoint::distributed {

bool mpi_available() noexcept { return false; }

std::string mpi_description() {
    return "this build has no MPI: install libopenmpi-dev (or another MPI) and configure again with "
           "-DADJOINT_MPI=ON";
}

std::shared_ptr<Engine> mpi_engine(std::chrono::milliseconds) {
    throw DistributedError("mpi_engine: " + mpi_description());
}
Group mpi_group(const GroupOptions&) { throw DistributedError("mpi_group: " + mpi_description()); }

}  // namespace adjoint::distributed
