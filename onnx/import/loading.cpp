// The list of what is not supported.
#include <adjoint/onnx/import/loading.h>

#include <adjoint/core/base/format.h>
#include <adjoint/onnx/import/unsupported.h>

namespace adjoint::onnx {

namespace {

std::string joined_reasons(const std::vector<std::string>& reasons) {
    std::string text = "onnx: the model asks for what is not supported";
    for (const std::string& reason : reasons) text += "\n  " + reason;
    return text;
}

}  // namespace

UnsupportedError::UnsupportedError(std::vector<std::string> reasons)
    : Error(joined_reasons(reasons)), reasons_(std::move(reasons)) {}

void Refusals::check() const {
    constexpr std::size_t most_named = 8;
    if (all_.empty()) return;
    std::vector<std::string> reasons;
    for (const auto& [what, who] : all_) {
        std::string reason = what;
        for (std::size_t i = 0; i < who.size() && i < most_named; ++i)
            reason += (i == 0 ? ": " : ", ") + who[i];
        if (who.size() > most_named) reason += fmt::format(" and {} more", who.size() - most_named);
        reasons.push_back(std::move(reason));
    }
    throw UnsupportedError(std::move(reasons));
}

}  // namespace adjoint::onnx
