// Which cards the code of this build runs on.
#pragma once

#include <string>
#include <string_view>

namespace adjoint::cuda_backend {

/// Whether code for `architectures`, in CMake's spelling ("80-real 90-real 90-virtual"), runs on a card of
/// compute capability major.minor: real code on the same major and an equal or higher minor, virtual code on
/// all later cards.
bool covers(std::string_view architectures, int major, int minor);

/// "sm_80 sm_90 compute_90": real and virtual code in NVIDIA's spelling.
std::string architecture_names(std::string_view architectures);

/// What this build was configured with.
std::string_view built_architectures();

}  // namespace adjoint::cuda_backend
