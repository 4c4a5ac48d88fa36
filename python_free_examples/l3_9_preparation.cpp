// Lecture L3.9: what happens to a table before training: one-hot columns,
// standardised columns, three parts, batches.
#include <adjoint/adjoint.h>

#include <cmath>

#include "lecture.h"

using namespace adjoint;

namespace {

// 2000 flats: size and age, the town as a word, and the price that is to be learnt.
std::string write_table(const std::string& path) {
    const char* towns[] = {"Busan", "Daegu", "Seoul"};
    const std::vector<double> size = (rand({2000}) * 100.0 + 30.0).to_vector<double>(),
                              age = (rand({2000}) * 40.0).to_vector<double>(),
                              noise = (randn({2000}) * 5.0).to_vector<double>();
    const std::vector<int> town = randint(0, 3, {2000}).to_vector<int>();
    std::string text = "size,age,town,price\n";
    for (std::size_t i = 0; i < size.size(); ++i) {
        const double price = 3 * size[i] - 2 * age[i] + 80 * town[i] + noise[i];
        char line[80];
        std::snprintf(line, sizeof line, "%.1f,%.1f,%s,%.1f\n", size[i], age[i], towns[town[i]], price);
        text += line;
    }
    picture::save_text(path, text);
    return path;
}

void lecture(const LectureOptions& options) {
    manual_seed(options.seed);
    const std::string path = write_table((std::filesystem::path(options.out) / "l3_9_flats.csv").string());
    const data::CsvTable table = data::read_csv_table(path);
    const Tensor numbers = table.numbers({table.column("size"), table.column("age")});
    const data::CsvCategories towns = table.categories(table.column("town"));
    const Tensor town = one_hot(towns.labels), price = table.numbers({table.column("price")});
    say("one-hot columns of the first rows:\n");
    for (std::int64_t row = 0; row < 3; ++row) {
        const std::vector<int> bits = select(town, 0, row).to_vector<int>();
        std::printf("  %s = %d %d %d\n", towns.names[towns.labels(row).item<std::size_t>()].c_str(), bits[0],
                    bits[1], bits[2]);
    }

    // Columns are measured on the training part alone.
    const data::Dataset all{.inputs = numbers, .targets = price};
    const std::int64_t train_count = 1200, validation_count = 400, test_count = 400;
    const data::Standardizer standard = data::Standardizer::fit(all.part(0, train_count).inputs);
    const data::Standardizer prices = data::Standardizer::fit(all.part(0, train_count).targets);
    const data::Dataset ready{.inputs = cat({standard.transform(numbers), town.to(f32)}, 1),
                              .targets = prices.transform(price)};
    const data::Dataset training = ready.part(0, train_count),
                        validation = ready.part(train_count, validation_count),
                        test = ready.part(train_count + validation_count, test_count);
    say("split: %d training, %d validation, %d test samples of %d columns\n",
        static_cast<int>(training.size()), static_cast<int>(validation.size()), static_cast<int>(test.size()),
        static_cast<int>(ready.inputs.size(1)));

    for (const std::int64_t batch : {500, 300, 2000}) {
        const data::Loader loader(ready, {.batch_size = batch});
        say("2000 samples in batches of %d = %d iterations an epoch, %d in 10 epochs\n",
            static_cast<int>(batch), static_cast<int>(loader.size()), static_cast<int>(10 * loader.size()));
    }

    const nn::Linear model(5, 1);
    optim::Adam optimizer(model.parameters(), {.lr = 0.01});
    train::fit(model, nn::MSELoss(), optimizer, training,
               {.epochs = options.quick ? 30 : 60,
                .batch_size = 50,
                .validation = validation,
                .seed = options.seed,
                .verbose = false});
    const double loss = train::evaluate(model, nn::MSELoss(), test).loss;
    say("test: root mean squared error %.2f (the noise alone: 5)\n", std::sqrt(loss) * prices.std().item());
}

}  // namespace

int main(int argc, char** argv) {
    return run_lecture(argc, argv, "A table becomes batches: one-hot, standardising, splitting, counting.",
                       lecture, {.files = "l3_9_flats.csv"});
}
