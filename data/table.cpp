// Category encoders, and tables prepared by them and by what prepares numbers.
#include <adjoint/data/table.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <utility>

#include <adjoint/core/base/format.h>
#include <adjoint/core/tensor/creation.h>
#include <adjoint/data/excerpt.h>
#include <adjoint/data/state.h>
#include <adjoint/data/state_parts.h>

namespace adjoint::data {
namespace {

constexpr std::size_t names_in_message = 8;

// Some of what there is, for errors.
std::string listed(const std::vector<std::string>& names) {
    std::vector<std::string> some;
    for (std::size_t i = 0; i < std::min(names.size(), names_in_message); ++i)
        some.push_back(excerpt(names[i]));
    return fmt::format(
        "{}{}", fmt::join(some, ", "),
        names.size() > some.size() ? fmt::format(" and {} more", names.size() - some.size()) : "");
}

[[noreturn]] void throw_unseen(const std::string& place, const std::string& value,
                               const CategoryEncoder& encoder) {
    fail<ValueError>("{}: {} was not seen in the fit ({}); fit with {{.unknown = true}} to give it a number",
                     place, excerpt(value), listed(encoder.names()));
}

std::vector<std::int64_t> positions_of(const CsvTable& table, const std::vector<std::string>& columns) {
    std::vector<std::int64_t> positions;
    for (const std::string& column : columns) positions.push_back(table.column(column));
    return positions;
}

void check_columns(const CsvTable& table, const TableOptions& options) {
    std::set<std::string> met;
    for (const auto* columns : {&options.numbers, &options.categories})
        for (const std::string& column : *columns)
            check<ValueError>(met.insert(column).second, "TablePreparation::fit: column {} is named twice",
                              excerpt(column));
    check<ValueError>(!met.empty() && !table.rows.empty(),
                      "TablePreparation::fit: {} columns of {} rows of {}", met.size(), table.rows.size(),
                      table.path);
}

// A column without any number has no mean; here it has a name.
void check_present(const CsvTable& table, const std::vector<std::string>& columns, const Tensor& numbers) {
    const std::vector<double> values = numbers.to_vector<double>();
    for (std::size_t column = 0; column < columns.size(); ++column) {
        bool present = false;
        for (std::size_t i = column; i < values.size(); i += columns.size()) {
            check<ValueError>(!std::isinf(values[i]), "{}: line {}, column {}: {} cannot be standardised",
                              table.path, table.lines[i / columns.size()], columns[column], values[i]);
            present = present || !std::isnan(values[i]);
        }
        check<ValueError>(present, "{}: column {} has no numbers, leave it out", table.path, columns[column]);
    }
}

}  // namespace

CategoryEncoder::CategoryEncoder(std::string column, std::vector<std::string> names, bool unknown)
    : column_(std::move(column)), names_(std::move(names)), unknown_(unknown) {}

CategoryEncoder CategoryEncoder::fit(const std::vector<std::string>& values, const CategoryOptions& options) {
    check<ValueError>(!values.empty(), "CategoryEncoder::fit: column {} has no rows",
                      excerpt(options.column));
    check<ValueError>(options.min_count == 1 || (options.min_count > 1 && options.unknown),
                      "CategoryEncoder::fit: min_count {}, expected 1, or with {{.unknown = true}} more",
                      options.min_count);
    std::map<std::string, std::int64_t> counts;
    for (const std::string& value : values) ++counts[value];
    std::vector<std::string> names;
    for (const auto& [name, count] : counts)
        if (count >= options.min_count) names.push_back(name);
    return {options.column, std::move(names), options.unknown};
}

std::optional<std::int64_t> CategoryEncoder::find(std::string_view value) const {
    const auto found = std::lower_bound(names_.begin(), names_.end(), value);
    if (found != names_.end() && *found == value) return found - names_.begin();
    return unknown_ ? std::optional(size() - 1) : std::nullopt;
}

Tensor CategoryEncoder::transform(const std::vector<std::string>& values) const {
    std::vector<std::int64_t> numbers;
    for (const std::string& value : values) {
        const auto number = find(value);
        if (!number)
            throw_unseen(fmt::format("CategoryEncoder: column {}, row {}", excerpt(column_), numbers.size()),
                         value, *this);
        numbers.push_back(*number);
    }
    return tensor(numbers, Shape{static_cast<std::int64_t>(numbers.size())}, Device::cpu());
}

NamedTensors CategoryEncoder::state() const {
    NamedTensors state;
    append_strings(state, "column", {column_});
    append_strings(state, "names", names_);
    state.emplace_back("unknown", tensor<std::int64_t>({unknown_ ? 1 : 0}, {1}));
    return state;
}

CategoryEncoder CategoryEncoder::load(const NamedTensors& state) {
    const StateReader reader(state, "CategoryEncoder::load");
    const std::vector<std::string> column = reader.strings("column");
    std::vector<std::string> names = reader.strings("names");
    const std::vector<std::int64_t> unknown = reader.integers("unknown");
    if (column.size() != 1) reader.refuse("column is not one name");
    if (unknown.size() != 1 || (unknown[0] != 0 && unknown[0] != 1))
        reader.refuse("unknown is neither 0 nor 1");
    if (std::adjacent_find(names.begin(), names.end(), std::greater_equal<>()) != names.end())
        reader.refuse("names are not in ascending order");
    return {column[0], std::move(names), unknown[0] == 1};
}

TablePreparation TablePreparation::fit(const CsvTable& table, const TableOptions& options) {
    check_columns(table, options);
    TablePreparation prepared;
    prepared.numbers_ = options.numbers;
    if (!options.numbers.empty()) {
        const Tensor numbers = table.numbers(positions_of(table, options.numbers));
        check_present(table, options.numbers, numbers);
        prepared.imputer_ = Imputer::fit(numbers, options.fill);
        if (options.standardize)
            prepared.standardizer_ = Standardizer::fit(prepared.imputer_->transform(numbers));
    }
    for (const std::string& column : options.categories)
        prepared.encoders_.push_back(CategoryEncoder::fit(
            table.text(table.column(column)),
            {.column = column, .unknown = options.unknown, .min_count = options.min_count}));
    return prepared;
}

Tensor TablePreparation::numbers_of(const CsvTable& table) const {
    const Tensor filled = imputer_->transform(table.numbers(positions_of(table, numbers_)));
    return standardizer_ ? standardizer_->transform(filled) : filled;
}

Tensor TablePreparation::transform(const CsvTable& table) const {
    const std::size_t width = features().size(), rows = table.rows.size();
    std::vector<double> out(rows * width);
    if (!numbers_.empty()) {
        const std::vector<double> numbers = numbers_of(table).to_vector<double>();
        for (std::size_t i = 0; i < numbers.size(); ++i)
            out[i / numbers_.size() * width + i % numbers_.size()] = numbers[i];
    }
    std::size_t first = numbers_.size();
    for (const CategoryEncoder& encoder : encoders_) {
        const std::vector<std::string> cells = table.text(table.column(encoder.column()));
        for (std::size_t row = 0; row < rows; ++row) {
            const auto number = encoder.find(cells[row]);
            if (!number)
                throw_unseen(
                    fmt::format("{}: line {}, column {}", table.path, table.lines[row], encoder.column()),
                    cells[row], encoder);
            out[row * width + first + static_cast<std::size_t>(*number)] = 1;
        }
        first += static_cast<std::size_t>(encoder.size());
    }
    return tensor(out, {static_cast<std::int64_t>(rows), static_cast<std::int64_t>(width)},
                  {.dtype = table.options.dtype, .device = Device::cpu()});
}

std::vector<std::string> TablePreparation::features() const {
    std::vector<std::string> features = numbers_;
    for (const CategoryEncoder& encoder : encoders_) {
        for (const std::string& name : encoder.names()) features.push_back(encoder.column() + "=" + name);
        if (static_cast<std::size_t>(encoder.size()) > encoder.names().size())
            features.push_back(encoder.column() + "=(unknown)");
    }
    return features;
}

NamedTensors TablePreparation::state() const {
    std::vector<std::pair<std::string, NamedTensors>> parts(1);
    append_strings(parts[0].second, "numbers", numbers_);
    parts[0].second.emplace_back("parts", tensor<std::int64_t>({imputer_ ? 1 : 0, standardizer_ ? 1 : 0,
                                                                static_cast<std::int64_t>(encoders_.size())},
                                                               {3}));
    if (imputer_) parts.emplace_back("imputer.", imputer_->state());
    if (standardizer_) parts.emplace_back("standardizer.", standardizer_->state());
    for (std::size_t i = 0; i < encoders_.size(); ++i)
        parts.emplace_back(fmt::format("categories.{}.", i), encoders_[i].state());
    return joined(parts);
}

TablePreparation TablePreparation::load(const NamedTensors& state) {
    const StateReader reader(state, "TablePreparation::load");
    TablePreparation prepared;
    prepared.numbers_ = reader.strings("numbers");
    const std::vector<std::int64_t> parts = reader.integers("parts");
    if (parts.size() != 3 || (parts[0] != 0) != !prepared.numbers_.empty())
        reader.refuse("its numbers of parts do not fit");
    const auto width = static_cast<std::int64_t>(prepared.numbers_.size());
    if (parts[0] != 0) prepared.imputer_ = Imputer::load(under(state, "imputer."));
    if (parts[1] != 0) prepared.standardizer_ = Standardizer::load(under(state, "standardizer."));
    if ((prepared.imputer_ && prepared.imputer_->values().numel() != width) ||
        (prepared.standardizer_ && prepared.standardizer_->mean().numel() != width))
        reader.refuse(fmt::format("it is not of {} columns of numbers", width));
    for (std::int64_t i = 0; i < parts[2]; ++i)
        prepared.encoders_.push_back(CategoryEncoder::load(under(state, fmt::format("categories.{}.", i))));
    return prepared;
}

}  // namespace adjoint::data
