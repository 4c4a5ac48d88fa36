// Checkpoints: a resumed run has the bits of one that was never interrupted; what is no checkpoint of this
// run changes nothing.
#include <gtest/gtest.h>

#include <bit>
#include <functional>
#include <map>
#include <memory>

#include <adjoint/adjoint.h>
#include <adjoint/core/base/sanitizer.h>

#include "data/test_files.h"

namespace adjoint {
namespace {

using data::expect_error;

// A training with all that a resumed run could get wrong: running statistics, dropout, moments, a schedule, a
// shuffle, a best epoch, sums of an epoch under way.
struct Job {
    static constexpr int epochs = 3;
    static constexpr std::int64_t steps = 15;

    data::Dataset set;
    nn::Sequential model;
    optim::Adam optimizer;
    std::map<std::string, std::string> end;  // what was left, as bytes

    explicit Job(std::uint64_t seed)
        : set(samples()),
          model((manual_seed(seed), nn::Sequential(nn::Linear(4, 8), nn::BatchNorm1d(8), nn::ReLU(),
                                                   nn::Dropout(0.3), nn::Linear(8, 2)))),
          optimizer(model.parameters(), {.lr = 0.05, .amsgrad = true}) {}

    static data::Dataset samples() {
        manual_seed(21);
        const Tensor x = randn({46, 4});
        return {.inputs = x, .targets = gt(x(all, 0), x(all, 1)).to(i64)};
    }

    static std::string bytes(const Tensor& x) {
        return {x.impl().data, static_cast<std::size_t>(x.numel()) * size_of(x.dtype())};
    }
    std::map<std::string, std::string> state() const {
        std::map<std::string, std::string> state;
        for (const auto& [name, tensor] : model.state()) state["model." + name] = bytes(tensor);
        for (const auto& [name, tensor] : optimizer.state()) state["optimizer." + name] = bytes(tensor);
        const GeneratorState generator = generator_state();
        state["generator"] = std::to_string(generator.seed) + "/" + std::to_string(generator.stream);
        return state;
    }

    std::function<void(train::FitOptions&)> change = [](train::FitOptions&) {};

    train::FitOptions options(std::vector<train::Callback> more = {}) {
        std::vector<train::Callback> callbacks{
            train::early_stopping({.patience = 2}),
            train::schedule(optim::ExponentialLR(optimizer, 0.9), train::Every::batch),
            train::record_batches()};
        callbacks.insert(callbacks.end(), more.begin(), more.end());
        train::FitOptions all{.epochs = epochs,
                              .batch_size = 8,
                              .validation_split = 0.2,
                              .seed = 5,
                              .verbose = false,
                              .callbacks = std::move(callbacks)};
        change(all);
        return all;
    }
    train::History fit(const train::FitOptions& options) {
        return train::fit(model, nn::CrossEntropyLoss(), optimizer, set, options);
    }
    // Runs to the end and notes what it left before the best weights come back.
    train::History finish(const std::string& resume = "") {
        train::FitOptions all = options();
        all.callbacks.insert(all.callbacks.begin(), {.on_end = [this](train::Run&) { end = state(); }});
        all.resume = resume;
        train::History history = fit(all);
        for (train::EpochRecord& record : history.epochs) record.seconds = 0;
        return history;
    }
};

// Runs a job until `event` says that it is to be saved and interrupted.
void interrupt(
    const std::string& path, std::function<void(train::Run&)> train::Callback::*event,
    std::function<bool(const train::Run&)> now,
    const std::function<void(train::FitOptions&)>& change = [](train::FitOptions&) {}) {
    Job job(3);
    job.change = change;
    train::Callback callback;
    callback.*event = [&](train::Run& run) {
        if (!now(run)) return;
        run.save(path);
        run.stop("interrupted");
    };
    // First in the list: what is saved is what the callbacks behind it make of the event all the same.
    train::FitOptions options = job.options();
    options.callbacks.insert(options.callbacks.begin(), callback);
    job.fit(options);
}

// Parts, a scaled loss, averages and figures: what a step keeps besides comes from the file too.
TEST(Checkpoint, AResumedRunKeepsWhatItsOptionsKeep) {
    const TemporaryFolder folder;
    const std::string path = folder / "run.ckpt", best = folder / "best.ckpt";
    for (const train::Average& average :
         {train::Average(train::EMA{.decay = 0.8}), train::Average(train::SWA{.from_epoch = 2})}) {
        const auto change = [&](train::FitOptions& options) {
            options.epochs = 4;
            options.batch_size = 5;
            options.accumulate = 2;
            options.autocast = f16;
            options.clip_norm = 0.5;
            options.average = average;
            options.validate_every = 2;
            options.metrics = {{"right", train::accuracy}};
        };
        Job whole(3);
        whole.change = change;
        const train::History history = whole.finish();
        const auto expect_the_same = [&](const std::string& what, const std::string& from) {
            Job resumed(77);
            resumed.change = change;
            const train::History other = resumed.finish(from);
            EXPECT_EQ(resumed.end, whole.end) << what;
            EXPECT_EQ(resumed.state(), whole.state()) << what;
            EXPECT_EQ(train::to_csv(other), train::to_csv(history)) << what;
        };
        for (const std::int64_t step : {1, 7, 13}) {
            interrupt(
                path, &train::Callback::on_batch, [=](const train::Run& run) { return run.step == step; },
                change);
            expect_the_same("interrupted after step " + std::to_string(step), path);
        }
        for (const int epoch : {1, 2, 3}) {
            interrupt(
                path, &train::Callback::on_epoch, [=](const train::Run& run) { return run.epoch == epoch; },
                change);
            expect_the_same("interrupted after epoch " + std::to_string(epoch), path);
        }

        // The best file has the averages, by which its loss was measured, and training goes on without them.
        Job saves(3);
        saves.change = [&](train::FitOptions& options) {
            change(options);
            options.callbacks.push_back(train::checkpoint({.path = path, .best = best}));
            options.epochs = 2;
        };
        const train::History first = saves.fit(saves.options());
        const nn::Sequential loaded = Job(5).model;
        loaded.load(train::load_checkpoint(best).model);
        const Autocast guard(f16);
        EXPECT_EQ(train::evaluate(loaded, nn::CrossEntropyLoss(), Job::samples().part(37, 9)).loss,
                  first.last().validation.loss);
    }
}

TEST(Checkpoint, AResumedRunHasTheBitsOfOneThatWasNeverInterrupted) {
    const TemporaryFolder folder;
    const std::string path = folder / "run.ckpt";
    Job whole(3);
    const train::History history = whole.finish();
    ASSERT_EQ(history.batches.size(), static_cast<std::size_t>(Job::steps));
    const auto expect_the_same = [&](const std::string& what) {
        Job resumed(77);  // other weights, another generator: all of it must come from the file
        const train::History other = resumed.finish(path);
        EXPECT_EQ(resumed.end, whole.end) << what;
        EXPECT_EQ(resumed.state(), whole.state()) << what;
        EXPECT_EQ(train::to_csv(other), train::to_csv(history)) << what;
        EXPECT_EQ(other.batches, history.batches) << what;
    };
    for (const std::int64_t step : {1, 4, 5, 7, 13}) {
        interrupt(path, &train::Callback::on_batch, [=](const train::Run& run) { return run.step == step; });
        expect_the_same("interrupted after step " + std::to_string(step));
    }
    for (const int epoch : {1, 2}) {
        interrupt(path, &train::Callback::on_epoch,
                  [=](const train::Run& run) { return run.epoch == epoch; });
        expect_the_same("interrupted after epoch " + std::to_string(epoch));
    }
}

TEST(Checkpoint, AResumedRunKnowsWhereItIs) {
    const TemporaryFolder folder;
    const std::string path = folder / "run.ckpt";
    interrupt(path, &train::Callback::on_batch, [](const train::Run& run) { return run.step == 7; });
    Job job(3);
    std::string seen;
    train::FitOptions options = job.options({{.on_begin =
                                                  [&](train::Run& run) {
                                                      EXPECT_TRUE(run.resumed);
                                                      seen = std::to_string(run.epoch) + "." +
                                                             std::to_string(run.batch) + "." +
                                                             std::to_string(run.step);
                                                  },
                                              .on_batch = [](train::Run& run) { run.stop("one more"); }}});
    options.resume = path;
    EXPECT_EQ(job.fit(options).batches.size(), 8u);
    EXPECT_EQ(seen, "2.2.7");
}

TEST(Checkpoint, OfAStoppedRunGoesOnWithoutItsEnd) {
    const TemporaryFolder folder;
    const std::string path = folder / "run.ckpt";
    Job first(3);
    first.fit(first.options({{.on_epoch = [](train::Run& run) { run.stop("enough"); },
                              .on_end = [&](train::Run& run) { run.save(path); }}}));
    EXPECT_EQ(train::load_checkpoint(path).history.end, "enough");
    Job second(3);
    train::FitOptions options =
        second.options({{.on_begin = [](train::Run& run) { EXPECT_EQ(run.history.end, ""); }}});
    options.epochs = 2;
    options.resume = path;
    const train::History history = second.fit(options);
    EXPECT_EQ(history.epochs.size(), 2u);
    EXPECT_EQ(history.end, "");
}

TEST(Checkpoint, IsWrittenEveryFewEpochsAndBatchesAndForTheBest) {
    const TemporaryFolder folder;
    std::vector<std::int64_t> written;  // the steps of the checkpoints that stand on the disk
    const auto watch = [&](train::Run&) {
        if (!std::filesystem::exists(folder / "last")) return;
        const data::LoaderState at = train::load_checkpoint(folder / "last").loader;
        const auto step = static_cast<std::int64_t>(at.epoch) * 5 + at.next_batch;
        if (written.empty() || written.back() != step) written.push_back(step);
    };
    Job job(3);
    job.fit(job.options({train::checkpoint({.path = folder / "last", .every_epochs = 2, .every_batches = 4}),
                         {.on_batch = watch, .on_epoch = watch, .on_end = watch}}));
    // A look comes before what the same event writes.
    EXPECT_EQ(written, (std::vector<std::int64_t>{4, 8, 10, 12}));

    Job other(3);
    const train::History history =
        other.fit(other.options({train::checkpoint({.path = folder / "last", .best = folder / "best"})}));
    const train::Checkpoint best = train::load_checkpoint(folder / "best");
    double least = history.epochs[0].validation.loss;
    for (const train::EpochRecord& record : history.epochs) least = std::min(least, record.validation.loss);
    EXPECT_EQ(best.history.last().validation.loss, least);
    EXPECT_EQ(train::load_checkpoint(folder / "last").history.epochs.size(), history.epochs.size());
    EXPECT_THROW(train::checkpoint({}), ValueError);
    EXPECT_THROW(train::checkpoint({.path = "x", .every_epochs = -1}), ValueError);
}

TEST(Checkpoint, KeepsEverythingOfItsOwn) {
    const TemporaryFolder folder;
    const train::Checkpoint saved{
        .model = {{"w", ones({2, 3})}},
        .optimizer = {{"lr", Tensor(0.5)}},
        .callbacks = {{}, {{"best", Tensor(0.25)}}, {}},
        .epoch = {{"samples", Tensor(std::int64_t{7})}},
        .generator = {.seed = ~std::uint64_t{0}, .stream = 12},
        .loader = {.epoch = 4, .next_batch = 2},
        .history = {.epochs = {{.epoch = 1, .train = {0.1, NAN}, .metrics = {{"f1", 0.3}}}, {.epoch = 2}},
                    .batches = {0.7, INFINITY},
                    .end = "a \"reason\""},
        .settings = {{"seed", "5"}}};
    train::save_checkpoint(folder / "a", saved);
    const train::Checkpoint read = train::load_checkpoint(folder / "a");
    EXPECT_EQ(read.model[0].first, "w");
    EXPECT_TRUE(data::same(read.model[0].second, saved.model[0].second));
    ASSERT_EQ(read.callbacks.size(), 3u);
    EXPECT_EQ(read.callbacks[1][0].second.item(), 0.25);
    EXPECT_EQ(read.generator, saved.generator);
    EXPECT_EQ(read.loader, saved.loader);
    EXPECT_EQ(train::to_json(read.history), train::to_json(saved.history));
    EXPECT_EQ(read.history.batches, saved.history.batches);
    EXPECT_TRUE(read.history.epochs[1].metrics.empty());
    EXPECT_EQ(read.settings, saved.settings);
    EXPECT_EQ(read.epoch.size(), 1u);
}

TEST(Checkpoint, GivesItsWeightsToAModelThatAsksForThem) {
    const TemporaryFolder folder;
    const std::string path = folder / "run.ckpt";
    Job job(3), other(4);
    job.fit(job.options({train::checkpoint({.path = path})}));
    expect_error<ValueError>([&] { other.model.load(path); }, {path, "checkpoint of a training",
                                                               "FitOptions::resume", "{{\"model.\", \"\"}}"});
    const nn::LoadReport report = other.model.load(path, {.strict = false, .rename = {{"model.", ""}}});
    EXPECT_TRUE(report.missing.empty());
    for (const auto& [name, tensor] : train::load_checkpoint(path).model)
        if (name == "0.weight") {
            EXPECT_TRUE(equal(other.model.at<nn::Linear>(0).weight, tensor));
        }
}

TEST(Checkpoint, OfManyPartsKeepsThemInTheirOrder) {
    constexpr int count = 10000;
    train::Checkpoint before;
    train::EpochRecord record{.epoch = 1};
    for (int i = count; i > 0; --i) {
        before.model.emplace_back("layer" + std::to_string(i), Tensor(i));
        before.optimizer.emplace_back(std::to_string(i) + ".step", Tensor(-i));
        record.metrics["metric" + std::to_string(i)] = i;
    }
    before.callbacks = {{{"loss", Tensor(1.0)}}, {}, {{"x", Tensor(2)}, {"a", Tensor(3)}}};
    before.history.epochs.push_back(record);
    const TemporaryFolder folder;
    train::save_checkpoint(folder / "many", before);
    const train::Checkpoint after = train::load_checkpoint(folder / "many");
    ASSERT_EQ(after.model.size(), before.model.size());
    for (std::size_t i = 0; i < after.model.size(); ++i) {
        EXPECT_EQ(after.model[i].first, before.model[i].first);
        EXPECT_EQ(after.optimizer[i].second.item<int>(), before.optimizer[i].second.item<int>());
    }
    ASSERT_EQ(after.callbacks.size(), 3u);
    EXPECT_EQ(after.callbacks[2][1].first, "a");
    EXPECT_EQ(after.history.epochs[0].metrics, record.metrics);

    std::vector<Tensor> parameters;
    for (int i = 0; i < count; ++i) {
        parameters.push_back(ones({1}, {.requires_grad = true}));
        parameters.back().set_grad(ones({1}));
    }
    optim::Adam one(parameters), other(parameters);
    one.step();
    other.load_state(one.state());
    EXPECT_EQ(other.state().size(), one.state().size());
}

TEST(Checkpoint, OfAnotherRunOrDamagedChangesNothing) {
    const TemporaryFolder folder;
    const std::string good = folder / "good", bad = folder / "bad";
    interrupt(good, &train::Callback::on_batch, [](const train::Run& run) { return run.step == 7; });
    Job job(9);
    job.fit(job.options());  // the optimizer has a state of its own to lose
    const auto before = job.state();
    const auto expect_refusal = [&]<class Kind>(Kind*, const std::string& path, const std::string& part) {
        train::FitOptions options = job.options();
        options.resume = path;
        expect_error<Kind>([&] { job.fit(options); }, {part});
        EXPECT_EQ(job.state(), before) << part;
    };
    const auto changed = [&]<class Kind>(Kind* kind, const std::function<void(train::Checkpoint&)>& change,
                                         const std::string& part) {
        train::Checkpoint checkpoint = train::load_checkpoint(good);
        change(checkpoint);
        train::save_checkpoint(bad, checkpoint);
        expect_refusal(kind, bad, part);
    };
    IoError* const io = nullptr;
    ValueError* const value = nullptr;
    ShapeError* const shape = nullptr;

    expect_refusal(io, folder / "none", folder / "none");
    job.model.save(bad);
    expect_refusal(io, bad, "not a checkpoint");
    data::save_safetensors(bad, {}, {{"format", "adjoint checkpoint 2"}});
    expect_refusal(io, bad, "of this version");
    const std::string content = data::content_of(good);
    for (const std::size_t length : {std::size_t{0}, std::size_t{7}, content.size() / 2, content.size() - 1})
        expect_refusal(io, folder.file("bad", content.substr(0, length)), bad);

    changed(
        value, [](train::Checkpoint& c) { c.model.pop_back(); }, "missing");
    changed(
        shape, [](train::Checkpoint& c) { c.model.back().second = zeros({3}); }, "load");
    changed(
        value, [](train::Checkpoint& c) { c.optimizer.pop_back(); }, "missing");
    changed(
        value, [](train::Checkpoint& c) { c.callbacks.pop_back(); }, "callbacks");
    changed(
        value, [](train::Checkpoint& c) { c.callbacks[2][0].first = "other"; }, "record_batches");
    changed(
        value,
        [](train::Checkpoint& c) {
            c.epoch = {{"samples", zeros({2})}};
        },
        "one number");
    changed(
        value, [](train::Checkpoint& c) { c.loader.next_batch = 1000; }, "loader");
    changed(
        value, [](train::Checkpoint& c) { c.settings["seed"] = "6"; }, "seed");
    changed(
        value, [](train::Checkpoint& c) { c.settings.erase("samples"); },
        "of a run with no samples, this one has samples");
    changed(
        io, [](train::Checkpoint& c) { c.loader.next_batch = -1; }, "damaged");
    changed(
        io, [](train::Checkpoint& c) { c.loader.epoch = ~std::uint64_t{0}; }, "damaged");
    changed(
        io,
        [](train::Checkpoint& c) {
            c.history.epochs.resize(1, {.epoch = -3});
            c.history.epochs[0].epoch = -3;
        },
        "damaged");
}

TEST(Checkpoint, AnErrorOfTheDiskReachesTheCaller) {
    Job job(3);
    expect_error([&] { job.fit(job.options({train::checkpoint({.path = "/dev/full"})})); },
                 {"/dev/full", "No space left"});
}

TEST(Checkpoint, APathThatCannotBeWrittenIsFoundBeforeTheFirstBatch) {
    const TemporaryFolder folder;
    for (const train::CheckpointOptions& options :
         {train::CheckpointOptions{.path = "/no/such/folder/run"},
          {.path = folder.path()},
          {.path = folder / "run", .best = "/no/such/folder/best"}}) {
        Job job(3);
        int batches = 0;
        const train::Callback count{.on_batch = [&](train::Run&) { ++batches; }};
        expect_error(
            [&] {
                job.fit(job.options({count, train::checkpoint(options)}));
            },
            {"cannot be written"});
        EXPECT_EQ(batches, 0);
    }
    EXPECT_TRUE(folder.entries().empty()) << "nothing is left of the attempts";
}

}  // namespace
}  // namespace adjoint
