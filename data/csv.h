// Text tables: numbers separated by commas, other characters, or runs of spaces; and tables of mixed columns.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <adjoint/core/tensor/tensor.h>

namespace adjoint::data {

/// Whether the first row names the columns; `automatic`: it does if it has some text and no number.
enum class CsvHeader : std::uint8_t { automatic, yes, no };

struct CsvOptions {
    char delimiter = ',';  ///< ' ' stands for any run of spaces and tabs
    CsvHeader header = CsvHeader::automatic;
    DType dtype = DType::f32;  ///< of read_csv's result: f32 or f64
    bool empty_is_nan = true;  ///< an empty number is NaN; otherwise an error
    std::vector<std::string> na_values =
        {};                 ///< what stands for missing in this file, "NA", "-999", as it is
                            ///< written: NaN among numbers, "" among categories
    char thousands = '\0';  ///< between groups of three digits, "1,234,567.5"; other groups are an error
    std::uint64_t unpacked_limit = std::uint64_t{4} << 30;  ///< of a gzip archive, in bytes
};

/// Names in ascending order, and for each row the position of its name among them: i64 (rows).
struct CsvCategories {
    Tensor labels;
    std::vector<std::string> names;
};

/// A table whose cells are text. The columns of numbers and of categories become tensors on request.
struct ADJOINT_API CsvTable {
    std::string path;
    std::vector<std::string> columns;            ///< the header, empty if there is none
    std::vector<std::vector<std::string>> rows;  ///< all of one length
    std::vector<std::int64_t> lines;             ///< line of the file on which each row starts
    CsvOptions options;

    /// The number of columns.
    std::int64_t column_count() const noexcept;
    /// Position of a column by its name in the header.
    /// errors: IndexError naming the columns there are.
    std::int64_t column(std::string_view name) const;
    /// The columns at these positions as numbers of options.dtype: (rows, positions).
    /// errors: IndexError; IoError naming line and column of a cell that is no number.
    Tensor numbers(const std::vector<std::int64_t>& positions) const;
    /// The column at this position as text, "" for what is missing.
    /// errors: IndexError.
    std::vector<std::string> text(std::int64_t position) const;
    /// The rows of these numbers, in this order.
    /// errors: IndexError.
    CsvTable select(std::span<const std::int64_t> numbers_of_rows) const;
    /// The column as class numbers.
    /// errors: IndexError.
    CsvCategories categories(std::int64_t position) const;
};

/// A table of numbers, (rows, columns), plain or gzip; a header, blank lines and a BOM are skipped.
/// cells: digits with a decimal point in any locale, nan, inf, blanks around, quotes as in RFC 4180.
/// dtypes: f32 or f64 by options; what is too large for it is an error, what is too small is 0.
/// errors: IoError with the line of a ragged row, of text that is no number, of a quote without end, and for
/// an archive that unpacks to more than options.unpacked_limit; OutOfMemoryError.
ADJOINT_API Tensor read_csv(const std::string& path, const CsvOptions& options = {});

/// The same file format with the cells kept as text.
ADJOINT_API CsvTable read_csv_table(const std::string& path, const CsvOptions& options = {});

}  // namespace adjoint::data
