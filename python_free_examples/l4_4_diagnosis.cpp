// Lecture L4.4: trainings that go wrong in the ways of the book, and what the diagnosis says of each.
#include <adjoint/adjoint.h>

#include "lecture.h"

using namespace adjoint;

namespace {

struct Patient {
    const char* name;
    std::int64_t samples, hidden;
    double lr;
    int epochs;
    // Whether the rate goes to 0: then the last loss says what was learnt, and not where it just swung to.
    bool falling = false;
    // The first weights are multiplied by the one, the biases moved by the other.
    double weight = 1, bias = 0;
};

void lecture(const LectureOptions& options) {
    const data::Mnist mnist = options.images();
    const data::Dataset all_training = data::images(mnist.train),
                        validation = data::images(mnist.test).part(0, options.quick ? 300 : 1000);
    const Patient patients[] = {
        {.name = "healthy", .samples = 2000, .hidden = 64, .lr = 0.1, .epochs = 10, .falling = true},
        {.name = "too small a model", .samples = 2000, .hidden = 1, .lr = 0.05, .epochs = 20},
        {.name = "ended too early", .samples = 1000, .hidden = 64, .lr = 0.01, .epochs = 10},
        {.name = "few images, many epochs", .samples = 200, .hidden = 256, .lr = 0.3, .epochs = 300},
        {.name = "rate too low", .samples = 1000, .hidden = 64, .lr = 1e-5, .epochs = 5},
        {.name = "rate too high", .samples = 1000, .hidden = 64, .lr = 10, .epochs = 5, .falling = true},
        {.name = "rate far too high", .samples = 1000, .hidden = 64, .lr = 1e20, .epochs = 5},
        {.name = "weights begin at zero",
         .samples = 1000,
         .hidden = 64,
         .lr = 0.01,
         .epochs = 5,
         .weight = 0},
        {.name = "biases begin at -5", .samples = 1000, .hidden = 64, .lr = 0.01, .epochs = 5, .bias = -5}};
    data::Batch some;
    data::Loader(validation, {.batch_size = 1000, .shuffle = false}).next(some);
    std::vector<picture::Svg> charts;
    for (const Patient& patient : patients) {
        manual_seed(options.seed);
        const nn::Sequential net(nn::Linear(784, patient.hidden), nn::ReLU(), nn::Linear(patient.hidden, 10));
        for (const auto& [name, tensor] : net.named_parameters()) {
            const NoGrad guard;
            if (name.ends_with("weight"))
                tensor *= patient.weight;
            else
                tensor += patient.bias;
        }
        std::vector<train::Finding> findings = train::find_bad_initialisation(net, some.x);
        optim::SGD optimizer(net.parameters(), {.lr = patient.lr});
        const data::Dataset training = all_training.part(0, patient.samples);
        const int epochs = options.quick ? std::min(patient.epochs, 150) : patient.epochs;
        std::vector<train::Callback> callbacks;
        if (patient.falling)
            callbacks.push_back(train::schedule(optim::CosineAnnealingLR(optimizer, epochs)));
        const train::History history = train::fit(net, nn::CrossEntropyLoss(), optimizer, training,
                                                  {.epochs = epochs,
                                                   .batch_size = 50,
                                                   .validation = validation,
                                                   .seed = options.seed,
                                                   .verbose = false,
                                                   .callbacks = callbacks});
        std::printf("\n%s: %s\n", tr(patient.name), tr_made(to_string(history.last(), epochs)).c_str());
        for (const auto& more : {train::diagnose(history), train::find_dead_units(net, some.x)})
            findings.insert(findings.end(), more.begin(), more.end());
        if (findings.empty()) say("  nothing found\n");
        for (const train::Finding& finding : findings)
            std::printf("  %s: %s. %s.\n", tr(name(finding.trouble)), tr_made(finding.explanation).c_str(),
                        tr_made(finding.advice).c_str());
        charts.push_back(train::charts(
            history, {.title = tr(patient.name), .width = 280, .height = 250, .legend_below = true})[0]);
    }
    picture::save_text(options.picture("l4_4_losses.svg"), tr_page(picture::grid(charts, 2).str()));
}

}  // namespace

int main(int argc, char** argv) {
    return run_lecture(argc, argv,
                       "Under-fitting, over-fitting, bad first weights, stalled: named by the diagnosis.",
                       lecture, {.time = "some seconds", .files = "l4_4_losses.svg", .images = true});
}
