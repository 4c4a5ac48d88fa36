// Batches that travel to a device while it computes.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include <adjoint/adjoint.h>

#include "runtime/fake.h"

namespace adjoint {
namespace {

const Device card = Device::cuda(0);
constexpr std::int64_t batch_size = 64, batches = 12;
constexpr int products = 10;  // of a step

data::Dataset samples() {
    return {.inputs = rand({batch_size * batches, 1024}), .targets = randint(0, 10, {batch_size * batches})};
}

// The number of the stream that has done such work last; -1 if none has.
int stream_of(const std::string& name) {
    int stream = -1;
    for (const std::string& line : fake_cuda::work_log())
        if (line.find(name + " @") == 0) stream = std::stoi(line.substr(name.size() + 2));
    return stream;
}

// Reads all of a batch, by calls whose operands the fake knows.
void run_step(const data::Batch& batch, const Tensor& weights) {
    for (int i = 0; i < products; ++i) matmul(batch.x, weights);
    batch.y.clone();
}

class BesideTheStep : public testing::TestWithParam<int> {
  protected:
    data::LoaderOptions options() const {
        return {.batch_size = batch_size, .seed = 1, .workers = GetParam(), .device = card};
    }
    const Tensor weights_ = ones({1024, 1024}, {.device = card});
};

TEST_P(BesideTheStep, TheNextBatchArrivesWhileTheStepRuns) {
    data::Loader loader(samples(), options());
    data::Batch batch;
    for (int i = 0; i < 2; ++i) ASSERT_TRUE(loader.next(batch));
    cuda::synchronize(card);
    const std::int64_t waits = cuda::sync_count();
    for (std::int64_t i = 2; i < batches; ++i) {
        run_step(batch, weights_);
        ASSERT_TRUE(loader.next(batch));
        const auto copies = static_cast<std::size_t>(stream_of("memcpy to device")),
                   computing = static_cast<std::size_t>(stream_of("cublasLtMatmul"));
        ASSERT_NE(copies, computing);
        // With workers there are copies of later batches behind this one, which may have to wait.
        if (GetParam() > 0) continue;
        fake_cuda::run_stream(copies);
        EXPECT_GE(fake_cuda::queued_on(computing), static_cast<std::size_t>(products))
            << "the step has not run";
    }
    EXPECT_EQ(cuda::sync_count(), waits) << "nobody waited";
    cuda::synchronize(card);
}

TEST_P(BesideTheStep, BatchesAreWhole) {
    const data::Dataset set = samples();
    data::Loader here(set, {.batch_size = batch_size, .seed = 1}), there(set, options());
    data::Batch expected, got;
    while (here.next(expected)) {
        ASSERT_TRUE(there.next(got));
        EXPECT_EQ(got.x.device(), card);
        EXPECT_EQ(got.x.to(Device::cpu()).to_vector<float>(), expected.x.to_vector<float>());
        EXPECT_EQ(got.y.to(Device::cpu()).to_vector<std::int64_t>(), expected.y.to_vector<std::int64_t>());
    }
    EXPECT_FALSE(there.next(got));
}

// How many batches wait at a time is the threads' business, how many there can be is not.
TEST_P(BesideTheStep, TheSameMemoryServesAllEpochs) {
    constexpr int epochs = 5, to_a_segment = 8;
    constexpr std::int64_t prefetch = 2, alive = prefetch + 2;  // and the batch in use and the next
    static_assert(alive <= to_a_segment && epochs * batches > 4 * to_a_segment);
    data::LoaderOptions ahead = options();
    ahead.prefetch = prefetch;
    data::Loader loader(samples(), ahead);
    const auto epoch = [&] {
        for (const data::Batch& batch : loader) run_step(batch, weights_);
    };
    cuda::empty_cache(card);
    const std::int64_t before = cuda::memory_stats(card).system_allocations;
    for (int i = 0; i < epochs; ++i) epoch();
    // The batches' inputs, their targets, results, the library's workspace.
    EXPECT_LE(cuda::memory_stats(card).system_allocations, before + 4);
    loader.rest();
    cuda::synchronize(card);
    EXPECT_EQ(cuda::memory_stats(card).in_use, static_cast<std::int64_t>(1024 * 1024 * sizeof(float)));
}

TEST_P(BesideTheStep, WhatNobodyTakesGoesBackToo) {
    cuda::empty_cache(card);
    const std::size_t before = fake_cuda::device_bytes();
    data::Loader loader(samples(), options());
    for (int i = 0; i < 5; ++i) {
        int seen = 0;
        for (const data::Batch& batch : loader) {
            run_step(batch, weights_);
            if (++seen == 3) break;
        }
    }
    cuda::empty_cache(card);
    EXPECT_EQ(fake_cuda::device_bytes(), before);
    EXPECT_EQ(cuda::memory_stats(card).in_use, static_cast<std::int64_t>(1024 * 1024 * sizeof(float)));
}

TEST_P(BesideTheStep, CapturedStepsTrainOnThem) {
    const nn::Sequential model(nn::Linear(1024, 512), nn::ReLU(), nn::Linear(512, 10));
    model.to(card);
    optim::SGD optimizer(model.parameters(), {.lr = 0.1});
    train::fit(
        model, nn::CrossEntropyLoss(), optimizer, samples(),
        {.epochs = 3, .batch_size = batch_size, .verbose = false, .workers = GetParam(), .device = card});
    EXPECT_GT(fake_cuda::calls()["cudaGraphLaunch"], batches);
}

INSTANTIATE_TEST_SUITE_P(Workers, BesideTheStep, testing::Values(0, 1, 3), testing::PrintToStringParamName());

}  // namespace
}  // namespace adjoint
