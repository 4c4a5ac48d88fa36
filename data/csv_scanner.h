// Cuts the text of a table into rows and cells in one pass over the buffer. Private.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include <adjoint/data/csv.h>

namespace adjoint::data {

/// Usage: while (begin_row()) numbers(..), or while (begin_row()) do { cell() } while (next_cell());
class CsvScanner {
  public:
    /// The text must outlive the scanner.
    /// errors (of all members): IoError naming the line.
    CsvScanner(std::string_view text, char delimiter, const std::string& path);

    /// Skips blank lines; false at the end of the text.
    bool begin_row();
    /// The next cell without its quotes; valid until the next call.
    std::string_view cell();
    /// The row's cells as numbers: fills `out`, skips what is beyond it, returns how many cells there are.
    template <class T> std::int64_t numbers(std::span<T> out, const CsvOptions& options);
    /// Steps over the delimiter, or over the end of the row and returns false.
    bool next_cell();

    /// The line at hand, from 1.
    std::int64_t line() const noexcept { return line_; }
    /// Lines from here to the end, a bound on the rows to come.
    std::size_t lines_left() const noexcept;
    std::size_t bytes_left() const noexcept { return static_cast<std::size_t>(end_ - position_); }

  private:
    bool is_blank(char c) const noexcept { return c == ' ' || (c == '\t' && delimiter_ != '\t'); }
    bool ends_cell(const char* at) const noexcept;
    void skip_blanks() noexcept;
    template <class T> bool short_integer(T& value) noexcept;
    std::string_view quoted_cell();

    const char* position_;
    const char* end_;
    char delimiter_;
    bool runs_;  // the delimiter is any run of blanks
    const std::string& path_;
    std::int64_t line_ = 1;
    std::string unquoted_;
};

/// One number from a cell.
/// errors: IoError with the path, line and column (from 0).
template <class T>
T parse_number(std::string_view cell, const CsvOptions& options, const std::string& path, std::int64_t line,
               std::int64_t column);
/// What an error says of a cell that another delimiter would make several of, or nothing.
std::string delimiter_hint(std::string_view cell, const CsvOptions& options);
/// Whether parse_number would make a number of the cell other than the NaN of an empty or a missing one.
bool is_number(std::string_view cell, const CsvOptions& options);
/// Whether the cell is one of options.na_values.
bool is_missing(std::string_view cell, const CsvOptions& options);

}  // namespace adjoint::data
