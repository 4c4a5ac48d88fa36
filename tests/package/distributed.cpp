// The same for adjoint::distributed: what MPI it knows, and a sum over the one rank that runs here.
#include <adjoint/adjoint.h>
#include <adjoint/distributed/mpi/mpi.h>

#include <iostream>

int main() {
    const adjoint::Tensor x = adjoint::tensor({1, 2});
    adjoint::distributed::Group().all_reduce(x);
    std::cout << "adjoint " << adjoint::version << ", MPI: " << adjoint::distributed::mpi_description()
              << '\n';
    return adjoint::equal(x, adjoint::tensor({1, 2})) ? 0 : 1;
}
