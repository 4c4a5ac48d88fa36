// Lecture L3.7: a table of hyper-parameters on MNIST, ReLU and Adam, run row by row. Beyond the slides the
// rate of Adam follows a rule: 0.002 times the root of batch / 128, and from there to 0 along a cosine.
//
// --table FILE runs another table: CSV with the columns layers, units, epochs, dropout, batch. Units are one
// number for all hidden layers, or one for each: 512+256+128.
#include <adjoint/adjoint.h>

#include <cmath>
#include <sstream>

#include "lecture.h"

using namespace adjoint;

namespace {

const std::vector<std::string> columns{"layers", "units", "epochs", "dropout", "batch"};

using Rows = std::vector<std::vector<train::Setting>>;

// The slides' rows: hidden layers, units in each, and so on; and the accuracies they reached. Of the last
// the slides say "3, ?+?+?, 10 to 20, 0.2 to 0.3, 256 to 512".
const Rows slides{{0, 0, 10, 0, 128},
                  {2, 128, 10, 0, 128},
                  {2, 128, 10, 0.2, 512},
                  {2, 512, 10, 0.2, 512},
                  {3, "512+256+128", 20, 0.3, 256}};
const std::vector<double> slides_reached{0.926, 0.974, 0.9801, 0.9806, 0.9840};

Rows read_rows(const std::string& path) {
    const data::CsvTable table = data::read_csv_table(path, {.header = data::CsvHeader::yes, .dtype = f64});
    Rows rows(table.rows.size());
    for (const std::string& name : columns) {
        const std::int64_t position = table.column(name);
        const std::vector<std::string> cells = table.text(position);
        const bool numbers = name != "units";
        const Tensor values = numbers ? table.numbers({position}) : Tensor();
        for (std::size_t i = 0; i < rows.size(); ++i) {
            if (numbers)
                rows[i].emplace_back(values(static_cast<std::int64_t>(i), 0).item());
            else
                rows[i].emplace_back(cells[i]);
        }
    }
    return rows;
}

// "128" for all layers, or "512+256+128".
std::vector<std::int64_t> units_of(const std::string& text, std::int64_t layers) {
    std::vector<std::int64_t> units;
    std::istringstream parts(text);
    for (std::string part; std::getline(parts, part, '+');) units.push_back(std::stoll(part));
    if (units.size() == 1) units.assign(static_cast<std::size_t>(layers), units[0]);
    if (units.size() != static_cast<std::size_t>(layers))
        throw std::runtime_error(text_of("units %s for %d layers", text.c_str(), static_cast<int>(layers)));
    return units;
}

nn::Sequential make_net(const std::vector<std::int64_t>& units, double dropout) {
    std::vector<nn::Layer> layers;
    std::int64_t inputs = 784;
    for (const std::int64_t outputs : units) {
        layers.emplace_back(nn::Linear(inputs, outputs));
        layers.emplace_back(nn::ReLU());
        if (dropout > 0) layers.emplace_back(nn::Dropout(dropout));
        inputs = outputs;
    }
    layers.emplace_back(nn::Linear(inputs, 10));
    return nn::Sequential(layers);
}

void lecture(const LectureOptions& options) {
    const data::Mnist mnist = options.images();
    data::Dataset training = data::images(mnist.train), test = data::images(mnist.test);
    if (options.quick) training = training.part(0, 1500), test = test.part(0, 1000);
    picture::Chart chart({.title = tr("MNIST, row by row"),
                          .x = {.label = tr("epoch")},
                          .y = {.label = tr("test accuracy")},
                          .width = 760,
                          .legend = tr("layers, units, epochs, dropout, batch")});
    say("beyond the slides: Adam's rate is 0.002 sqrt(batch / 128) and falls to 0 along a cosine\n");
    manual_seed(options.seed);

    const auto run = [&](const train::Settings& row) {
        const auto number = [&](const char* name) { return static_cast<std::int64_t>(row.at(name)); };
        const nn::Sequential net =
            make_net(units_of(row.at("units").text(), number("layers")), row.at("dropout"));
        const int epochs = options.quick ? 2 : static_cast<int>(number("epochs"));
        // Larger batches make fewer steps, so these may be larger: by the square root.
        optim::Adam optimizer(net.parameters(), {.lr = 0.002 * std::sqrt(row.at("batch") / 128)});
        const train::History history =
            train::fit(net, nn::CrossEntropyLoss(), optimizer, training,
                       {.epochs = epochs,
                        .batch_size = number("batch"),
                        .validation = test,
                        .seed = options.seed,
                        .verbose = false,
                        .callbacks = {train::schedule(optim::CosineAnnealingLR(optimizer, epochs))}});
        picture::Values accuracies;
        for (const train::EpochRecord& epoch : history.epochs)
            accuracies.push_back(epoch.validation.accuracy);
        std::string name;
        for (const std::string& column : columns) name += (name.empty() ? "" : ", ") + row.at(column).text();
        say("%s: %d parameters, accuracy %.4f\n", name.c_str(), static_cast<int>(net.parameter_count()),
            accuracies.back());
        std::fflush(stdout);
        chart.curve(name, accuracies);
        return accuracies.back();
    };
    const auto rows = options.table.empty() ? slides : read_rows(options.table);
    const train::GridResult result = train::grid_search(columns, rows, run, train::Better::larger);
    std::printf("\n%s", train::to_string(result).c_str());
    if (options.table.empty()) {
        say("the slides' accuracies:");
        for (const double accuracy : slides_reached) std::printf(" %.4f", accuracy);
        std::printf("\n");
    }
    picture::save_text((std::filesystem::path(options.out) / "l3_7_table.csv").string(),
                       train::to_csv(result));
    chart.save(options.picture("l3_7_table.svg"));
}

}  // namespace

int main(int argc, char** argv) {
    return run_lecture(argc, argv, "A table of hyper-parameters on MNIST, run row by row.", lecture,
                       {.time = "about 20 minutes",
                        .files = "l3_7_table.csv, l3_7_table.svg",
                        .images = true,
                        .table = true});
}
