// core/cuda/cuda.h with CUDA: what there is, what it lacks, and the start of a device for the registry.
#include <adjoint/core/cuda/cuda.h>

#include <cuda_runtime_api.h>

#include <cstdlib>

#include <adjoint/core/base/format.h>
#include <adjoint/core/contract/backend.h>
#include <adjoint/core/contract/cuda_start.h>
#include <adjoint/cuda/libraries/library.h>
#include <adjoint/cuda/runtime/architectures.h>
#include <adjoint/cuda/runtime/context.h>
#include <adjoint/cuda/runtime/deliveries.h>
#include <adjoint/cuda/runtime/error.h>

namespace adjoint {
namespace {

using cuda_backend::covers;
using cuda_backend::forget;

// What the driver answered to the first question. It cannot change while the program runs.
struct Driver {
    int count = 0;
    cudaError_t error = cudaSuccess;
    int version = 0;  // the newest CUDA that it serves: 13000

    Driver() {
        error = cudaGetDeviceCount(&count);
        if (!forget(error)) count = 0;
        if (!forget(cudaDriverGetVersion(&version))) version = 0;
    }
};

const Driver& driver() {
    static const Driver answer;
    return answer;
}

std::string version_text(int version) {
    return fmt::format("{}.{}", version / 1000, version % 1000 / 10);  // 13000 is 13.0
}

// The first driver of a toolkit's major version.
std::string driver_needed() {
    const char* first = CUDART_VERSION / 1000 == 13   ? " (version 580 or newer)"
                        : CUDART_VERSION / 1000 == 12 ? " (version 525 or newer)"
                                                      : "";
    return fmt::format("an NVIDIA driver for CUDA {}{}", version_text(CUDART_VERSION), first);
}

// Empty if the driver shows at least one device.
std::string driver_problem() {
    const Driver& found = driver();
    if (found.count > 0) return {};
    if (found.version == 0) return fmt::format("there is no NVIDIA driver; install {}", driver_needed());
    if (found.error == cudaErrorInsufficientDriver)
        return fmt::format("the NVIDIA driver serves CUDA {} at most, this build needs {}; update it",
                           version_text(found.version), driver_needed());
    if (found.error != cudaErrorNoDevice && found.error != cudaSuccess)
        return cuda_backend::error_text(found.error, "cudaGetDeviceCount");
    const char* visible = std::getenv("CUDA_VISIBLE_DEVICES");
    return visible
               ? fmt::format("the driver shows no device; CUDA_VISIBLE_DEVICES=\"{}\" hides those there are",
                             visible)
               : std::string("the driver sees no device; `nvidia-smi` should list one");
}

std::string device_problem(const cuda::Properties& device) {
    const std::string_view built = cuda_backend::built_architectures();
    if (covers(built, device.major, device.minor)) return {};
    return fmt::format(
        "{} is sm_{}{}, this build has code for {}; configure with "
        "-DCMAKE_CUDA_ARCHITECTURES={}{}-real",
        device.name, device.major, device.minor, cuda_backend::architecture_names(built), device.major,
        device.minor);
}

// Errors: DeviceError that leads with `what`.
void check_device(const std::string& what, Device device) {
    check<DeviceError>(device.is_cuda(), "{}: {} is not a CUDA device", what, to_string(device));
    const int count = driver().count;
    if (device.index < count) return;
    if (count == 0)
        fail<DeviceError>("{} is not available: {}; or use Device::cpu()", what, driver_problem());
    if (count == 1) fail<DeviceError>("{}: this machine has 1 CUDA device (cuda:0)", what);
    fail<DeviceError>("{}: this machine has {} CUDA devices (cuda:0 to cuda:{})", what, count, count - 1);
}

// Errors: DeviceError that leads with `what` if there is no such device or this build has no code for it.
cuda_backend::Context& usable_context(const std::string& what, Device device) {
    check_device(what, device);
    if (cuda_backend::Context* const ready = cuda_backend::started_context(device.index)) return *ready;
    const std::string problem = device_problem(cuda::properties(device));
    check<DeviceError>(problem.empty(), "{} cannot be used: {}; or use Device::cpu()", what, problem);
    return cuda_backend::start_context(device.index);
}

}  // namespace

Backend& start_cuda_device(int index) {
    const Device device = Device::cuda(index);
    return usable_context(to_string(device), device).backend;
}

namespace cuda {

int device_count() { return driver().count; }

bool is_available() {
    for (int i = 0; i < driver().count; ++i)
        if (properties(Device::cuda(i)).problem.empty()) return true;
    return false;
}

std::string unavailable_reason() {
    if (std::string problem = driver_problem(); !problem.empty()) return problem;
    return is_available() ? std::string() : properties(Device::cuda(0)).problem;
}

Properties properties(Device device) {
    check_device(fmt::format("cuda::properties: {}", device), device);
    cudaDeviceProp found;
    cuda_backend::check_cuda(cudaGetDeviceProperties(&found, device.index), "cuda::properties");
    Properties properties;
    properties.name = found.name;
    properties.major = found.major;
    properties.minor = found.minor;
    properties.multiprocessors = found.multiProcessorCount;
    properties.memory = static_cast<std::int64_t>(found.totalGlobalMem);
    properties.problem = device_problem(properties);
    return properties;
}

Software software() {
    Software all;
    all.architectures = cuda_backend::architecture_names(cuda_backend::built_architectures());
    all.toolkit.version = version_text(CUDART_VERSION);
    if (driver().version > 0) all.driver.version = fmt::format("for CUDA {}", version_text(driver().version));
    all.driver.problem = driver_problem();
    const bool open = device_count() > 0;
    all.cublaslt = cuda_backend::cublaslt_component(open);
    all.cudnn = cuda_backend::cudnn_component(open);
    all.nccl = cuda_backend::nccl_component(open);
    return all;
}

MemoryStats memory_stats(Device device) {
    return usable_context(fmt::format("cuda::memory_stats: {}", device), device).memory->stats();
}

void empty_cache(Device device) {
    cuda_backend::Context& context = usable_context(fmt::format("cuda::empty_cache: {}", device), device);
    if (context.deliveries) context.deliveries->give_up_memory();
    context.memory->empty_cache();
}

}  // namespace cuda
}  // namespace adjoint
