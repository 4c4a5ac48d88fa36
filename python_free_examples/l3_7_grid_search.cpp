// Lecture L3.7: a table of hyper-parameters on MNIST, ReLU and Adam, run row by row; the rate of Adam goes
// from 0.002 to 0 along a cosine.
//
// --table FILE runs another table: CSV with the columns layers, units, epochs, dropout, batch.
#include <adjoint/adjoint.h>

#include <cmath>

#include "lecture.h"

using namespace adjoint;

namespace {

const std::vector<std::string> columns{"layers", "units", "epochs", "dropout", "batch"};

// The slides' rows: hidden layers, units in each, and so on; and the accuracies they reached.
const std::vector<std::vector<double>> slides{{0, 0, 10, 0, 128},
                                              {2, 128, 10, 0, 128},
                                              {2, 128, 10, 0.2, 512},
                                              {2, 512, 10, 0.2, 512},
                                              {3, 512, 20, 0.3, 256}};
const std::vector<double> slides_reached{0.926, 0.974, 0.9801, 0.9806, 0.9840};

std::vector<std::vector<double>> read_rows(const std::string& path) {
    const data::CsvTable table = data::read_csv_table(path, {.header = data::CsvHeader::yes});
    std::vector<std::int64_t> positions;
    positions.reserve(columns.size());
    for (const std::string& name : columns) positions.push_back(table.column(name));
    const Tensor numbers = table.numbers(positions);
    std::vector<std::vector<double>> rows;
    for (std::int64_t i = 0; i < numbers.size(0); ++i)
        rows.push_back(select(numbers, 0, i).to_vector<double>());
    return rows;
}

nn::Sequential make_net(std::int64_t hidden_layers, std::int64_t units, double dropout) {
    std::vector<nn::Layer> layers;
    std::int64_t inputs = 784;
    for (std::int64_t i = 0; i < hidden_layers; ++i) {
        layers.emplace_back(nn::Linear(inputs, units));
        layers.emplace_back(nn::ReLU());
        if (dropout > 0) layers.emplace_back(nn::Dropout(dropout));
        inputs = units;
    }
    layers.emplace_back(nn::Linear(inputs, 10));
    return nn::Sequential(layers);
}

void lecture(const LectureOptions& options) {
    const data::Mnist mnist = data::load_mnist(options.data);
    std::printf("data: %s\n", mnist.note.c_str());
    data::Dataset training = data::images(mnist.train), test = data::images(mnist.test);
    if (options.quick) training = training.part(0, 1500), test = test.part(0, 1000);
    picture::Chart chart({.title = "MNIST, row by row",
                          .x = {.label = "epoch"},
                          .y = {.label = "test accuracy"},
                          .width = 760,
                          .legend = "layers, units, epochs, dropout, batch"});
    manual_seed(options.seed);

    const auto run = [&](const train::Settings& row) {
        const auto number = [&](const char* name) { return static_cast<std::int64_t>(row.at(name)); };
        const nn::Sequential net = make_net(number("layers"), number("units"), row.at("dropout"));
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
        for (const std::string& column : columns)
            name += (name.empty() ? "" : ", ") + picture::label(row.at(column));
        std::printf("%s: %d parameters, accuracy %.4f\n", name.c_str(),
                    static_cast<int>(net.parameter_count()), accuracies.back());
        std::fflush(stdout);
        chart.curve(name, accuracies);
        return accuracies.back();
    };
    const auto rows = options.table.empty() ? slides : read_rows(options.table);
    const train::GridResult result = train::grid_search(columns, rows, run, train::Better::larger);
    std::printf("\n%s", train::to_string(result).c_str());
    if (options.table.empty()) {
        std::printf("the slides' accuracies:");
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
                       {.data = true, .table = true});
}
