// Scanning of text tables and conversion of their numbers.
#include <adjoint/data/csv_scanner.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <limits>

#include <adjoint/core/base/format.h>
#include <adjoint/data/excerpt.h>

namespace adjoint::data {

namespace {

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

std::string_view trimmed(std::string_view text) {
    constexpr std::string_view blanks = " \t";
    const std::size_t first = text.find_first_not_of(blanks);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

/// For a decimal number that from_chars found out of range: whether it is too large rather than too small.
/// from_chars gives one code for both, so the position of the first digit that counts decides.
bool is_huge(std::string_view number) {
    const std::size_t exponent_mark = number.find_first_of("eE");
    const std::string_view digits = number.substr(0, exponent_mark);
    const std::size_t point = std::min(digits.find('.'), digits.size());
    const std::size_t leading = digits.find_first_of("123456789");
    if (leading == std::string_view::npos) return false;
    const auto magnitude = static_cast<std::int64_t>(point) - static_cast<std::int64_t>(leading);
    if (exponent_mark == std::string_view::npos) return magnitude > 0;
    std::string_view exponent = number.substr(exponent_mark + 1);
    const bool negative = exponent.starts_with('-');
    if (exponent.starts_with('+') || negative) exponent.remove_prefix(1);
    std::int64_t power = 0;
    const auto [end, code] = std::from_chars(exponent.data(), exponent.data() + exponent.size(), power);
    if (code == std::errc::result_out_of_range) return !negative;
    std::int64_t total = 0;
    if (__builtin_add_overflow(magnitude, negative ? -power : power, &total)) return !negative;
    return total > 0;
}

enum class Outcome : std::uint8_t { number, not_a_number, too_large };

/// Converts a trimmed, non-empty cell.
template <class T> Outcome convert(std::string_view cell, T& value) {
    std::string_view text = cell;
    const bool plus = text.starts_with('+');
    if (plus) text.remove_prefix(1);
    // from_chars would read nan(...) too, and a second sign must not pass.
    if (text.empty() || text.back() == ')' || (plus && text.front() == '-')) return Outcome::not_a_number;
    const char* const last = text.data() + text.size();
    const auto [end, code] = std::from_chars(text.data(), last, value);
    if (code == std::errc::invalid_argument || end != last) return Outcome::not_a_number;
    if (code != std::errc::result_out_of_range) return Outcome::number;
    if (is_huge(text)) return Outcome::too_large;
    value = text.starts_with('-') ? T(-0.0) : T(0);
    return Outcome::number;
}

// Whether a separator can be left out: digits in groups of three to the point, at most three in front.
bool has_groups_of_three(std::string_view text, char separator) {
    constexpr std::size_t group = 3;
    if (text.starts_with('+') || text.starts_with('-')) text.remove_prefix(1);
    std::size_t digits = 0, groups = 0;
    for (std::size_t i = 0; i <= text.size(); ++i) {
        if (i < text.size() && is_digit(text[i])) {
            ++digits;
            continue;
        }
        const bool separates = i < text.size() && text[i] == separator;
        if (groups == 0 ? separates && (digits == 0 || digits > group) : digits != group) return false;
        if (!separates) return text.find(separator, i) == std::string_view::npos;
        ++groups;
        digits = 0;
    }
    return true;
}

// As convert(), of text with separators between thousands.
template <class T> Outcome convert(std::string_view text, const CsvOptions& options, T& value) {
    if (options.thousands == '\0' || text.find(options.thousands) == std::string_view::npos)
        return convert(text, value);
    if (!has_groups_of_three(text, options.thousands)) return Outcome::not_a_number;
    std::string digits(text);
    std::erase(digits, options.thousands);
    return convert(digits, value);
}

// What an error says behind a cell that is no number.
std::string number_hint(std::string_view text, const CsvOptions& options) {
    const auto would_do = [&](CsvOptions other) { return is_number(text, other); };
    CsvOptions commas = options;
    commas.thousands = ',';
    if (options.thousands == '\0' && text.find(',') != std::string_view::npos && would_do(commas))
        return " (a point was expected, not a comma; {.thousands = ','} reads commas between thousands)";
    std::string point(text);
    std::replace(point.begin(), point.end(), ',', '.');
    if (point != text && is_number(point, options)) return " (a point was expected, not a comma)";
    if (options.thousands != '\0' && text.find(options.thousands) != std::string_view::npos)
        return fmt::format(" (with {} between groups of three digits)", excerpt({&options.thousands, 1}));
    for (const char* missing : {"NA", "N/A", "na", "n/a", "null", "NULL", "None", "?", "-", "."})
        if (text == missing) return fmt::format(" ({{.na_values = {{\"{}\"}}}} reads it as NaN)", missing);
    return delimiter_hint(text, options);
}

}  // namespace

std::string delimiter_hint(std::string_view cell, const CsvOptions& options) {
    for (const char other : {';', '\t', '|', ','})
        if (other != options.delimiter && cell.find(other) != std::string_view::npos)
            return fmt::format(" ({{.delimiter = '{}'}} would divide it)",
                               other == '\t' ? "\\t" : std::string(1, other));
    return "";
}

bool is_missing(std::string_view cell, const CsvOptions& options) {
    if (options.na_values.empty()) return false;
    const std::string_view text = trimmed(cell);
    return std::any_of(options.na_values.begin(), options.na_values.end(),
                       [&](const std::string& missing) { return text == trimmed(missing); });
}

bool is_number(std::string_view cell, const CsvOptions& options) {
    const std::string_view text = trimmed(cell);
    double value = 0;
    return !text.empty() && !is_missing(text, options) &&
           convert(text, options, value) != Outcome::not_a_number;
}

template <class T>
T parse_number(std::string_view cell, const CsvOptions& options, const std::string& path, std::int64_t line,
               std::int64_t column) {
    const std::string_view text = trimmed(cell);
    if (is_missing(text, options)) return std::numeric_limits<T>::quiet_NaN();
    if (text.empty()) {
        check<IoError>(options.empty_is_nan, "{}: line {}, column {}: empty where a number was expected",
                       path, line, column + 1);
        return std::numeric_limits<T>::quiet_NaN();
    }
    T value = 0;
    const Outcome outcome = convert(text, options, value);
    if (outcome == Outcome::not_a_number)
        fail<IoError>("{}: line {}, column {}: {} is not a number{}", path, line, column + 1, excerpt(text),
                      number_hint(text, options));
    if (outcome == Outcome::too_large)
        fail<IoError>("{}: line {}, column {}: {} is too large for {}", path, line, column + 1, excerpt(text),
                      sizeof(T) == 4 ? "f32; read it as f64" : "f64");
    return value;
}

template float parse_number(std::string_view, const CsvOptions&, const std::string&, std::int64_t,
                            std::int64_t);
template double parse_number(std::string_view, const CsvOptions&, const std::string&, std::int64_t,
                             std::int64_t);

CsvScanner::CsvScanner(std::string_view text, char delimiter, const std::string& path)
    : position_(text.data()),
      end_(text.data() + text.size()),
      delimiter_(delimiter),
      runs_(delimiter == ' '),
      path_(path) {
    constexpr std::string_view utf8_mark = "\xef\xbb\xbf", utf16_mark = "\xff\xfe",
                               utf16_swapped = "\xfe\xff";
    check<IoError>(!text.starts_with(utf16_mark) && !text.starts_with(utf16_swapped),
                   "{}: is UTF-16 text, expected UTF-8", path);
    if (text.starts_with(utf8_mark)) position_ += utf8_mark.size();
}

std::size_t CsvScanner::lines_left() const noexcept {
    std::size_t lines = 0;
    for (const char* at = position_; at != end_; ++lines) {
        const void* const found = std::memchr(at, '\n', static_cast<std::size_t>(end_ - at));
        at = found ? static_cast<const char*>(found) + 1 : end_;
    }
    return lines;
}

void CsvScanner::skip_blanks() noexcept {
    while (position_ != end_ && is_blank(*position_)) ++position_;
}

/// A carriage return ends a cell only where it ends the line.
bool CsvScanner::ends_cell(const char* at) const noexcept {
    if (at == end_ || *at == '\n' || *at == delimiter_) return true;
    if (*at == '\r') return at + 1 == end_ || at[1] == '\n';
    return runs_ && *at == '\t';
}

bool CsvScanner::begin_row() {
    for (;;) {
        const char* const start = position_;
        skip_blanks();
        if (position_ == end_) return false;
        const bool carriage_return = *position_ == '\r' && ends_cell(position_);
        if (*position_ != '\n' && !carriage_return) {
            // Leading blanks belong to the first cell, unless they are delimiters.
            if (!runs_) position_ = start;
            return true;
        }
        position_ += carriage_return ? 1 : 0;
        if (position_ == end_) return false;
        ++position_;
        ++line_;
    }
}

bool CsvScanner::next_cell() {
    if (runs_) skip_blanks();
    if (position_ == end_) return false;
    if (*position_ == delimiter_) {
        ++position_;
        return true;
    }
    if (*position_ == '\r' && ends_cell(position_)) {
        ++position_;
        if (position_ == end_) return false;
    }
    if (*position_ != '\n') return true;
    ++position_;
    ++line_;
    return false;
}

std::string_view CsvScanner::cell() {
    if (position_ != end_ && *position_ == '"') return quoted_cell();
    const char* const start = position_;
    while (!ends_cell(position_)) ++position_;
    return {start, position_};
}

std::string_view CsvScanner::quoted_cell() {
    const std::int64_t first_line = line_;
    unquoted_.clear();
    for (++position_;; ++position_) {
        const char* const start = position_;
        position_ = std::find(position_, end_, '"');
        check<IoError>(position_ != end_, "{}: line {}: a quote opens here and is never closed", path_,
                       first_line);
        unquoted_.append(start, position_);
        line_ += std::count(start, position_, '\n');
        ++position_;
        // A doubled quote stands for one; anything else ends the cell.
        if (position_ == end_ || *position_ != '"') break;
        unquoted_ += '"';
    }
    check<IoError>(ends_cell(position_), "{}: line {}: text follows a closing quote", path_, line_);
    return unquoted_;
}

/// Most cells of most tables are short integers: exact in a double, in need of no conversion routine.
template <class T> inline bool CsvScanner::short_integer(T& value) noexcept {
    constexpr std::ptrdiff_t exact_digits = 15;
    const char* at = position_;
    const bool negative = at != end_ && *at == '-';
    at += negative;
    const char* const first = at;
    const char* const last = end_ - first > exact_digits ? first + exact_digits : end_;
    std::int64_t magnitude = 0;
    for (; at != last && is_digit(*at); ++at) magnitude = 10 * magnitude + (*at - '0');
    if (at == first || !ends_cell(at)) return false;
    value = negative ? -static_cast<T>(magnitude) : static_cast<T>(magnitude);
    position_ = at;
    return true;
}

template <class T> std::int64_t CsvScanner::numbers(std::span<T> out, const CsvOptions& options) {
    const bool plain = options.na_values.empty();  // else -999 may be no number
    std::size_t count = 0;
    do {
        T value = 0;
        if (!plain || !short_integer(value)) {
            const std::int64_t line = line_;
            value = parse_number<T>(cell(), options, path_, line, static_cast<std::int64_t>(count));
        }
        if (count < out.size()) out[count] = value;
        ++count;
    } while (next_cell());
    return static_cast<std::int64_t>(count);
}

template std::int64_t CsvScanner::numbers(std::span<float>, const CsvOptions&);
template std::int64_t CsvScanner::numbers(std::span<double>, const CsvOptions&);

}  // namespace adjoint::data
