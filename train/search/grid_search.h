// Grid search: all combinations of some settings, each tried once, and which was best.
//
//     const train::GridResult result = train::grid_search(
//         {{"lr", {0.1, 0.01}}, {"hidden", {16, 64}}}, [&](const train::Settings& s) {
//             const nn::Sequential model = make(static_cast<int>(s.at("hidden")));
//             ...
//             return train::evaluate(model, nn::CrossEntropyLoss(), validation).loss;
//         });
//     std::printf("%s", train::to_string(result).c_str());
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <adjoint/core/base/export.h>

namespace adjoint::train {

/// What a setting is in one try: a number, or a text that the caller reads, as "512+256+128" or "adam".
class ADJOINT_API Setting {
  public:
    /// Of a number of any type, or of a text.
    template <class T>
    requires std::is_arithmetic_v<T> Setting(T number) : number_(static_cast<double>(number)) {}
    Setting(std::string text) : text_(std::move(text)) {}
    Setting(const char* text) : text_(text) {}

    /// The number.
    /// errors: ValueError for a text.
    operator double() const;
    /// The text, or the number in digits.
    std::string text() const;
    /// Whether it is a number: an empty text counts as 0.
    bool is_number() const noexcept { return text_.empty(); }

  private:
    double number_ = 0;
    std::string text_;
};

/// The values of a try by name.
using Settings = std::map<std::string, Setting>;
/// What each setting may be, in the order of the table's columns; the last one changes fastest.
using Grid = std::vector<std::pair<std::string, std::vector<Setting>>>;

/// Whether smaller or larger scores are better.
enum class Better { smaller, larger };

/// One setting and how it did.
struct GridRow {
    std::vector<Setting> settings;  ///< in the order of GridResult::names
    double score = 0;
    double seconds = 0;
};
/// All settings, the best first.
struct GridResult {
    std::vector<std::string> names;
    std::vector<GridRow> rows;  ///< in the order they were tried
    std::size_t best = 0;       ///< which row; a NaN score is never the best, of equals it is the first

    /// The settings of the best row.
    ADJOINT_API Settings best_settings() const;
};

/// Calls `run` once for every combination. Each starts with the generator as it stood before the first, so
/// that only the settings differ.
/// errors: ValueError for an empty grid, a setting without values or given twice; whatever `run` throws.
ADJOINT_API GridResult grid_search(const Grid& grid, const std::function<double(const Settings&)>& run,
                                   Better better = Better::smaller);

/// The same for the combinations that a table lists instead, one in each of its rows.
/// errors: ValueError for a table without rows or names, a name given twice, a row of another length;
/// whatever `run` throws.
ADJOINT_API GridResult grid_search(const std::vector<std::string>& names,
                                   const std::vector<std::vector<Setting>>& rows,
                                   const std::function<double(const Settings&)>& run,
                                   Better better = Better::smaller);

/// A table with a line for each try, the best one marked with a star.
ADJOINT_API std::string to_string(const GridResult& result);
/// One row per try under a header: the settings, score, seconds.
ADJOINT_API std::string to_csv(const GridResult& result);

}  // namespace adjoint::train
