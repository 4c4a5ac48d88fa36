// The options of a layer as text.
#include <adjoint/nn/describe.h>

#include <adjoint/core/base/format.h>

namespace adjoint::nn {

std::string detail::describe(std::initializer_list<std::pair<const char*, double>> options) {
    std::string text;
    for (const auto& [name, value] : options)
        text += fmt::format("{}{}={}", text.empty() ? "" : ", ", name, value);
    return text;
}

}  // namespace adjoint::nn
