// The start of a device.
#include <adjoint/cuda/runtime/context.h>

#include <array>
#include <atomic>
#include <cstdlib>
#include <mutex>
#include <string_view>

#include <adjoint/core/base/format.h>
#include <adjoint/cuda/libraries/cublaslt.h>
#include <adjoint/cuda/libraries/dnn.h>
#include <adjoint/cuda/libraries/dnn_recurrent.h>
#include <adjoint/cuda/runtime/deliveries.h>
#include <adjoint/cuda/runtime/error.h>
#include <adjoint/cuda/runtime/segments.h>

namespace adjoint::cuda_backend {
namespace {

constexpr const char* starting = "start of the device";

bool async_wanted() {
    const char* value = std::getenv("ADJOINT_ALLOC");
    if (!value || std::string_view(value).empty() || std::string_view(value) == "cache") return false;
    check<ValueError>(std::string_view(value) == "async",
                      "ADJOINT_ALLOC={}: it can be cache (the default) or async", value);
    return true;
}

bool overlap_wanted() {
    const char* const value = std::getenv("ADJOINT_CUDA_OVERLAP");
    return !value || std::string_view(value) != "0";
}

// From compute capability 9.0 on, with kernels that were compiled for it and a driver that has it
// in graphs, too.
bool can_overlap(int index) {
    constexpr int least_driver = 12030;
    int major = 0, driver = 0;
    check_cuda(cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, index), starting);
    check_cuda(cudaDriverGetVersion(&driver), starting);
    return major >= 9 && driver >= least_driver && CUDART_VERSION >= least_driver && compiled_for() >= 90;
}

std::atomic<Context*>& place_of(int index) noexcept {
    static std::array<std::atomic<Context*>, 256> contexts;  // a device's index has 8 bits
    return contexts[static_cast<std::size_t>(index)];
}

}  // namespace

Context::Context(int device_index) {
    index = device_index;
    context = this;
    check_cuda(cudaSetDevice(index), starting);
    check_cuda(cudaDeviceGetAttribute(&multiprocessors, cudaDevAttrMultiProcessorCount, index), starting);
    check_cuda(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), starting);
    // On the host, so that looking at it costs nothing; kernels write it once in a failed program.
    void* shared = nullptr;
    check_cuda(cudaHostAlloc(&shared, sizeof(Fault), cudaHostAllocMapped | cudaHostAllocPortable), starting);
    fault = new (shared) Fault{};
    if (async_wanted()) {
        memory = async_memory(*this);
    } else {
        source = device_segments(*this);
        memory = std::make_unique<CachingAllocator>(*source, Device::cuda(index));
        deliveries = std::make_unique<Deliveries>(*this);
    }
    overlaps = overlap_wanted() && can_overlap(index);
    staging = std::make_unique<Staging>(stream);
    products = std::make_unique<Products>();
    convolutions = std::make_unique<Convolutions>();
    recurrences = std::make_unique<Recurrences>();
}

Context::~Context() = default;

Context* started_context(int index) noexcept { return place_of(index).load(std::memory_order_acquire); }

Context& start_context(int index) {
    static std::mutex mutex;
    if (Context* ready = started_context(index)) return *ready;
    const std::scoped_lock lock(mutex);
    if (Context* ready = started_context(index)) return *ready;
    auto* context = new Context(index);
    place_of(index).store(context, std::memory_order_release);
    return *context;
}

}  // namespace adjoint::cuda_backend
