#include "executor.h"

#include <cstdlib>
#include <cstring>
#include <fstream>

#include <cuda_fake_runtime/runtime/executor.h>
#include <cuda_fake_runtime/runtime/fake.h>

#include "memory.h"

namespace adjoint::ptx {
namespace {

void check_known(const void* data, std::size_t bytes, bool written) {
    const auto address = reinterpret_cast<std::uintptr_t>(data);
    const Region* const region = memory().find(address);
    const std::size_t place = region ? address - region->first : 0;
    if (!region || !region->holds(address, bytes)) fake_cuda::violation("a copy out of bounds");
    if (!written)
        std::memset(region->written + place, 1, bytes);
    else if (std::memchr(region->written + place, 0, bytes))
        fake_cuda::violation("the host asks for " + std::to_string(bytes) +
                             " bytes, some of which nobody has written");
}

class PtxExecutor : public fake_cuda::Executor {
    std::function<void()> prepare(const fake_cuda::KernelLaunch& launch) override {
        const Function* const kernel = kernels().find(launch.symbol);
        if (!kernel) fake_cuda::violation("there is no PTX of " + fake_cuda::readable(launch.symbol.c_str()));
        Grid grid{launch.grid, launch.block, launch.shared_bytes, {}, launch.overlaps};
        grid.arguments.resize(kernel->parameter_bytes);
        for (std::size_t k = 0; k < kernel->parameters.size(); ++k)
            std::memcpy(grid.arguments.data() + kernel->parameters[k].offset, launch.arguments[k],
                        kernel->parameters[k].bytes);
        return [kernel, grid = std::move(grid)] { run(*kernel, grid); };
    }
    void give(const void* data, std::size_t bytes, char* contents, bool pinned) override {
        memory().add(data, bytes, contents, pinned);
    }
    void take_back(const void* data) override { memory().remove(data); }
    void write(const void* data, std::size_t bytes) override { check_known(data, bytes, false); }
    void read(const void* data, std::size_t bytes) override { check_known(data, bytes, true); }
    void copy(const void* to, const void* from, std::size_t bytes) override {
        const auto target = reinterpret_cast<std::uintptr_t>(to),
                   source = reinterpret_cast<std::uintptr_t>(from);
        const Region *const a = memory().find(target), *const b = memory().find(source);
        if (!a || !b || !a->holds(target, bytes) || !b->holds(source, bytes))
            fake_cuda::violation("a copy out of bounds");
        std::memmove(a->written + (target - a->first), b->written + (source - b->first), bytes);
    }
};

[[maybe_unused]] const bool behind_the_runtime = [] {
    static PtxExecutor one;
    fake_cuda::executor() = &one;
    return setenv("ADJOINT_CUDA_LIBRARIES", ADJOINT_PTX_LIBRARIES, 1) == 0;
}();

}  // namespace

void cannot(const std::string& what) { fake_cuda::violation("the machine for PTX cannot " + what); }

Kernels& kernels() {
    static auto* const all = [] {
        std::vector<std::string> files;
        std::ifstream list(ADJOINT_PTX_FILES);
        for (std::string file; std::getline(list, file);) files.push_back(file);
        return new Kernels(files);
    }();
    return *all;
}

KernelCount count_of(const std::string& name) {
    KernelCount sum;
    for (const auto& [symbol, count] : counts())
        if (fake_cuda::readable(symbol.c_str()).find(name) != std::string::npos) sum += count;
    return sum;
}

std::vector<std::string> never_launched() {
    std::vector<std::string> names;
    for (const std::string& symbol : kernels().symbols())
        if (!counts().contains(symbol)) names.push_back(fake_cuda::readable(symbol.c_str()));
    return names;
}

}  // namespace adjoint::ptx
