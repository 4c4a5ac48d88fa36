// The machine behind the fake runtime: every launch of the program runs what nvcc made of its kernel.
//
// Needs nothing but to be linked. The libraries that the program would open hold nothing, so that its own
// products and convolutions run. What a kernel may do is said in machine.h, what a program may do in
// cuda_fake_runtime/runtime/fake.h; kernels from nobody's PTX are violations, too.
#pragma once

#include <string>
#include <vector>

#include "machine.h"

namespace adjoint::ptx {

/// All kernels of the library, and those of the tests' own files.
Kernels& kernels();

/// What the kernels whose readable name contains `name` have done so far.
KernelCount count_of(const std::string& name);

/// Readable names of the kernels that nothing has launched.
std::vector<std::string> never_launched();

}  // namespace adjoint::ptx
