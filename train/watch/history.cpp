// Records as text, tables and pictures.
#include <adjoint/train/watch/history.h>

#include <array>
#include <set>

#include <adjoint/core/base/format.h>
#include <adjoint/train/picture/sheet.h>

namespace adjoint::train {
namespace {

std::string score_text(const Score& score) {
    std::string text = fmt::format("loss {:.4f}", shown(score.loss));
    if (!std::isnan(score.accuracy)) text += fmt::format("  accuracy {:.4f}", score.accuracy);
    return text;
}

constexpr std::array columns{"loss", "accuracy", "validation_loss", "validation_accuracy", "seconds"};

std::array<double, columns.size()> row(const EpochRecord& r) {
    return {r.train.loss, r.train.accuracy, r.validation.loss, r.validation.accuracy, r.seconds};
}

std::string number(double value, const char* missing) {
    return std::isfinite(value) ? fmt::format("{}", value) : missing;
}

// Text as JSON writes it.
std::string quoted(const std::string& text) {
    std::string out = "\"";
    for (const char c : text)
        if (c == '"' || c == '\\')
            out += {'\\', c};
        else if (static_cast<unsigned char>(c) < 0x20)
            out += fmt::format("\\u{:04x}", c);
        else
            out += c;
    return out + "\"";
}

// The names of the metrics of all epochs.
std::set<std::string> metric_names(const History& history) {
    std::set<std::string> names;
    for (const EpochRecord& record : history.epochs)
        for (const auto& [name, value] : record.metrics) names.insert(name);
    return names;
}

double metric_of(const EpochRecord& record, const std::string& name) {
    const auto found = record.metrics.find(name);
    return found == record.metrics.end() ? NAN : found->second;
}

bool add_curve(picture::Chart& chart, const History& history, const char* name, Score EpochRecord::*set,
               double Score::*what) {
    picture::Values x, y;
    bool any = false;
    for (const EpochRecord& record : history.epochs) {
        x.push_back(record.epoch);
        y.push_back(record.*set.*what);
        any = any || std::isfinite(y.back());
    }
    // A training that never had a number says so.
    any = any || (set == &EpochRecord::train && what == &Score::loss && !y.empty());
    if (any) chart.line(name, x, y, {.dashed = set == &EpochRecord::validation, .points = y.size() <= 40});
    return any;
}

}  // namespace

std::string to_string(const EpochRecord& record, int epochs) {
    std::string text = fmt::format("epoch {}/{}  {}", record.epoch, epochs, score_text(record.train));
    if (!std::isnan(record.validation.loss)) text += "  validation " + score_text(record.validation);
    for (const auto& [name, value] : record.metrics) text += fmt::format("  {} {:.4f}", name, shown(value));
    return text + fmt::format("  {:.2f} s", record.seconds);
}

std::string to_csv(const History& history) {
    const std::set<std::string> metrics = metric_names(history);
    std::string text = fmt::format("epoch,{}", fmt::join(columns, ","));
    for (const std::string& name : metrics) text += "," + name;
    text += "\n";
    for (const EpochRecord& record : history.epochs) {
        text += std::to_string(record.epoch);
        for (const double value : row(record)) text += "," + number(value, "");
        for (const std::string& name : metrics) text += "," + number(metric_of(record, name), "");
        text += "\n";
    }
    return text;
}

std::string to_json(const History& history) {
    std::string text = "{\"epochs\": [";
    for (const EpochRecord& record : history.epochs) {
        text += fmt::format("{}\n  {{\"epoch\": {}", record.epoch == history.epochs[0].epoch ? "" : ",",
                            record.epoch);
        for (std::size_t i = 0; i < columns.size(); ++i)
            text += fmt::format(", \"{}\": {}", columns[i], number(row(record)[i], "null"));
        for (const auto& [name, value] : record.metrics)
            text += fmt::format(", {}: {}", quoted(name), number(value, "null"));
        text += "}";
    }
    text += "],\n";
    if (!history.batches.empty()) {
        text += " \"batches\": [";
        for (std::size_t i = 0; i < history.batches.size(); ++i)
            text += (i > 0 ? ", " : "") + number(history.batches[i], "null");
        text += "],\n";
    }
    return text + fmt::format(" \"end\": {}}}\n", quoted(history.end));
}

std::vector<picture::Svg> charts(const History& history, const picture::ChartOptions& options) {
    picture::ChartOptions of_loss = options, of_accuracy = options;
    of_loss.x.label = of_accuracy.x.label = "epoch";
    of_loss.y.label = "loss";
    of_accuracy.y.label = "accuracy";
    picture::Chart loss(of_loss), accuracy(of_accuracy);
    add_curve(loss, history, "training", &EpochRecord::train, &Score::loss);
    add_curve(loss, history, "validation", &EpochRecord::validation, &Score::loss);
    std::vector<picture::Svg> drawn{loss.draw()};
    bool classes = add_curve(accuracy, history, "training", &EpochRecord::train, &Score::accuracy);
    classes |= add_curve(accuracy, history, "validation", &EpochRecord::validation, &Score::accuracy);
    if (classes) drawn.push_back(accuracy.draw());
    return drawn;
}

picture::Svg draw(const History& history, const std::string& title) {
    return picture::grid(charts(history, {.title = title, .width = 560, .height = 320}), 1);
}

void save(const std::string& path, const History& history) {
    if (path.ends_with(".csv"))
        picture::save_text(path, to_csv(history));
    else if (path.ends_with(".json"))
        picture::save_text(path, to_json(history));
    else if (path.ends_with(".svg"))
        picture::save_text(path, draw(history).str());
    else
        fail<ValueError>("history: {} ends in none of .csv, .json, .svg", path);
}

}  // namespace adjoint::train
