// Formulas tried from the simplest on.
#include <adjoint/onnx/export/sizes.h>

namespace adjoint::onnx::exporting {
namespace {

std::optional<SizeFormula> only(const std::vector<SizeFormula>& found) {
    return found.size() == 1 ? std::optional(found[0]) : std::nullopt;
}

// factor `of` + offset, with a factor above 0; by the first run in which `of` is another size.
std::optional<SizeFormula> line(const Size& size, const Size& of, std::vector<std::size_t> symbols) {
    const auto other = static_cast<std::size_t>(
        std::ranges::find_if(of.runs, [&](std::int64_t n) { return n != of.first(); }) - of.runs.begin());
    if (other == of.runs.size()) return std::nullopt;
    const std::int64_t grown = of.runs[other] - of.first(), more = size.runs[other] - size.first();
    if (more % grown != 0 || more / grown <= 0) return std::nullopt;
    const std::int64_t factor = more / grown, offset = size.first() - factor * of.first();
    if (each_run([&](std::int64_t n) { return factor * n + offset; }, of) != size) return std::nullopt;
    return SizeFormula{factor, offset, std::move(symbols)};
}

}  // namespace

std::optional<SizeFormula> formula_of(const Size& size, const std::vector<Symbol>& symbols) {
    std::vector<SizeFormula> multiples, products, lines;
    for (std::size_t i = 0; i < symbols.size(); ++i) {
        if (const auto found = line(size, symbols[i].size, {i}))
            (found->offset == 0 ? multiples : lines).push_back(*found);
        for (std::size_t j = i; j < symbols.size(); ++j) {
            const Size product = each_run([](std::int64_t a, std::int64_t b) { return a * b; },
                                          symbols[i].size, symbols[j].size);
            const auto found = line(size, product, {i, j});
            if (found && found->offset == 0) products.push_back(*found);
        }
    }
    return only(!multiples.empty() ? multiples : !products.empty() ? products : lines);
}

}  // namespace adjoint::onnx::exporting
