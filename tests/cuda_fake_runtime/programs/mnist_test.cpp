// Programs as users have them, linked with the fake.
#include <gtest/gtest.h>

#include <adjoint/adjoint.h>

#include "programs/program.h"
#include "temporary_folder.h"

namespace adjoint {
namespace {

void write_digits(const TemporaryFolder& folder) {
    for (const auto& [part, count] : {std::pair("train", 700), std::pair("t10k", 300)}) {
        const std::string start = folder / part;
        data::write_idx(start + "-images-idx3-ubyte", randint(0, 256, {count, 28, 28}).to(DType::u8));
        data::write_idx(start + "-labels-idx1-ubyte", randint(0, 10, {count}).to(DType::u8));
    }
}

TEST(OnFakeCuda, MnistTrainsEachModel) {
    const TemporaryFolder folder;
    write_digits(folder);
    for (const char* arguments : {"--model mlp", "--model mlp-bn --optimizer sgd --accumulate 2",
                                  "--model cnn --epochs 1 --precision tf32"}) {
        const Outcome outcome = run("mnist_on_fake_cuda --device cuda --epochs 2 --data " + folder.path() +
                                    " --save " + (folder / "weights.safetensors") + " " + arguments);
        EXPECT_EQ(outcome.status, 0) << outcome.text;
        EXPECT_NE(outcome.text.find("device: cuda:0, fake"), std::string::npos) << outcome.text;
        EXPECT_NE(outcome.text.find("weights written"), std::string::npos) << outcome.text;
    }
}

}  // namespace
}  // namespace adjoint
