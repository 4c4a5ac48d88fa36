// Sizes as formulas: what a number is made of that differs between the runs. Private.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace adjoint::onnx::exporting {

/// A size, or a place or count along a dimension: its value in each run.
struct Size {
    std::vector<std::int64_t> runs;
    bool fixed() const noexcept {
        return std::ranges::all_of(runs, [&](std::int64_t value) { return value == runs[0]; });
    }
    std::int64_t first() const noexcept { return runs[0]; }
    bool operator==(const Size&) const noexcept = default;
};
using Sizes = std::vector<Size>;

/// f of sizes, run by run.
template <class F, class... More> Size each_run(F&& f, const Size& size, const More&... more) {
    Size result;
    for (std::size_t i = 0; i < size.runs.size(); ++i)
        result.runs.push_back(f(size.runs[i], more.runs[i]...));
    return result;
}

/// A dynamic axis: its size in each run, and where it can be read.
struct Symbol {
    std::string name, input;
    int axis = 0;
    Size size = {};
};

/// factor s_1 .. s_n + offset, for symbols by their places.
struct SizeFormula {
    std::int64_t factor = 1, offset = 0;
    std::vector<std::size_t> symbols;
};

/// The formula of a size that is not fixed: a multiple of one symbol or, if there is none such, of two, or
/// else of one with an offset. Nothing if none fits all runs, or several do equally well.
std::optional<SizeFormula> formula_of(const Size& size, const std::vector<Symbol>& symbols);

}  // namespace adjoint::onnx::exporting
