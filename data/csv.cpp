// Reading text tables into tensors and into cells.
#include <adjoint/data/csv.h>

#include <algorithm>
#include <cctype>
#include <utility>

#include <adjoint/core/base/format.h>
#include <adjoint/core/tensor/creation.h>
#include <adjoint/data/csv_scanner.h>
#include <adjoint/data/excerpt.h>
#include <adjoint/data/file.h>
#include <adjoint/data/memory.h>

namespace adjoint::data {

namespace {

std::vector<std::byte> read_text(const std::string& path, const CsvOptions& options) {
    const char d = options.delimiter;
    check<ValueError>(d != '"' && d != '\n' && d != '\r' && d != '\0', "csv: the delimiter cannot be {}",
                      excerpt({&d, 1}));
    const char t = options.thousands;
    check<ValueError>(std::string_view("+-.\"\n\r\t").find(t) == std::string_view::npos &&
                          !std::isalnum(static_cast<unsigned char>(t)),
                      "csv: {} cannot stand between thousands", excerpt({&t, 1}));
    check<ValueError>(options.dtype == DType::f32 || options.dtype == DType::f64,
                      "csv: numbers are read as f32 or f64, not as {}", name(options.dtype));
    if (!InputStream(path).compressed()) return read_maybe_gzip(path);
    return read_maybe_gzip(path, options.unpacked_limit);
}

std::string_view as_text(const std::vector<std::byte>& bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::vector<std::string> read_row(CsvScanner& scanner) {
    std::vector<std::string> row;
    do row.emplace_back(scanner.cell());
    while (scanner.next_cell());
    return row;
}

void skip_row(CsvScanner& scanner) {
    do scanner.cell();
    while (scanner.next_cell());
}

/// The first row, read ahead to learn the number of columns and whether there is a header. A row may be the
/// whole file: its cells are looked at, not kept.
struct FirstRow {
    std::int64_t columns = 0, line = 0;
    bool names_columns = false;
    std::string hint;  // at the delimiter, where it has one cell only

    FirstRow(CsvScanner scanner, const std::string& path, const CsvOptions& options) {
        check<IoError>(scanner.begin_row(), "{}: holds no rows", path);
        line = scanner.line();
        bool number = false, text = false;
        do {
            const std::string_view cell = scanner.cell();
            number = number || is_number(cell, options);
            text = text || !cell.empty();
            hint = columns == 0 ? delimiter_hint(cell, options) : "";
            ++columns;
        } while (scanner.next_cell());
        names_columns =
            options.header == CsvHeader::automatic ? text && !number : options.header == CsvHeader::yes;
    }

    void check_length(std::int64_t count, const std::string& path, std::int64_t row_line) const {
        check<IoError>(count == columns, "{}: line {} has {} columns, expected {} as in line {}{}", path,
                       row_line, count, columns, line, hint);
    }
};

template <class T>
Tensor read_numbers(const std::string& path, std::string_view text, const CsvOptions& options) {
    CsvScanner scanner(text, options.delimiter, path);
    const FirstRow first(scanner, path, options);
    if (first.names_columns && scanner.begin_row()) skip_row(scanner);
    const auto columns = static_cast<std::size_t>(first.columns);
    // Every cell but the last ends with a character, so no more rows than this can follow.
    const std::size_t most = std::min(scanner.lines_left(), (scanner.bytes_left() + 1) / columns);
    Tensor table = empty({static_cast<std::int64_t>(most), first.columns}, dtype_of<T>, Device::cpu());
    T* const data = reinterpret_cast<T*>(table.impl().data);
    std::size_t rows = 0;
    for (; scanner.begin_row(); ++rows) {
        const std::int64_t line = scanner.line();
        const std::span<T> row(data + rows * columns, rows < most ? columns : 0);
        first.check_length(scanner.numbers(row, options), path, line);
    }
    if (rows == most) return table;
    return tensor_from_host(data, {static_cast<std::int64_t>(rows), first.columns}, dtype_of<T>,
                            {.dtype = dtype_of<T>, .device = Device::cpu()});
}

template <class T> Tensor convert_columns(const CsvTable& table, const std::vector<std::int64_t>& positions) {
    std::vector<T> values = room_for<T>(table.rows.size() * positions.size(), table.path, "numbers");
    std::size_t at = 0;
    for (std::size_t i = 0; i < table.rows.size(); ++i)
        for (const std::int64_t position : positions)
            values[at++] = parse_number<T>(table.rows[i][static_cast<std::size_t>(position)], table.options,
                                           table.path, table.lines[i], position);
    return tensor(values,
                  {static_cast<std::int64_t>(table.rows.size()), static_cast<std::int64_t>(positions.size())},
                  Device::cpu());
}

}  // namespace

Tensor read_csv(const std::string& path, const CsvOptions& options) {
    return in_memory(path, [&] {
        const std::vector<std::byte> bytes = read_text(path, options);
        return options.dtype == DType::f32 ? read_numbers<float>(path, as_text(bytes), options)
                                           : read_numbers<double>(path, as_text(bytes), options);
    });
}

namespace {

CsvTable read_cells(const std::string& path, const CsvOptions& options) {
    const std::vector<std::byte> bytes = read_text(path, options);
    CsvScanner scanner(as_text(bytes), options.delimiter, path);
    const FirstRow first(scanner, path, options);
    CsvTable table{.path = path, .columns = {}, .rows = {}, .lines = {}, .options = options};
    bool header = first.names_columns;
    while (scanner.begin_row()) {
        const std::int64_t line = scanner.line();
        std::vector<std::string> row = read_row(scanner);
        first.check_length(static_cast<std::int64_t>(row.size()), path, line);
        if (std::exchange(header, false)) {
            table.columns = std::move(row);
            continue;
        }
        table.rows.push_back(std::move(row));
        table.lines.push_back(line);
    }
    return table;
}

}  // namespace

CsvTable read_csv_table(const std::string& path, const CsvOptions& options) {
    return in_memory(path, [&] { return read_cells(path, options); });
}

std::int64_t CsvTable::column_count() const noexcept {
    return static_cast<std::int64_t>(rows.empty() ? columns.size() : rows.front().size());
}

std::int64_t CsvTable::column(std::string_view name) const {
    const auto found = std::find(columns.begin(), columns.end(), name);
    check<IndexError>(found != columns.end(), "{}: no column {}; the columns are: {}{}", path, excerpt(name),
                      columns.empty() ? "without names" : fmt::format("{}", fmt::join(columns, ", ")),
                      columns.size() == 1 ? delimiter_hint(columns[0], options) : "");
    const auto another = std::find(found + 1, columns.end(), name);
    check<IndexError>(another == columns.end(), "{}: columns {} and {} are both called {}; ask by position",
                      path, found - columns.begin(), another - columns.begin(), excerpt(name));
    return found - columns.begin();
}

Tensor CsvTable::numbers(const std::vector<std::int64_t>& positions) const {
    check<ValueError>(!positions.empty(), "{}: no columns asked for", path);
    for (const std::int64_t position : positions)
        check<IndexError>(position >= 0 && position < column_count(), "{}: column {} is outside [0, {})",
                          path, position, column_count());
    return in_memory(path, [&] {
        return options.dtype == DType::f32 ? convert_columns<float>(*this, positions)
                                           : convert_columns<double>(*this, positions);
    });
}

std::vector<std::string> CsvTable::text(std::int64_t position) const {
    check<IndexError>(position >= 0 && position < column_count(), "{}: column {} is outside [0, {})", path,
                      position, column_count());
    return in_memory(path, [&] {
        std::vector<std::string> cells;
        for (const auto& row : rows) {
            const std::string& cell = row[static_cast<std::size_t>(position)];
            cells.push_back(is_missing(cell, options) ? "" : cell);
        }
        return cells;
    });
}

CsvTable CsvTable::select(std::span<const std::int64_t> numbers_of_rows) const {
    CsvTable out{.path = path, .columns = columns, .rows = {}, .lines = {}, .options = options};
    for (const std::int64_t row : numbers_of_rows) {
        check<IndexError>(row >= 0 && row < static_cast<std::int64_t>(rows.size()),
                          "{}: row {} is outside [0, {})", path, row, rows.size());
        out.rows.push_back(rows[static_cast<std::size_t>(row)]);
        out.lines.push_back(lines[static_cast<std::size_t>(row)]);
    }
    return out;
}

CsvCategories CsvTable::categories(std::int64_t position) const {
    const std::vector<std::string> cells = text(position);
    return in_memory(path, [&] {
        std::vector<std::string> names = cells;
        std::sort(names.begin(), names.end());
        names.erase(std::unique(names.begin(), names.end()), names.end());
        std::vector<std::int64_t> labels;
        for (const std::string& cell : cells)
            labels.push_back(std::lower_bound(names.begin(), names.end(), cell) - names.begin());
        return CsvCategories{tensor(labels, Shape{static_cast<std::int64_t>(labels.size())}, Device::cpu()),
                             std::move(names)};
    });
}

}  // namespace adjoint::data
