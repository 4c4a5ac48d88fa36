// Training epochs on MNIST on a CUDA device, the data in its memory: eager steps,
// and the same steps captured.
//
//     bench/cuda_mnist [folder of the data] [rounds] [cpu]     rows W1 to W4 of mnist_rows.h, whole epochs
//
// A line of JSON for each row and way, with the names that the peers in scripts/gpu_check use. `cpu` shows on
// a machine without a device that the program works.
#include <adjoint/adjoint.h>

#include <cstdlib>
#include <cstring>
#include <string>

#include "mnist_rows.h"
#include "report.h"

using namespace adjoint;

namespace {

struct Job {
    const bench::Row& row;
    data::Loader& loader;
    Device device;
    int rounds;
};

void wait(Device device) {
    if (!device.is_cpu()) cuda::synchronize(device);
}

// Times an epoch of `step(batch)`.
template <class Step> void report(const Job& job, const char* way, const Step& step) {
    const std::int64_t waits = cuda::sync_count();
    const double seconds = bench::time(job.rounds, [&] {
        for (const data::Batch& batch : job.loader) step(batch);
        wait(job.device);
    });
    const auto steps = static_cast<double>(job.loader.size());
    const bool tf32 = matmul_precision() == MatmulPrecision::high;
    std::printf(
        "{\"bench\": \"adjoint_mnist\", \"model\": \"%s\", \"mode\": \"%s\", \"tf32\": %s, \"batch\": "
        "%lld, "
        "\"epoch_ms\": %.4f, \"step_us\": %.3f, \"samples_per_s\": %.1f, \"waits_per_epoch\": %.1f}\n",
        job.row.peer, way, tf32 ? "true" : "false", static_cast<long long>(job.row.batch_size), seconds * 1e3,
        seconds / steps * 1e6, steps * static_cast<double>(job.row.batch_size) / seconds,
        static_cast<double>(cuda::sync_count() - waits) / (job.rounds + 1));
    std::fflush(stdout);
}

void run(const Job& job) {
    manual_seed(1);
    const nn::Sequential model = job.row.model();
    model.to(job.device);
    const auto optimizer = job.row.optimizer(model);
    data::Batch input;
    const auto step = [&] {
        optimizer->zero_grad();
        cross_entropy(model(input.x), input.y).backward();
        optimizer->step();
    };
    report(job, "eager-gpu", [&](const data::Batch& batch) {
        input = batch;
        step();
    });
    input = {input.x.clone(), input.y.clone()};
    const Captured replayed = capture(step, {.device = job.device});
    report(job, "graph", [&](const data::Batch& batch) {
        input.x.copy_(batch.x);
        input.y.copy_(batch.y);
        replayed.replay();
    });
}

}  // namespace

int main(int argc, char** argv) {
    const data::Mnist set = data::load_mnist(argc > 1 ? argv[1] : "");
    const int rounds = argc > 2 ? std::atoi(argv[2]) : 5;
    const Device device = argc > 3 && std::strcmp(argv[3], "cpu") == 0 ? Device::cpu() : Device::cuda();
    for (const bench::Row& row : bench::rows) {
        data::Dataset samples = bench::samples_of(row, set.train);
        samples.inputs = samples.inputs.to(device);
        samples.targets = samples.targets.to(device);
        if (device.is_cpu()) samples = samples.part(0, 20 * row.batch_size);
        data::Loader loader(samples, {.batch_size = row.batch_size, .drop_last = true, .seed = 1});
        for (const auto precision : {MatmulPrecision::highest, MatmulPrecision::high}) {
            set_matmul_precision(precision);
            run({row, loader, device, rounds});
        }
    }
}
