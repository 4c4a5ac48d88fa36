// What this build of the library is, what it uses on this machine, and how to mend what is missing.
#include <adjoint/adjoint.h>
#include <adjoint/distributed/mpi/mpi.h>

#include "command_line.h"

#include <cstdio>
#include <string>

using namespace adjoint;

namespace {

void line(const char* what, const std::string& text) { std::printf("%-13s %s\n", what, text.c_str()); }

void component(const char* what, const cuda::Component& part) {
    std::string text = part.version;
    if (!part.location.empty()) text += (text.empty() ? "" : ", ") + part.location;
    if (!part.problem.empty()) text += (text.empty() ? "" : ": ") + part.problem;
    line(what, text);
}

void cuda_lines() {
    const cuda::Software all = cuda::software();
    line("CUDA", cuda::is_available() ? "available" : "not available: " + cuda::unavailable_reason());
    if (all.toolkit.version.empty()) return;  // built without it: there is nothing more to say
    line("  toolkit", all.toolkit.version + ", code for " + all.architectures);
    component("  driver", all.driver);
    component("  cuBLASLt", all.cublaslt);
    component("  cuDNN", all.cudnn);
    component("  NCCL", all.nccl);
    for (int i = 0; i < cuda::device_count(); ++i) {
        const Device device = Device::cuda(i);
        const cuda::Properties card = cuda::properties(device);
        std::string text = card.name + ", sm_" + std::to_string(card.major) + std::to_string(card.minor) +
                           ", " + std::to_string(card.memory >> 30) + " GiB, " +
                           std::to_string(card.multiprocessors) + " multiprocessors";
        if (!card.problem.empty()) text += "; cannot be used: " + card.problem;
        line(("  " + to_string(device)).c_str(), text);
    }
}

void run() {
    line("adjoint", version);
    line("compiler", __VERSION__);
    line("CPU kernels",
         std::string("x86-64 level ") + cpu_level() + " (lower it with ADJOINT_CPU_LEVEL=v2|v3|v4)");
    line("threads", std::to_string(num_threads()) + " (change with ADJOINT_NUM_THREADS)");
    line("products",
         std::string(cpu_blas()) + " (chosen by ADJOINT_BLAS=OWN|ONEDNN|OPENBLAS when configuring)");
    line("ranks", "as threads; as processes: " + distributed::mpi_description());
    cuda_lines();
}

}  // namespace

int main(int argc, char** argv) {
    return run_program(argc, argv, {"What this build of the library is and uses here."}, {}, run);
}
