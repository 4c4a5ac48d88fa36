// A messy table: numbers with thousands separators, missing values and categories. What prepares it is fitted
// once on the training rows, saved beside the model, and loaded by whoever predicts.
#include <adjoint/adjoint.h>

#include "lecture.h"

#include <fstream>
#include <span>

using namespace adjoint;

namespace {

const data::CsvOptions format{.na_values = {"NA", "?"}, .thousands = ','};
const data::TableOptions columns{.numbers = {"area", "age"},
                                 .categories = {"city", "heating"},
                                 .fill = data::Fill::median,
                                 .unknown = true};

// 1234 as people type it into tables.
std::string typed(double value) {
    const auto number = static_cast<std::int64_t>(value);
    char text[32];
    if (number < 1000)
        std::snprintf(text, sizeof(text), "%lld", static_cast<long long>(number));
    else
        std::snprintf(text, sizeof(text), "\"%lld,%03lld\"", static_cast<long long>(number / 1000),
                      static_cast<long long>(number % 1000));
    return text;
}

// Flats of three cities: the rent follows from area, age and city, with some noise; much is missing.
void write_table(const std::string& path, std::int64_t rows, bool with_rent) {
    const std::vector<double> u = rand({rows, 7}, {.dtype = f64}).to_vector<double>(),
                              noise = randn({rows}, {.dtype = f64}).to_vector<double>();
    const char *cities[] = {"Busan", "Daegu", "Seoul"}, *heating[] = {"gas", "district", "oil"};
    std::ofstream out(path);
    out << "flat,area,age,city,heating" << (with_rent ? ",rent" : "") << "\n";
    for (std::size_t i = 0; i < static_cast<std::size_t>(rows); ++i) {
        const double* const v = &u[7 * i];
        const double area = 300 + 1700 * v[0], age = 50 * v[1];
        const auto city = static_cast<std::size_t>(3 * v[2]), heat = static_cast<std::size_t>(3 * v[3]);
        const double rent = (200 + area) * (0.7 + 0.3 * static_cast<double>(city)) - 4 * age + 40 * noise[i];
        out << i + 1 << ',' << (v[4] < 0.05 ? "NA" : typed(area)) << ',' << (v[5] < 0.1 ? "" : typed(age))
            << ',' << cities[city] << ',' << (v[6] < 0.1 ? "?" : heating[heat]);
        if (with_rent) out << ',' << typed(rent);
        out << '\n';
    }
}

nn::Sequential make_model(const data::TablePreparation& prepared) {
    const auto features = static_cast<std::int64_t>(prepared.features().size());
    return nn::Sequential(nn::Linear(features, 32), nn::ReLU(), nn::Linear(32, 1));
}

// What one file holds: the model with what goes in and what comes out.
struct Deployed {
    data::TablePreparation inputs;
    data::Standardizer rents;
    nn::Sequential model;

    Tensor predict(const data::CsvTable& table) const {
        const NoGrad guard;
        return rents.inverse(model(inputs.transform(table)));
    }
    void save(const std::string& path) const {
        data::save_safetensors(
            path, data::joined(
                      {{"inputs.", inputs.state()}, {"rents.", rents.state()}, {"model.", model.state()}}));
    }
    static Deployed load(const std::string& path) {
        const data::NamedTensors file = data::load_safetensors(path).tensors;
        const auto inputs = data::TablePreparation::load(data::under(file, "inputs."));
        Deployed all{inputs, data::Standardizer::load(data::under(file, "rents.")), make_model(inputs)};
        all.model.load(data::under(file, "model."));
        all.model.eval();
        return all;
    }
};

void print_rents(const Tensor& rents) {
    for (const double rent : rents.to_vector<double>()) say("rent %.2f\n", rent);
}

void run(const LectureOptions& options) {
    const auto in_folder = [&](const char* name) {
        return (std::filesystem::path(options.out) / name).string();
    };
    const std::string saved = in_folder("table.safetensors");
    if (!options.predict.empty()) {
        print_rents(Deployed::load(saved).predict(data::read_csv_table(options.predict, format)));
        return;
    }
    manual_seed(options.seed);
    write_table(in_folder("flats.csv"), options.quick ? 600 : 3000, true);
    write_table(in_folder("new.csv"), 5, false);

    const data::CsvTable table = data::read_csv_table(in_folder("flats.csv"), format);
    const data::Split split =
        data::train_test_split(static_cast<std::int64_t>(table.rows.size()), 0.25, {.seed = options.seed});
    const data::CsvTable training = table.select(split.train), test = table.select(split.test);
    const Tensor rents = training.numbers({training.column("rent")});
    const data::TablePreparation prepared = data::TablePreparation::fit(training, columns);
    const Deployed all{prepared, data::Standardizer::fit(rents), make_model(prepared)};
    say("%zu rows to train on, %zu features:", training.rows.size(), prepared.features().size());
    for (const std::string& feature : prepared.features()) std::printf(" [%s]", feature.c_str());
    std::printf("\n");

    optim::AdamW optimizer(all.model.parameters(), {.lr = 0.01});
    train::fit(all.model, mse_loss, optimizer,
               data::Dataset{.inputs = prepared.transform(training), .targets = all.rents.transform(rents)},
               {.epochs = options.quick ? 30 : 60, .batch_size = 32, .seed = options.seed, .verbose = false});
    all.model.eval();
    const Tensor wanted = test.numbers({test.column("rent")});
    say("test: R2 %.3f, mean absolute error %.1f\n", train::r2(all.predict(test), wanted),
        train::mae(all.predict(test), wanted));
    all.save(saved);
    say("saved: %s; table --predict %s gives\n", saved.c_str(), in_folder("new.csv").c_str());
    print_rents(all.predict(data::read_csv_table(in_folder("new.csv"), format)));
}

}  // namespace

int main(int argc, char** argv) {
    return run_lecture(
        argc, argv, "A messy table, and a model that is used without its training data.", run,
        {.time = "a second", .files = "flats.csv, new.csv, table.safetensors", .predict = true});
}
