// Lecture L3.7: a table of hyper-parameters on MNIST, ReLU and Adam, run row by row; the rate of Adam goes
// from 0.002 to 0 along a cosine.
//
// --table FILE runs another table: CSV with the columns layers, units, epochs, dropout, batch.
#include <adjoint/adjoint.h>

#include "lecture.h"

using namespace adjoint;

namespace {

constexpr const char* columns[] = {"layers", "units", "epochs", "dropout", "batch"};

struct Row {
    std::int64_t layers, units, epochs;  // hidden layers, units in each
    double dropout;
    std::int64_t batch;
    double slides;  // their accuracy, 0 if the table is another
};

std::vector<Row> read_table(const std::string& path) {
    const data::CsvTable table = data::read_csv_table(path, {.header = data::CsvHeader::yes});
    std::vector<std::int64_t> positions;
    for (const char* name : columns) positions.push_back(table.column(name));
    const Tensor numbers = table.numbers(positions);
    std::vector<Row> rows;
    for (std::int64_t i = 0; i < numbers.size(0); ++i) {
        const std::vector<double> n = select(numbers, 0, i).to_vector<double>();
        rows.push_back({static_cast<std::int64_t>(n[0]), static_cast<std::int64_t>(n[1]),
                        static_cast<std::int64_t>(n[2]), n[3], static_cast<std::int64_t>(n[4]), 0});
    }
    return rows;
}

nn::Sequential make_net(const Row& row) {
    std::vector<nn::Layer> layers;
    std::int64_t inputs = 784;
    for (std::int64_t i = 0; i < row.layers; ++i) {
        layers.emplace_back(nn::Linear(inputs, row.units));
        layers.emplace_back(nn::ReLU());
        if (row.dropout > 0) layers.emplace_back(nn::Dropout(row.dropout));
        inputs = row.units;
    }
    layers.emplace_back(nn::Linear(inputs, 10));
    return nn::Sequential(layers);
}

void lecture(const LectureOptions& options) {
    const data::Mnist mnist = data::load_mnist(options.data);
    std::printf("data: %s\n\n", mnist.note.c_str());
    data::Dataset training = data::images(mnist.train), test = data::images(mnist.test);
    if (options.quick) training = training.part(0, 2000), test = test.part(0, 2000);
    std::vector<Row> rows{{0, 0, 10, 0, 128, 92.6},
                          {2, 128, 10, 0, 128, 97.4},
                          {2, 128, 10, 0.2, 512, 98.01},
                          {2, 512, 10, 0.2, 512, 98.06},
                          {3, 512, 20, 0.3, 256, 98.40}};
    if (!options.table.empty()) rows = read_table(options.table);

    std::printf("layers units epochs dropout batch  parameters  accuracy  slides  seconds\n");
    std::string csv = "layers,units,epochs,dropout,batch,accuracy\n";
    picture::Chart chart(
        {.title = "MNIST, row by row", .x = {.label = "epoch"}, .y = {.label = "test accuracy"}});
    for (const Row& row : rows) {
        manual_seed(options.seed);
        const nn::Sequential net = make_net(row);
        const int epochs = options.quick ? 2 : static_cast<int>(row.epochs);
        optim::Adam optimizer(net.parameters(), {.lr = 0.002});
        const train::History history =
            train::fit(net, nn::CrossEntropyLoss(), optimizer, training,
                       {.epochs = epochs,
                        .batch_size = row.batch,
                        .validation = test,
                        .seed = options.seed,
                        .verbose = false,
                        .callbacks = {train::schedule(optim::CosineAnnealingLR(optimizer, epochs))}});
        picture::Values accuracies;
        double seconds = 0;
        for (const train::EpochRecord& epoch : history.epochs) {
            accuracies.push_back(epoch.validation.accuracy);
            seconds += epoch.seconds;
        }
        char line[120];
        std::snprintf(line, sizeof line, "%d,%d,%d,%g,%d", static_cast<int>(row.layers),
                      static_cast<int>(row.units), static_cast<int>(row.epochs), row.dropout,
                      static_cast<int>(row.batch));
        csv += std::string(line) + "," + picture::label(accuracies.back()) + "\n";
        std::printf("%6d %5d %6d %7g %5d  %10d  %8.4f  %6.4f  %7.1f\n", static_cast<int>(row.layers),
                    static_cast<int>(row.units), static_cast<int>(row.epochs), row.dropout,
                    static_cast<int>(row.batch), static_cast<int>(net.parameter_count()), accuracies.back(),
                    row.slides / 100, seconds);
        std::fflush(stdout);
        chart.curve(line, accuracies);
    }
    picture::save_text((std::filesystem::path(options.out) / "l3_7_table.csv").string(), csv);
    chart.save(options.picture("l3_7_table.svg"));
}

}  // namespace

int main(int argc, char** argv) {
    return run_lecture(argc, argv, "A table of hyper-parameters on MNIST, run row by row.", lecture,
                       {.table = true});
}
