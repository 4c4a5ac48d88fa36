// Formulas tried from the simplest on.
#include <adjoint/onnx/export/sizes.h>

namespace adjoint::onnx::exporting {
namespace {

std::optional<SizeFormula> only(const std::vector<SizeFormula>& found) {
    return found.size() == 1 ? std::optional(found[0]) : std::nullopt;
}

}  // namespace

std::optional<SizeFormula> formula_of(const Pair& size, const std::vector<Symbol>& symbols) {
    const auto multiple = [&](std::int64_t first, std::int64_t second) {
        return first > 0 && size.first % first == 0 && size.second % second == 0 &&
               size.first / first == size.second / second;
    };
    std::vector<SizeFormula> found;
    for (std::size_t i = 0; i < symbols.size(); ++i)
        if (multiple(symbols[i].first, symbols[i].second))
            found.push_back({size.first / symbols[i].first, 0, {i}});
    if (!found.empty()) return only(found);
    for (std::size_t i = 0; i < symbols.size(); ++i)
        for (std::size_t j = i; j < symbols.size(); ++j) {
            const std::int64_t first = symbols[i].first * symbols[j].first,
                               second = symbols[i].second * symbols[j].second;
            if (multiple(first, second)) found.push_back({size.first / first, 0, {i, j}});
        }
    if (!found.empty()) return only(found);
    for (std::size_t i = 0; i < symbols.size(); ++i) {
        const std::int64_t grown = symbols[i].second - symbols[i].first, more = size.second - size.first;
        if (grown != 0 && more % grown == 0 && more / grown > 0)
            found.push_back({more / grown, size.first - more / grown * symbols[i].first, {i}});
    }
    return only(found);
}

}  // namespace adjoint::onnx::exporting
