// fit on a folder of images, read and changed by workers.
#include <gtest/gtest.h>

#include <filesystem>
#include <iterator>
#include <string>
#include <thread>
#include <vector>

#include <adjoint/adjoint.h>

#include "temporary_folder.h"

namespace adjoint::train {
namespace {

/// Two classes of twelve images: dark ones and bright ones.
class FitOnImages : public testing::Test {
  protected:
    FitOnImages() {
        manual_seed(1);
        for (int i = 0; i < 24; ++i) {
            const std::string name = i % 2 == 0 ? "bright" : "dark";
            std::filesystem::create_directories(folder / name);
            const Tensor image = rand({9, 9, 3}) * 100 + (i % 2 == 0 ? 100 : 0);
            picture::save_png(folder / (name + "/" + std::to_string(i) + ".png"), image.to(u8));
        }
    }

    /// Weights and threads after a training.
    Tensor trained(int workers, const std::vector<Callback>& callbacks = {}) const {
        const data::ImageFolder images(folder.path(), {.height = 8, .width = 8, .cache_bytes = 2000});
        manual_seed(2);
        const nn::Sequential model(nn::Flatten(), nn::Linear(192, 2));
        optim::SGD optimizer(model.parameters(), {.lr = 0.05});
        fit(model, nn::CrossEntropyLoss(), optimizer, images,
            {.epochs = 3,
             .batch_size = 5,
             .seed = 3,
             .verbose = false,
             .transform = compose({random_flip(), random_affine({.degrees = {-20, 20}, .right = {-1, 1}}),
                                   color_jitter({.brightness = {0.5, 1.5}})}),
             .callbacks = callbacks,
             .workers = workers});
        return model.parameters()[0].detach();
    }

    static std::ptrdiff_t threads() {
        return std::distance(std::filesystem::directory_iterator("/proc/self/task"), {});
    }

    const TemporaryFolder folder;
};

TEST_F(FitOnImages, AugmentedHasTheSameBitsForAnyNumberOfWorkers) {
    const Tensor alone = trained(0);
    EXPECT_TRUE(equal(trained(1), alone));
    EXPECT_TRUE(equal(trained(2), alone));
    EXPECT_TRUE(equal(trained(5), alone));
}

TEST_F(FitOnImages, AFileThatCannotBeReadIsNamed) {
    const std::string bad = folder.file("dark/5.png", "not a picture");
    for (const int workers : {0, 1, 2}) {
        const std::ptrdiff_t before = threads();
        try {
            trained(workers);
            ADD_FAILURE() << "it was read";
        } catch (const IoError& error) {
            EXPECT_NE(std::string(error.what()).find(bad), std::string::npos) << error.what();
        }
        EXPECT_LE(threads(), before + (num_threads() > 1 ? num_threads() : 0)) << "workers are left";
    }
}

TEST_F(FitOnImages, AStopEndsTheWorkers) {
    (void)trained(0);           // the pool's own threads
    std::thread([] {}).join();  // and the one that ThreadSanitizer starts with the first
    const std::ptrdiff_t before = threads();
    int batches = 0;
    std::ptrdiff_t meanwhile = 0;
    const Callback stop{.on_batch = [&](train::Run& run) {
        meanwhile = std::max(meanwhile, threads());
        if (++batches == 2) run.stop("enough");
    }};
    (void)trained(3, {stop});
    EXPECT_EQ(batches, 2);
    EXPECT_GT(meanwhile, before);
    EXPECT_EQ(threads(), before);
}

}  // namespace
}  // namespace adjoint::train
