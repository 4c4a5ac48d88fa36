// The file of a checkpoint: parts that do not fit together are refused, a killed run leaves a whole one.
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include <adjoint/adjoint.h>
#include <adjoint/core/base/sanitizer.h>

#include "data/test_files.h"
#include "temporary_folder.h"

namespace adjoint {
namespace {

using data::expect_error;

TEST(Checkpoint, AFileWhosePartsDoNotFitTogetherIsAnError) {
    const TemporaryFolder folder;
    train::save_checkpoint(folder / "a", {.history = {.epochs = {{.epoch = 1, .metrics = {{"f1", 1.0}}}}}});
    const data::SafeTensors whole = data::load_safetensors(folder / "a");
    const auto expect_damage = [&](const std::function<void(data::SafeTensors&)>& change) {
        data::SafeTensors file = whole;
        change(file);
        data::save_safetensors(folder / "b", file.tensors, file.metadata);
        expect_error([&] { train::load_checkpoint(folder / "b"); }, {folder / "b", "checkpoint"});
    };
    for (const char* name :
         {"history.epochs", "history.batches", "history.metrics.f1", "generator", "loader"})
        for (const Tensor& other : {zeros({3, 3}), Tensor(0.5), Tensor()})
            expect_damage([&](data::SafeTensors& file) {
                std::erase_if(file.tensors, [&](const auto& entry) { return entry.first == name; });
                if (other.defined() || std::string(name) == "history.metrics.f1")
                    file.tensors.emplace_back(name, other.defined() ? other : zeros({2}, {.dtype = f64}));
            });
    for (const char* number : {"", "-1", "1e3", "99999999999999999999", "1001"})
        expect_damage([&](data::SafeTensors& file) { file.metadata["callbacks"] = number; });
    expect_damage([](data::SafeTensors& file) { file.metadata.erase("end"); });
}

// A training of one weight that writes its state after every step, killed again and again.
TEST(Checkpoint, KilledAtAnyMomentLeavesAWholeFile) {
    const TemporaryFolder folder;
    const std::string path = folder / "run.ckpt";
    const data::Dataset set{.inputs = reshape(arange(4), {4, 1}).to(f32), .targets = ones({4, 1})};
    const auto run = [&](std::vector<train::Callback> callbacks, int epochs, const std::string& resume) {
        manual_seed(1);
        const nn::Sequential model(nn::Linear(1, 1), nn::Dropout(0.5));
        optim::Adam optimizer(model.parameters());
        train::fit(model, nn::MSELoss(), optimizer, set,
                   {.epochs = epochs,
                    .batch_size = 2,
                    .verbose = false,
                    .callbacks = std::move(callbacks),
                    .resume = resume});
    };
    const train::Callback write = train::checkpoint({.path = path, .every_batches = 1});
    run({write}, 1, "");
    std::map<std::int64_t, std::uint32_t> met;  // the weight at each step that was found on the disk
    const auto bits = [](const Tensor& weight) { return std::bit_cast<std::uint32_t>(weight.item<float>()); };
#if ADJOINT_ADDRESS_SANITIZER || ADJOINT_THREAD_SANITIZER
    constexpr int moments = 40;
#else
    constexpr int moments = 200;
#endif
    std::int64_t last = 0, longest = 2000;  // microseconds; longer on a machine where nothing came of them
    for (int moment = 0; moment < moments; ++moment) {
        data::run_until_killed([&] { run({write}, 1'000'000, path); },
                               std::chrono::microseconds(100 + 7919 * moment % longest));
        const train::Checkpoint checkpoint = train::load_checkpoint(path);
        const std::int64_t step =
            static_cast<std::int64_t>(checkpoint.loader.epoch) * 2 + checkpoint.loader.next_batch;
        ASSERT_GE(step, last) << "an older state came back";
        if (step == last) longest = std::min<std::int64_t>(2 * longest, 100'000);
        if (step > last) longest = std::max<std::int64_t>(longest / 2, 2000);
        last = step;
        met[step] = bits(checkpoint.model[0].second);
    }
    EXPECT_GT(last, 2) << "no killed run got anywhere";
    EXPECT_LE(folder.entries().size(), 2u) << "what killed runs left is removed by the next";
    // What was killed 200 times took the steps of one that never was.
    run({{.on_batch =
              [&](train::Run& now) {
                  const auto found = met.find(now.step);
                  if (found != met.end()) {
                      EXPECT_EQ(bits(now.trainee.module.state()[0].second), found->second);
                  }
                  if (now.step >= last) now.stop("enough");
              }}},
        1'000'000, "");
}

}  // namespace
}  // namespace adjoint
