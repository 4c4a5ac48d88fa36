// How long a training step waits for its images: a folder of PNG files, written here, is read, decoded, made
// smaller, augmented and batched by 0, 1 and 2 workers beside the steps of W4 (bench/mnist) on one thread.
//
//     bench/loading [threads] [images] [rounds]
//
// Lines for the share of the time that the loop waits for a batch and for the seconds of an epoch, without a
// cache and with one that holds all images after the first epoch. The mark for two workers is 5 %. On a
// machine of two cores workers and step share them, and the epoch says what that costs.
#include <adjoint/adjoint.h>

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "mnist_rows.h"
#include "report.h"

using namespace adjoint;

namespace {

namespace fs = std::filesystem;

/// Ten class folders of PNG files with something to decode in them: waves, and a little noise.
void write_images(const std::string& folder, int count, std::int64_t side) {
    manual_seed(1);
    const Tensor row = reshape(arange(side), {1, side, 1}), column = reshape(row, {side, 1, 1});
    for (int i = 0; i < count; ++i) {
        const std::string where = folder + "/" + std::to_string(i % 10);
        fs::create_directories(where);
        const Tensor waves = sin(row * (rand({3}) * 0.3)) + sin(column * (rand({3}) * 0.3));
        const Tensor image = clamp(128 + 60 * waves + 8 * rand({side, side, 3}), 0, 255).to(u8);
        picture::save_png(where + "/" + std::to_string(i) + ".png", image);
    }
}

struct Waited {
    double share, seconds;
};

/// Epochs of the loop by hand, as fit does it; the first fills the cache and is not counted.
Waited waited(const data::ImageFolder& images, int workers, int rounds) {
    const bench::Row& row = bench::rows[3];
    const nn::Sequential model = row.model();
    const auto optimizer = row.optimizer(model);
    data::LoaderOptions options;
    options.batch_size = row.batch_size;
    options.drop_last = true;
    options.transform = train::compose({train::random_flip(), train::random_crop(28, {.padding = 2})});
    options.workers = workers;
    data::Loader loader(images, options);
    double waiting = 0, whole = 0;
    for (int epoch = 0; epoch <= rounds; ++epoch) {
        const double begin = bench::seconds();
        double waits = 0;
        data::Batch batch;
        for (double start = begin; loader.next(batch); start = bench::seconds()) {
            waits += bench::seconds() - start;
            optimizer->zero_grad();
            cross_entropy(model(batch.x), batch.y).backward();
            optimizer->step();
        }
        if (epoch == 0) continue;
        waiting += waits;
        whole += bench::seconds() - begin;
    }
    return {waiting / whole, whole / rounds};
}

}  // namespace

int main(int argc, char** argv) {
    set_num_threads(argc > 1 ? std::atoi(argv[1]) : 1);
    const int count = argc > 2 ? std::atoi(argv[2]) : 640, rounds = argc > 3 ? std::atoi(argv[3]) : 2;
    const std::string folder =
        (fs::temp_directory_path() / ("adjoint-loading-" + std::to_string(::getpid()))).string();
    write_images(folder, count, 96);
    for (const bool cached : {false, true})
        for (const int workers : {0, 1, 2}) {
            const data::ImageFolder images(folder, {.height = 28,
                                                    .width = 28,
                                                    .channels = 1,
                                                    .mean = {0.5},
                                                    .std = {0.25},
                                                    .cache_bytes = cached ? std::uint64_t{1} << 30 : 0});
            const Waited result = waited(images, workers, rounds);
            const std::string row =
                std::string("W4-images") + (cached ? "-cached" : "") + "-workers" + std::to_string(workers);
            bench::report((row + "-waiting").c_str(), "adjoint", num_threads(), 100 * result.share, "%");
            bench::report((row + "-epoch").c_str(), "adjoint", num_threads(), result.seconds, "s");
        }
    fs::remove_all(folder);
}
