// Text from a file the way error messages show it: in quotes, shortened, without control characters. Private.
#pragma once

#include <string>
#include <string_view>

#include <adjoint/core/base/export.h>

namespace adjoint::data {

ADJOINT_API std::string excerpt(std::string_view text);

}  // namespace adjoint::data
