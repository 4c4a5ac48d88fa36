// Trains a network on MNIST and tests it: the library's main job.
//
// On several processes it is started by MPI: mpirun -n 2 mnist --distributed
#include <adjoint/adjoint.h>
#include <adjoint/distributed/mpi/mpi.h>

#include "usual_options.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

using namespace adjoint;

namespace {

struct Settings {
    std::string model = "mlp", optimizer = "adam", device = "auto", precision = "f32", shard = "none", save,
                load, checkpoint, resume, report;
    ImageSource images;
    int epochs = 8, accumulate = 1;
    std::optional<int> threads;
    bool distributed = false, profile = false;
    std::int64_t batch_size = 64;
    std::optional<double> lr;
    std::uint64_t seed = 1;
};

void refuse(const std::string& option, const std::string& given, const std::string& expected) {
    throw UsageError(text_of("--%s %s, expected %s", option.c_str(), given.c_str(), expected.c_str()));
}

const std::string models = "mlp, mlp-bn, cnn", optimizers = "sgd, adam, adamw",
                  precisions = "f32, tf32, bf16", shards = "none, optimizer, gradients, parameters";

std::vector<Option> options_to(Settings& s) {
    std::vector<Option> options{
        {"model", "mlp (784-128-64-10 with ReLU), mlp-bn (with batch normalisation) or cnn", &s.model},
        {"epochs", "how often each image is seen", &s.epochs},
        {"batch-size", "images of a step, of each rank and part of it", &s.batch_size},
        {"accumulate", "parts of a step, whose gradients are added", &s.accumulate},
        {"distributed", "train with the other processes that mpirun has started", &s.distributed},
        {"shard", "what ranks share out: none, optimizer, gradients or parameters", &s.shard},
        {"optimizer", optimizers, &s.optimizer},
        {"lr", "learning rate; by default 0.1 for sgd, 0.001 else", &s.lr},
        {"seed", "of the random numbers", &s.seed},
        {"device", "cpu, cuda, cuda:1 ..; auto takes cuda if there is one", &s.device},
        {"precision", "of products on cuda: f32 is exact, tf32 and bf16 round", &s.precision},
        {"threads", "CPU threads; by default one per core", &s.threads},
        {"save", "write the trained weights here (safetensors)", &s.save},
        {"load", "start from these weights", &s.load},
        {"profile", "print where the time and the memory of a training step go, and train nothing",
         &s.profile},
        {"report", "write a page about the run here (HTML)", &s.report},
        {"checkpoint", "write after each epoch where training stands", &s.checkpoint},
        {"resume", "go on from such a checkpoint; --epochs counts those before as well", &s.resume}};
    for (Option& option : s.images.options()) options.push_back(std::move(option));
    return options;
}

void check_settings(const Settings& s) {
    const auto one_of = [](const char* option, const std::string& value, const std::string& list) {
        if ((", " + list + ",").find(", " + value + ",") == std::string::npos)
            refuse(option, value, text_of("one of %s", list.c_str()));
    };
    one_of("model", s.model, models);
    one_of("optimizer", s.optimizer, optimizers);
    one_of("precision", s.precision, precisions);
    one_of("shard", s.shard, shards);
    if (s.shard != "none" && !s.distributed) refuse("shard", s.shard, tr("together with --distributed"));
    if (s.epochs < 0) refuse("epochs", std::to_string(s.epochs), tr("0 or more"));
    if (s.batch_size < 1) refuse("batch-size", std::to_string(s.batch_size), tr("at least 1"));
    if (s.accumulate < 1) refuse("accumulate", std::to_string(s.accumulate), tr("at least 1"));
    if (s.threads.value_or(1) < 1) refuse("threads", std::to_string(*s.threads), tr("at least 1"));
    if (!(s.lr.value_or(0) >= 0) || std::isinf(s.lr.value_or(0)))
        throw UsageError(tr("--lr, expected a number, 0 or more"));
    const std::optional<distributed::StartedProcess> started = distributed::started_process();
    if (started && started->size > 1 && !s.distributed)
        throw UsageError(
            text_of("%d processes were started together, each of which would train by itself and "
                    "write the same files; --distributed makes one training of them",
                    started->size));
}

nn::Sequential make_model(const std::string& kind) {
    if (kind == "cnn")
        return nn::Sequential(nn::Conv2d(1, 32, 3), nn::ReLU(), nn::Conv2d(32, 64, 3), nn::ReLU(),
                              nn::MaxPool2d(2), nn::Flatten(), nn::Linear(9216, 128), nn::ReLU(),
                              nn::Linear(128, 10));
    if (kind == "mlp")
        return nn::Sequential(nn::Linear(784, 128), nn::ReLU(), nn::Linear(128, 64), nn::ReLU(),
                              nn::Linear(64, 10));
    return nn::Sequential(nn::Linear(784, 128), nn::BatchNorm1d(128), nn::ReLU(), nn::Linear(128, 64),
                          nn::BatchNorm1d(64), nn::ReLU(), nn::Linear(64, 10));
}

std::unique_ptr<optim::Optimizer> make_optimizer(const Settings& s, const std::vector<Tensor>& parameters) {
    if (s.optimizer == "sgd")
        return std::make_unique<optim::SGD>(parameters, optim::SGDOptions{.lr = s.lr.value_or(0.1)});
    const double lr = s.lr.value_or(0.001);
    if (s.optimizer == "adam") return std::make_unique<optim::Adam>(parameters, optim::AdamOptions{.lr = lr});
    return std::make_unique<optim::AdamW>(parameters, optim::AdamWOptions{.lr = lr});
}

distributed::Shard shard_of(const Settings& s) {
    using enum distributed::Shard;
    if (s.shard == "optimizer") return optimizer;
    if (s.shard == "gradients") return gradients;
    return s.shard == "parameters" ? parameters : none;
}

Device choose_device(const std::string& wanted) {
    return wanted == "auto" ? cuda::automatic_device() : device_of(wanted);
}

// What the run was, how it went and which images it took for something else.
void write_report(const Settings& s, const nn::Sequential& model, const data::Mnist& set,
                  const data::Dataset& test, double lr, train::Report report) {
    char rate[32];
    std::snprintf(rate, sizeof(rate), "%g", lr);
    report.title = set.name + ", " + s.model;
    report.settings = {{tr("model"), s.model},
                       {tr("optimizer"), s.optimizer},
                       {tr("learning rate"), rate},
                       {tr("epochs"), std::to_string(s.epochs)},
                       {tr("batch size"), std::to_string(s.batch_size)},
                       {tr("seed"), std::to_string(s.seed)},
                       {tr("data"), set.note}};
    const Tensor outputs = train::predict(model, test).to(Device::cpu()), truth = set.test.labels.to(i64),
                 found = argmax(outputs, 1);
    report.confusion = train::confusion_matrix(outputs, truth);
    const Tensor wrong = reshape(nonzero(ne(found, truth)), {-1});
    constexpr std::int64_t most = 60;
    const Tensor shown = narrow(wrong, 0, 0, std::min(wrong.numel(), most));
    if (shown.numel() > 0) {
        report.mistakes = index_select(set.test.images, 0, shown);
        const auto class_of = [&](const Tensor& label) { return set.classes[label.item<std::size_t>()]; };
        for (const std::int64_t i : shown.to_vector<std::int64_t>())
            report.captions.push_back(
                text_of("%s, taken for %s", class_of(truth(i)).c_str(), class_of(found(i)).c_str()));
    }
    picture::save_text(s.report, tr_page(train::to_html(report)));
    say("report written to %s\n", s.report.c_str());
}

// Of a step on these samples.
void print_profile(const nn::Sequential& model, optim::Optimizer& optimizer, const data::Dataset& samples) {
    data::Loader loader(samples, {.batch_size = samples.size()});
    for (const auto& [x, y] : loader) {
        const auto step = [&model, &optimizer, &x = x, &y = y] {
            optimizer.zero_grad();
            cross_entropy(model(x), y).backward();
            optimizer.step();
        };
        std::printf("%s", to_string(profile(step)).c_str());
    }
}

void run(const Settings& s) {
    check_settings(s);
    if (s.threads) set_num_threads(*s.threads);
    const distributed::Group group = s.distributed ? distributed::mpi_group() : distributed::Group();
    // A run whose result cannot be written is not begun.
    for (const std::string& path : {s.save, s.report})
        if (!path.empty() && group.rank() == 0) data::check_writable(path);
    if (group.rank() > 0 && !std::freopen("/dev/null", "w", stdout)) std::fclose(stdout);  // one speaks
    if (s.distributed) say("ranks: %d, over %s\n", group.size(), group.engine());
    const Device device = choose_device(s.device);
    set_matmul_precision(s.precision == "f32"    ? MatmulPrecision::highest
                         : s.precision == "tf32" ? MatmulPrecision::high
                                                 : MatmulPrecision::medium);
    const data::Mnist set = s.images.load();
    const Shape sample = s.model == "cnn" ? Shape{1, 28, 28} : Shape{784};
    const data::ImageOptions images{.mean = 0.1307, .std = 0.3081, .sample_shape = sample};
    data::Dataset training = data::images(set.train, images), test = data::images(set.test, images);
    for (data::Dataset* part : {&training, &test}) {
        part->inputs = part->inputs.to(device);
        part->targets = part->targets.to(device);
    }

    manual_seed(s.seed);
    const nn::Sequential model = make_model(s.model);
    if (!s.load.empty()) model.load(s.load);
    model.to(device);
    if (device.is_cpu())
        say("device: cpu, %d threads, %s kernels\n\n", num_threads(), cpu_level());
    else
        say("device: %s, %s, matrix products in %s\n\n", to_string(device).c_str(),
            cuda::properties(device).name.c_str(), s.precision.c_str());
    Shape input = sample;
    input.insert(0, s.batch_size);
    const std::string layers = train::summary(
        model, input,
        {.optimizer_states = s.optimizer == "sgd" ? 0 : 2, .ranks = group.size(), .shard = shard_of(s)});
    std::printf("%s\n", tr_table(layers).c_str());

    const auto optimizer = make_optimizer(s, model.parameters());
    if (s.profile) {
        print_profile(model, *optimizer, training.part(0, std::min(s.batch_size, training.size())));
        return;
    }
    std::size_t before = 0;  // epochs of the run that goes on
    std::vector<train::Callback> callbacks{
        korean_progress(), {.on_begin = [&](train::Run& run) { before = run.history.epochs.size(); }}};
    if (!s.checkpoint.empty()) callbacks.push_back(train::checkpoint({.path = s.checkpoint}));
    // A report shows the test images epoch by epoch; nothing is chosen by them.
    std::optional<data::Samples> shown;
    if (!s.report.empty()) shown = test;
    const train::History history = train::fit(model, nn::CrossEntropyLoss(), *optimizer, training,
                                              {.epochs = s.epochs,
                                               .batch_size = s.batch_size,
                                               .validation = shown,
                                               .seed = s.seed,
                                               .verbose = language() == Language::english,
                                               .callbacks = std::move(callbacks),
                                               .resume = s.resume,
                                               .accumulate = s.accumulate,
                                               .group = s.distributed ? std::optional(group) : std::nullopt,
                                               .parallel = {.shard = shard_of(s)}});
    const std::size_t epochs = history.epochs.size() - before;
    double seconds = 0;
    for (std::size_t i = before; i < history.epochs.size(); ++i) seconds += history.epochs[i].seconds;
    const train::Score score = train::evaluate(model, nn::CrossEntropyLoss(), test);
    say("\ntest accuracy %.4f, loss %.4f; trained for %.1f s, %.2f s per epoch\n", score.accuracy, score.loss,
        seconds, epochs == 0 ? 0 : seconds / static_cast<double>(epochs));
    if (group.rank() > 0) return;
    if (!s.save.empty()) {
        model.save(s.save);
        say("weights written to %s\n", s.save.c_str());
    }
    if (!s.report.empty()) {
        char accuracy[16], loss[16], time[32];
        std::snprintf(accuracy, sizeof(accuracy), "%.4f", score.accuracy);
        std::snprintf(loss, sizeof(loss), "%.4f", score.loss);
        std::snprintf(time, sizeof(time), "%.1f s", seconds);
        write_report(s, model, set, test, optimizer->lr(),
                     {.results = {{tr("test accuracy"), accuracy},
                                  {tr("test loss"), loss},
                                  {tr("training time"), time}},
                      .model = tr_table(layers),
                      .history = history,
                      .device = device});
    }
}

}  // namespace

int main(int argc, char** argv) {
    Settings s;
    return run_program(argc, argv,
                       {.what = "Trains a network on MNIST and reports its accuracy on the test images.",
                        .data = images_to_read,
                        .time = "less than a minute; with --model cnn some minutes",
                        .files = "what --save, --checkpoint and --report name"},
                       options_to(s), [&] { run(s); });
}
