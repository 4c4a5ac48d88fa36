// A machine that runs the kernels of PTX, one thread at a time, and looks at every step.
//
// What it finds ends the program: accesses out of bounds or not aligned, in device, shared and local memory
// and in parameters; reads of what nobody wrote; threads that use one place without a barrier in between,
// one of them writing; exchanges that not all lanes of the mask reach; barriers that some threads of a block
// never reach, or that are not the same one; integers divided by 0; a kernel that does not end.
//
// In the environment: ADJOINT_PTX_ORDER=forward (the default), reverse, or random:SEED, in which threads and
// blocks take turns of some instructions.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "program.h"

namespace adjoint::ptx {

/// The instruction that runs now has done what none may.
[[noreturn]] void finding(const Instruction& at, const std::string& what);

/// What a kernel has done since the program began.
struct KernelCount {
    std::uint64_t launches = 0, instructions = 0;     // instructions of threads
    std::uint64_t accesses = 0, wide = 0, bytes = 0;  // of device memory; `wide`: of 16 bytes

    KernelCount operator-(const KernelCount& other) const;
    KernelCount& operator+=(const KernelCount& other);
};

/// The kernels of all files, by symbol.
class Kernels {
  public:
    explicit Kernels(const std::vector<std::string>& files);
    /// Null if none of the files has it.
    const Function* find(const std::string& symbol) const;
    std::vector<std::string> symbols() const;
    /// The file and line of an instruction.
    static std::string place(const Function& function, const Instruction& at);
    /// Gives the kernels whose name contains `name` another text; returns how many it changed.
    int change(const std::string& name, const std::function<std::string(std::string)>& edit);
    /// Arrays of the modules themselves.
    const std::vector<std::unique_ptr<Module>>& modules() const { return modules_; }

  private:
    std::vector<std::unique_ptr<Module>> modules_;
    std::map<std::string, Function*> kernels_;
};

struct Grid {
    dim3 blocks, threads;
    std::size_t dynamic_bytes;
    std::vector<std::byte> arguments;  // laid out as the kernel's parameters
    bool overlaps = false;             // begins before the launches in front of it have ended
};

/// Runs a kernel on the memory that `memory()` knows.
void run(const Function& kernel, const Grid& grid);

class Memory;
Memory& memory();

/// By symbol, of all that ran.
std::map<std::string, KernelCount>& counts();

}  // namespace adjoint::ptx
