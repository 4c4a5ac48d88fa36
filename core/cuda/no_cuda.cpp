// core/cuda/cuda.h in a build without the CUDA backend: every question has an answer, and it is no.
#include <adjoint/core/base/format.h>
#include <adjoint/core/contract/cuda_start.h>
#include <adjoint/core/cuda/cuda.h>
#include <adjoint/core/cuda/nccl_link.h>

namespace adjoint {
namespace {
constexpr const char* reason =
    "this build of adjoint has no CUDA backend; to get one, install the CUDA Toolkit (nvcc) and configure "
    "again "
    "with -DADJOINT_CUDA=ON";
}

Backend& start_cuda_device(int index) {
    fail<DeviceError>("cuda:{} is not available: {}; or use Device::cpu()", index, reason);
}

namespace cuda {

bool is_available() { return false; }
int device_count() { return 0; }
std::string unavailable_reason() { return reason; }

Properties properties(Device device) { fail<DeviceError>("cuda::properties: {}: {}", device, reason); }

Software software() {
    Software all;
    all.toolkit.problem = all.nccl.problem = reason;
    return all;
}

std::string nccl_problem() { return reason; }
NcclId make_nccl_id() { fail<DeviceError>("nccl: {}", reason); }
std::unique_ptr<NcclLink> join_nccl(const NcclId&, int, int, Device) {
    fail<DeviceError>("nccl: {}", reason);
}

MemoryStats memory_stats(Device device) { fail<DeviceError>("cuda::memory_stats: {}: {}", device, reason); }
void empty_cache(Device device) { fail<DeviceError>("cuda::empty_cache: {}: {}", device, reason); }

}  // namespace cuda
}  // namespace adjoint
