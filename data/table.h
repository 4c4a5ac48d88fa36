// Mixed tables made ready for a network: categories as numbers, and a whole table in one step that is fitted
// on the training data, saved with the model and loaded where the model is used.
//
//     const auto prepared = data::TablePreparation::fit(table, {.numbers = {"age", "income"},
//                                                               .categories = {"city"}});
//     const Tensor x = prepared.transform(table);  // (rows, 2 + cities)
//     data::save_safetensors(path, data::joined({{"model.", model.state()}, {"table.", prepared.state()}}));
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <adjoint/data/csv.h>
#include <adjoint/data/features.h>
#include <adjoint/data/safetensors.h>

namespace adjoint::data {

struct CategoryOptions {
    std::string column = {};     ///< what errors call it
    bool unknown = false;        ///< a number, the last, for what the fit has not seen; else that is an error
    std::int64_t min_count = 1;  ///< what the fit has seen fewer times counts as unknown
};

/// The different texts of a column in ascending order, and their numbers. A missing one, "", is a category
/// like the others.
class ADJOINT_API CategoryEncoder {
  public:
    /// errors: ValueError for an empty column, a min_count below 1, and one above without `unknown`.
    static CategoryEncoder fit(const std::vector<std::string>& values, const CategoryOptions& options = {});

    /// The number of each text.
    /// shapes: (values), i64.
    /// errors: ValueError naming the column and the first text that was not seen, unless it has a number.
    Tensor transform(const std::vector<std::string>& values) const;
    /// The number of a text, none if it was not seen and there is none for that.
    std::optional<std::int64_t> find(std::string_view value) const;

    /// The name of the column.
    const std::string& column() const noexcept { return column_; }
    const std::vector<std::string>& names() const noexcept { return names_; }  ///< without the unknown
    /// How many numbers there are.
    std::int64_t size() const noexcept {
        return static_cast<std::int64_t>(names_.size()) + (unknown_ ? 1 : 0);
    }

    /// load() makes one of them.
    /// errors of load: ValueError for what is no state of one.
    NamedTensors state() const;
    static CategoryEncoder load(const NamedTensors& state);

  private:
    CategoryEncoder(std::string column, std::vector<std::string> names, bool unknown);

    std::string column_;
    std::vector<std::string> names_;
    bool unknown_;
};

struct TableOptions {
    std::vector<std::string> numbers = {}, categories = {};  ///< columns by their names in the header
    Fill fill = {};                                          ///< of missing numbers
    bool standardize = true;  ///< numbers to mean 0 and standard deviation 1, behind the filling
    bool unknown = false;     ///< a feature for categories that the fit has not seen; else they are an error
    std::int64_t min_count = 1;  ///< categories that the fit has seen fewer times count as unknown
};

/// A table as features: numbers filled and standardised, then each category as as many features as it has
/// names, of which one is 1.
class ADJOINT_API TablePreparation {
  public:
    /// errors: IndexError for a column that is not there; IoError of a cell that is no number; ValueError
    /// naming a column of numbers without any, for a column named twice, no columns or no rows.
    static TablePreparation fit(const CsvTable& table, const TableOptions& options);

    /// shapes: (rows, features), of the type that the table's options say.
    /// errors: as fit; ValueError with file, line and column of a category that was not seen; DTypeError for
    /// numbers of another type than that of the fit.
    Tensor transform(const CsvTable& table) const;

    /// "age", "city=Seoul", "city=(unknown)": what each feature is.
    std::vector<std::string> features() const;

    /// load() makes one of them.
    /// errors of load: ValueError for what is no state of one.
    NamedTensors state() const;
    static TablePreparation load(const NamedTensors& state);

  private:
    TablePreparation() = default;
    Tensor numbers_of(const CsvTable& table) const;

    std::vector<std::string> numbers_;
    std::optional<Imputer> imputer_;
    std::optional<Standardizer> standardizer_;
    std::vector<CategoryEncoder> encoders_;
};

}  // namespace adjoint::data
