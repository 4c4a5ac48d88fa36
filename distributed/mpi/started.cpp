// The environment that a starter makes for its processes.
#include <charconv>
#include <cstdlib>
#include <string_view>

#include <adjoint/distributed/mpi/mpi.h>

namespace adjoint::distributed {
namespace {

std::optional<int> number_in_environment(const char* name) {
    const char* const value = std::getenv(name);
    if (!value) return std::nullopt;
    const std::string_view text = value;
    int number = -1;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size() || number < 0) return std::nullopt;
    return number;
}

}  // namespace

std::optional<StartedProcess> started_process() {
    struct Names {
        const char *rank, *size;
    };
    // Of Open MPI, of MPICH and its like, and of srun.
    for (const Names& names :
         {Names{"OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"}, Names{"PMI_RANK", "PMI_SIZE"},
          Names{"SLURM_PROCID", "SLURM_STEP_NUM_TASKS"}}) {
        const std::optional<int> rank = number_in_environment(names.rank),
                                 size = number_in_environment(names.size);
        if (rank && size && *rank < *size) return StartedProcess{.rank = *rank, .size = *size};
    }
    return std::nullopt;
}

}  // namespace adjoint::distributed
