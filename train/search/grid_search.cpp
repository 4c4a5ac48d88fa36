// The combinations and their table.
#include <adjoint/train/search/grid_search.h>

#include <chrono>
#include <cmath>
#include <set>

#include <adjoint/core/base/format.h>
#include <adjoint/core/contract/generator.h>

namespace adjoint::train {
namespace {

void check_grid(const Grid& grid) {
    check<ValueError>(!grid.empty(), "grid_search: no settings");
    for (const auto& [name, values] : grid)
        check<ValueError>(!values.empty(), "grid_search: the setting \"{}\" has no values", name);
}

void check_table(const std::vector<std::string>& names, const std::vector<std::vector<Setting>>& rows) {
    check<ValueError>(!names.empty() && !rows.empty(), "grid_search: no settings");
    std::set<std::string> seen;
    for (const std::string& name : names) {
        check<ValueError>(!name.empty(), "grid_search: the setting \"\" has no name");
        check<ValueError>(seen.insert(name).second, "grid_search: the setting {} is given twice", name);
    }
    for (const std::vector<Setting>& row : rows)
        check<ValueError>(row.size() == names.size(), "grid_search: a row of {} settings, expected {}",
                          row.size(), names.size());
}

// Goes to the next combination, as a counter does; false after the last.
bool advance(std::vector<std::size_t>& at, const Grid& grid) {
    for (std::size_t i = at.size(); i-- > 0;) {
        if (++at[i] < grid[i].second.size()) return true;
        at[i] = 0;
    }
    return false;
}

}  // namespace

Setting::operator double() const {
    check<ValueError>(is_number(), "grid_search: the setting {} is no number", text_);
    return number_;
}

std::string Setting::text() const { return is_number() ? fmt::format("{}", number_) : text_; }

Settings GridResult::best_settings() const {
    Settings settings;
    for (std::size_t i = 0; i < names.size(); ++i) settings.emplace(names[i], rows.at(best).settings[i]);
    return settings;
}

GridResult grid_search(const std::vector<std::string>& names, const std::vector<std::vector<Setting>>& rows,
                       const std::function<double(const Settings&)>& run, Better better) {
    check_table(names, rows);
    const GeneratorState start = generator_state();
    GridResult result{.names = names, .rows = {}};
    for (const std::vector<Setting>& row : rows) {
        Settings settings;
        for (std::size_t i = 0; i < row.size(); ++i) settings.emplace(names[i], row[i]);
        set_generator_state(start);
        const auto begin = std::chrono::steady_clock::now();
        const double score = run(settings);
        const double seconds =
            std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
        result.rows.push_back({row, score, seconds});
        const double best = result.rows[result.best].score;
        if (std::isnan(best) || (better == Better::smaller ? score < best : score > best))
            result.best = result.rows.size() - 1;
    }
    return result;
}

GridResult grid_search(const Grid& grid, const std::function<double(const Settings&)>& run, Better better) {
    check_grid(grid);
    std::vector<std::string> names;
    for (const auto& [name, values] : grid) names.push_back(name);
    std::vector<std::vector<Setting>> rows;
    std::vector<std::size_t> at(grid.size(), 0);
    do {
        std::vector<Setting> row;
        for (std::size_t i = 0; i < at.size(); ++i) row.push_back(grid[i].second[at[i]]);
        rows.push_back(std::move(row));
    } while (advance(at, grid));
    return grid_search(names, rows, run, better);
}

std::string to_string(const GridResult& result) {
    std::string text = "  ";
    for (const std::string& name : result.names) text += fmt::format("{:>12}", name);
    text += fmt::format("{:>12}{:>10}\n", "score", "seconds");
    for (std::size_t i = 0; i < result.rows.size(); ++i) {
        text += i == result.best ? "* " : "  ";
        for (const Setting& setting : result.rows[i].settings)
            text += setting.is_number() ? fmt::format("{:>12.6g}", static_cast<double>(setting))
                                        : fmt::format(" {:>11}", setting.text());
        text += fmt::format("{:>12.6g}{:>10.2f}\n", result.rows[i].score, result.rows[i].seconds);
    }
    return text;
}

std::string to_csv(const GridResult& result) {
    std::string text = fmt::format("{},score,seconds\n", fmt::join(result.names, ","));
    for (const GridRow& row : result.rows) {
        for (const Setting& setting : row.settings) text += setting.text() + ",";
        text += fmt::format("{},{}\n", row.score, row.seconds);
    }
    return text;
}

}  // namespace adjoint::train
