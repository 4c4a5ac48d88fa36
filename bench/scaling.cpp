// Training on several ranks: what two of them cost beside one, how much of the messages is hidden behind the
// backward pass, and what a model of both says of many.
//
//     bench/scaling [rounds]      ranks as threads with one thread each, on W2, W4 (bench/mnist_rows.h) and a
//                                 transformer of six layers
//     bench/scaling --simulate    from 1 to 1024 ranks, on paper
//
// Efficiency is the time of a step of one rank over that of two, each with the row's batch; beside it that of
// two ranks that send each other nothing, and of two that only wait for each other behind every backward
// pass, which is what the machine leaves of it. For the overlap
// the messages take a tenth of the time of a step, over an engine that delays them; hidden is the share of it
// that the step does not take longer. The marks are 0.9 and 0.8.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "distributed/delayed_engine.h"
#include "mnist_rows.h"
#include "report.h"

using namespace adjoint;

namespace {

constexpr int steps = 20;

// Six layers alike: but for the first one's, whose gradients are the last, all can travel behind others.
const bench::Row deep{"transformer",
                      "",
                      16,
                      0,
                      {48, 64},
                      [] {
                          const auto layer = [] {
                              return nn::TransformerEncoderLayer(
                                  64, 4, {.dim_feedforward = 256, .dropout = 0, .batch_first = true});
                          };
                          return nn::Sequential(
                              layer(), layer(), layer(), layer(), layer(), layer(),
                              [](const Tensor& x) { return mean(x, 1); }, nn::Linear(64, 10));
                      },
                      bench::adam};

struct Network {
    const char* name;
    double latency, bytes_per_second;  // of a message, of a rank's line
};

bool is_measured(const bench::Row& row) {
    return std::strcmp(row.name, "W2") == 0 || std::strcmp(row.name, "W4") == 0;
}

double parameters_of(const bench::Row& row) { return static_cast<double>(row.model().parameter_count()); }

enum class Ranks { train_together, wait_for_each_other, go_by_themselves };

// Seconds of a step of `ranks` ranks, each with a batch of noise.
double step_time(const bench::Row& row, int ranks, std::int64_t bucket_bytes,
                 const std::optional<Network>& delays, Ranks how = Ranks::train_together) {
    const auto engines = distributed::thread_engines(ranks);
    std::vector<double> times(engines.size());
    const auto rank = [&](std::size_t r) {
        std::shared_ptr<distributed::Engine> engine = engines[r];
        if (delays)
            engine = std::make_shared<distributed::DelayedEngine>(
                engine, distributed::DelayedEngine::Seconds(delays->latency), delays->bytes_per_second);
        const distributed::Group group(engine);
        manual_seed(1);
        const nn::Sequential model = row.model();
        const auto optimizer = row.optimizer(model);
        Shape shape = row.sample;
        shape.insert(0, row.batch_size);
        const Tensor x = randn(shape), y = randint(0, 10, {row.batch_size});
        const distributed::DataParallel parallel(model,
                                                 how == Ranks::train_together ? group : distributed::Group(),
                                                 {.bucket_bytes = bucket_bytes});
        const auto step = [&] {
            optimizer->zero_grad();
            parallel.backward(cross_entropy(model(x), y));
            if (how == Ranks::wait_for_each_other) group.barrier();
            optimizer->step();
        };
        for (int i = 0; i < 3; ++i) step();
        group.barrier();
        const double start = bench::seconds();
        for (int i = 0; i < steps; ++i) step();
        times[r] = (bench::seconds() - start) / steps;
        group.barrier();
    };
    std::vector<std::thread> threads;
    for (std::size_t r = 0; r < engines.size(); ++r) threads.emplace_back(rank, r);
    for (std::thread& thread : threads) thread.join();
    return *std::max_element(times.begin(), times.end());
}

// On paper.
// -----------------------------------------------------------------------------

constexpr Network networks[] = {
    {"Ethernet 10 Gbit/s", 30e-6, 1.1e9}, {"InfiniBand 200 Gbit/s", 2e-6, 23e9}, {"NVLink 4", 4e-6, 400e9}};

struct Work {
    const char* name;
    double parameters, step;  // seconds of a rank's step without messages
};
// Of the large ones: operations of a forward and backward pass, on a GPU that does so many a second of them.
constexpr Work resnet{"ResNet-50", 25.6e6, 64 * 3 * 8.2e9 / 60e12};                // 64 images, f32
constexpr Work transformer{"transformer of 1e9", 1e9, 6.0 * 1e9 * 8192 / 400e12};  // 8192 tokens, bf16

// A ring sends each of n pieces n - 1 times to sum and n - 1 times to spread; a tree has fewer steps and
// moves the whole in each; ours exchanges pieces directly, all n - 1 at once, behind one agreement.
double ring(const Network& net, double bytes, int n) {
    return 2 * (n - 1) * (net.latency + bytes / n / net.bytes_per_second);
}
double tree(const Network& net, double bytes, int n) {
    const double levels = std::ceil(std::log2(n));
    return 2 * levels * (net.latency + bytes / net.bytes_per_second);
}
double direct(const Network& net, double bytes, int n) {
    return 3 * net.latency + 2 * (n - 1) * (bytes / n / net.bytes_per_second);
}

// Buckets leave as they fill, over the two thirds of the step that are the backward pass; what is left when
// it ends is what the step takes longer.
double step_of(const Work& work, const Network& net, int n, double bucket,
               const std::function<double(const Network&, double, int)>& reduce) {
    if (n == 1) return work.step;
    const double bytes = 4 * work.parameters, backward = work.step * 2 / 3;
    const int buckets = std::max(1, static_cast<int>(std::ceil(bytes / bucket)));
    double line_free = 0;
    for (int i = 1; i <= buckets; ++i) {
        const double filled = work.step - backward + backward * i / buckets;
        line_free = std::max(line_free, filled) + reduce(net, bytes / buckets, n);
    }
    return std::max(work.step, line_free);
}

void measure(const bench::Row& row, int rounds) {
    const double bytes = 4 * parameters_of(row);
    const auto whole = std::int64_t{1} << 40, parts = static_cast<std::int64_t>(bytes / 4);
    std::vector<double> alone, two, apart, waiting, efficiencies, hidden, predicted;
    for (int round = 0; round < rounds; ++round) {
        alone.push_back(step_time(row, 1, parts, {}));
        two.push_back(step_time(row, 2, parts, {}));
        efficiencies.push_back(alone.back() / two.back());
        apart.push_back(alone.back() / step_time(row, 2, parts, {}, Ranks::go_by_themselves));
        waiting.push_back(alone.back() / step_time(row, 2, parts, {}, Ranks::wait_for_each_other));
        // Each of two ranks receives as many bytes as its gradients have: half the terms, half the sums.
        const double messages = 0.1 * two.back();
        const Network net{"delayed", 0, bytes / messages};
        const double together = step_time(row, 2, parts, net), behind = step_time(row, 2, whole, net);
        hidden.push_back(1 - (together - two.back()) / std::max(behind - two.back(), messages));
        predicted.push_back(
            step_of({row.name, parameters_of(row), two.back()}, net, 2, static_cast<double>(parts), direct) /
            together);
    }
    bench::report(row.name, "one rank", 1, bench::median(alone), "s");
    bench::report(row.name, "two ranks", 2, bench::median(two), "s");
    bench::report(row.name, "efficiency", 2, bench::median(efficiencies), "");
    bench::report(row.name, "efficiency without messages", 2, bench::median(apart), "");
    bench::report(row.name, "efficiency of a barrier alone", 2, bench::median(waiting), "");
    bench::report(row.name, "hidden", 2, bench::median(hidden), "");
    bench::report(row.name, "predicted/measured", 2, bench::median(predicted), "");
}

void simulate() {
    std::vector<Work> works;
    for (const bench::Row& row : bench::rows)
        if (is_measured(row))
            works.push_back({row.name, parameters_of(row), step_time(row, 1, 25 << 20, {})});
    works.push_back(resnet);
    works.push_back(transformer);
    std::printf("efficiency of a step, gradients of f32 in buckets of 25 MB\n");
    std::printf("%-20s %-22s %5s  %7s %7s %7s\n", "work", "network", "ranks", "direct", "ring", "tree");
    for (const Work& work : works)
        for (const Network& net : networks)
            for (int n = 1; n <= 1024; n *= 4) {
                const auto efficiency = [&](const auto& reduce) {
                    return work.step / step_of(work, net, n, 25 << 20, reduce);
                };
                std::printf("%-20s %-22s %5d  %7.3f %7.3f %7.3f\n", work.name, net.name, n,
                            efficiency(direct), efficiency(ring), efficiency(tree));
            }
}

}  // namespace

int main(int argc, char** argv) {
    set_num_threads(1);
    if (argc > 1 && std::strcmp(argv[1], "--simulate") == 0) {
        simulate();
        return 0;
    }
    const int rounds = argc > 1 ? std::atoi(argv[1]) : 5;
    for (const bench::Row& row : bench::rows)
        if (is_measured(row)) measure(row, rounds);
    measure(deep, rounds);
}
