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

std::string detail::from_to(std::int64_t from, std::int64_t to) { return fmt::format("{} -> {}", from, to); }

}  // namespace adjoint::nn
