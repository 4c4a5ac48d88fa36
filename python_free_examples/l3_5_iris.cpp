// Lecture L3.5: iris. Three classes from four measures by softmax, cross-validated.
#include <adjoint/adjoint.h>

#include "lecture.h"

using namespace adjoint;

namespace {

nn::Sequential trained(const data::Dataset& training, const LectureOptions& options) {
    manual_seed(options.seed);
    nn::Sequential net(nn::Linear(training.inputs.size(1), 8), nn::Tanh(), nn::Linear(8, 3));
    optim::AdamW optimizer(net.parameters(), {.lr = 0.01, .weight_decay = 0.1});
    train::fit(
        net, nn::CrossEntropyLoss(), optimizer, training,
        {.epochs = options.quick ? 40 : 100, .batch_size = 16, .seed = options.seed, .verbose = false});
    return net;
}

void lecture(const LectureOptions& options) {
    const std::string path = options.data_file("tabular", "iris.csv", "iris");
    const data::CsvTable table = data::read_csv_table(path);
    const data::CsvCategories species = table.categories(4);
    const Tensor measures = table.numbers({0, 1, 2, 3});
    say("%d flowers:", static_cast<int>(measures.size(0)));
    for (const std::string& name : species.names) std::printf(" %s", name.c_str());

    const std::int64_t k = 5;
    say("\n%d-fold cross validation: accuracy", static_cast<int>(k));
    double total = 0;
    for (const data::Split& fold :
         data::k_fold(measures.size(0), k, {.seed = options.seed, .stratify = species.labels})) {
        const data::Dataset all{.inputs = measures, .targets = species.labels};
        data::Dataset training = all.select(fold.train), test = all.select(fold.test);
        const data::Standardizer standard = data::Standardizer::fit(training.inputs);
        training.inputs = standard.transform(training.inputs);
        test.inputs = standard.transform(test.inputs);
        const double accuracy =
            train::evaluate(trained(training, options), nn::CrossEntropyLoss(), test).accuracy;
        std::printf(" %.4f", accuracy);
        total += accuracy;
    }
    say("\nmean accuracy %.4f\n", total / static_cast<double>(k));

    // The two measures of the petal are enough for a picture.
    const data::Dataset petals{.inputs = narrow(measures, 1, 2, 2).contiguous(), .targets = species.labels};
    const nn::Sequential net = trained(petals, options);
    const NoGrad guard;
    picture::Chart chart({.title = tr("Iris: what the net says of petals"),
                          .x = {.label = tr("length, cm"), .range = picture::Range{0.5, 7.5}},
                          .y = {.label = tr("width, cm"), .range = picture::Range{0, 2.8}}});
    chart.regions([&](const Tensor& points) { return argmax(net(points), 1); }, 600);
    for (std::size_t i = 0; i < species.names.size(); ++i) {
        const Tensor own = masked_select(arange(petals.size()), eq(species.labels, static_cast<double>(i)));
        const Tensor points = index_select(petals.inputs, 0, own);
        chart.scatter(species.names[i], select(points, 1, 0).to_vector<double>(),
                      select(points, 1, 1).to_vector<double>(), 3);
    }
    chart.save(options.picture("l3_5_iris.svg"));
}

}  // namespace

int main(int argc, char** argv) {
    return run_lecture(argc, argv, "Iris: three classes by softmax, cross-validated.", lecture,
                       {.files = "l3_5_iris.svg", .data = "iris.csv"});
}
