// Kernels as nvcc registers them, and their launches.
#include <cxxabi.h>

#include <cstdlib>
#include <unordered_map>

#include "executor.h"
#include "kernel_image.h"
#include "state.h"

struct CUkern_st {
    std::string name, symbol;
    std::optional<adjoint::fake_cuda::KernelInfo> info;
};

namespace adjoint::fake_cuda {
namespace {

// Without being asked for more. The compiler counts 1 KiB that the system has besides.
constexpr std::size_t shared_limit = 49 << 10;
constexpr unsigned register_file = 65536;  // of a multiprocessor

struct Kernels {
    std::unordered_map<const void*, CUkern_st> by_function;
    std::map<std::string, KernelInfo> image;  // of the file that registers its kernels now
};
Kernels& all_kernels() {
    static auto* const all = new Kernels;
    return *all;
}

struct Launch {
    dim3 grid, block;
    std::size_t shared_bytes;
    cudaStream_t stream;
    bool overlaps = false;
};
Launch& configured() {
    static thread_local Launch launch;
    return launch;
}

std::string text(const dim3& d) {
    return "(" + std::to_string(d.x) + ", " + std::to_string(d.y) + ", " + std::to_string(d.z) + ")";
}

void check_limits(const CUkern_st& kernel, const Launch& at) {
    const std::string what =
        kernel.name + " in blocks of " + text(at.block) + ", " + text(at.grid) + " of them: ";
    const std::uint64_t threads = std::uint64_t{at.block.x} * at.block.y * at.block.z;
    if (threads == 0 || threads > 1024 || at.block.z > 64) violation(what + "no card has such blocks");
    if (at.grid.x == 0 || at.grid.y == 0 || at.grid.z == 0 || at.grid.x > 0x7fffffff || at.grid.y > 0xffff ||
        at.grid.z > 0xffff)
        violation(what + "no card has such a grid");
    const KernelInfo info = kernel.info.value_or(KernelInfo{});
    if (at.shared_bytes + info.shared_bytes > shared_limit)
        violation(what + std::to_string(at.shared_bytes) + " + " + std::to_string(info.shared_bytes) +
                  " bytes of shared memory");
    if (threads > info.most_threads)
        violation(what + "its __launch_bounds__ say " + std::to_string(info.most_threads));
    // Registers are given to warps, eight at a time for each thread.
    if ((threads + 31) / 32 * 32 * ((info.registers + 7) / 8 * 8) > register_file)
        violation(what + std::to_string(info.registers) +
                  " registers for each thread are more than there are");
}

// Pointers that are parameters of their own. Those in structures are left out: what stands between their
// members may be anything, half a pointer from before included.
std::vector<Access> accesses_of(const KernelInfo& info, void** arguments) {
    std::vector<Access> found;
    for (const KernelInfo::Parameter& parameter : info.parameters) {
        if (parameter.bytes != sizeof(void*)) continue;
        const void* const word = *static_cast<void**>(arguments[parameter.number]);
        if (is_device_address(word)) found.push_back({word, 1, Access::touches});
    }
    return found;
}

cudaError_t launch(const CUkern_st& kernel, const Launch& at, void** arguments) {
    check_limits(kernel, at);
    Work work{kernel.name, kernel.info ? accesses_of(*kernel.info, arguments) : std::vector<Access>{}};
    if (executor())
        work.run =
            executor()->prepare({kernel.symbol, at.grid, at.block, at.shared_bytes, arguments, at.overlaps});
    enqueue(at.stream, std::move(work));
    return cudaSuccess;
}

}  // namespace

std::string readable(const char* mangled) {
    int status = 0;
    char* const text = abi::__cxa_demangle(mangled, nullptr, nullptr, &status);
    std::string name = text ? text : mangled;
    std::free(text);
    for (const std::string noise :
         {"(anonymous namespace)::", "void ", "adjoint::cuda_backend::", "adjoint::functor::", "adjoint::"})
        for (std::size_t at; (at = name.find(noise)) != std::string::npos;) name.erase(at, noise.size());
    int depth = 0;
    for (std::size_t i = 0; i < name.size(); ++i) {
        depth += name[i] == '<' ? 1 : name[i] == '>' ? -1 : 0;
        if (name[i] == '(' && depth == 0) name.resize(i);
    }
    return name;
}

KernelCount kernels() {
    const Lock lock(mutex());
    KernelCount count{0, static_cast<int>(all_kernels().by_function.size())};
    for (const auto& [function, kernel] : all_kernels().by_function) count.known += kernel.info.has_value();
    return count;
}

}  // namespace adjoint::fake_cuda

using namespace adjoint::fake_cuda;

extern "C" {

// nvcc's own calls, which stand in no header.
void** __cudaRegisterFatBinary(void* wrapper) {
    struct Wrapper {
        int magic, version;
        const void* data;
        void* file;
    };
    all_kernels().image = read_kernels(static_cast<Wrapper*>(wrapper)->data);
    static void* handle = nullptr;
    return &handle;
}
void __cudaRegisterFatBinaryEnd(void**) { all_kernels().image.clear(); }
void __cudaUnregisterFatBinary(void**) {}
char __cudaInitModule(void**) { return 1; }  // asked for by files that are compiled without optimisation
void __cudaRegisterFunction(void**, const char* function, char*, const char* name, int, uint3*, uint3*, dim3*,
                            dim3*, int*) {
    CUkern_st kernel{readable(name), name, {}};
    const auto& image = all_kernels().image;
    if (const auto found = image.find(name); found != image.end()) kernel.info = found->second;
    all_kernels().by_function.emplace(function, std::move(kernel));
}
cudaError_t __cudaGetKernel(cudaKernel_t* kernel, const void* function) {
    *kernel = &all_kernels().by_function.at(function);
    return cudaSuccess;
}
unsigned __cudaPushCallConfiguration(dim3 grid, dim3 block, std::size_t shared_bytes, CUstream_st* stream) {
    configured() = {grid, block, shared_bytes, stream};
    return 0;
}
cudaError_t __cudaPopCallConfiguration(dim3* grid, dim3* block, std::size_t* shared_bytes, void* stream) {
    *grid = configured().grid;
    *block = configured().block;
    *shared_bytes = configured().shared_bytes;
    *static_cast<cudaStream_t*>(stream) = configured().stream;
    return cudaSuccess;
}
cudaError_t __cudaLaunchKernel(cudaKernel_t kernel, dim3 grid, dim3 block, void** arguments,
                               std::size_t shared_bytes, cudaStream_t stream) {
    return answer("cudaLaunchKernel", [&] {
        return launch(*static_cast<CUkern_st*>(kernel), {grid, block, shared_bytes, stream}, arguments);
    });
}
cudaError_t cudaLaunchKernelExC(const cudaLaunchConfig_t* how, const void* function, void** arguments) {
    return answer("cudaLaunchKernelExC", [&] {
        Launch at{how->gridDim, how->blockDim, how->dynamicSmemBytes, how->stream};
        for (unsigned i = 0; i < how->numAttrs; ++i) {
            if (how->attrs[i].id != cudaLaunchAttributeProgrammaticStreamSerialization)
                violation("an attribute of a launch that the fake has not");
            at.overlaps = how->attrs[i].val.programmaticStreamSerializationAllowed != 0;
        }
        return launch(all_kernels().by_function.at(function), at, arguments);
    });
}
cudaError_t cudaFuncGetAttributes(cudaFuncAttributes* attributes, const void* function) {
    return answer("cudaFuncGetAttributes", [&] {
        *attributes = {};
        attributes->ptxVersion = attributes->binaryVersion = ADJOINT_FAKE_CUDA_CARD;
        return all_kernels().by_function.contains(function) ? cudaSuccess : cudaErrorInvalidDeviceFunction;
    });
}
// What toolkits before CUDA 13 call.
cudaError_t cudaLaunchKernel(const void* function, dim3 grid, dim3 block, void** arguments,
                             std::size_t shared_bytes, cudaStream_t stream) {
    return answer(__func__, [&] {
        return launch(all_kernels().by_function.at(function), {grid, block, shared_bytes, stream}, arguments);
    });
}

}  // extern "C"
