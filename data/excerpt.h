// Text from a file the way error messages show it: in quotes, shortened, without control characters. Private.
#pragma once

#include <string>
#include <string_view>

namespace adjoint::data {

std::string excerpt(std::string_view text);

}  // namespace adjoint::data
