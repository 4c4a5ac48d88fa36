// Sizes as formulas: what a number is made of that differs between two runs. Private.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace adjoint::onnx::exporting {

/// A dynamic axis: its sizes in the two runs, and where it can be read.
struct Symbol {
    std::string name, input;
    int axis = 0;
    std::int64_t first = 0, second = 0;
};

/// A number in the two runs.
struct Pair {
    std::int64_t first = 0, second = 0;
    bool fixed() const noexcept { return first == second; }
    bool operator==(const Pair&) const noexcept = default;
};
using Pairs = std::vector<Pair>;

/// factor s_1 .. s_n + offset, for symbols by their places.
struct SizeFormula {
    std::int64_t factor = 1, offset = 0;
    std::vector<std::size_t> symbols;
};

/// The formula of a number that is not fixed: a multiple of one symbol or, if there is none such, of two, or
/// else of one with an offset. Nothing if none fits, or several do equally well.
std::optional<SizeFormula> formula_of(const Pair& size, const std::vector<Symbol>& symbols);

}  // namespace adjoint::onnx::exporting
