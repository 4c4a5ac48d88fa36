// Scenes in which each request for memory fails once: an OutOfMemoryError or a good end, and the library goes
// on as before.
#include <gtest/gtest.h>

#include <csignal>
#include <map>
#include <string>
#include <vector>

#include <adjoint/autograd/ops/arithmetic.h>
#include <adjoint/autograd/ops/index.h>
#include <adjoint/autograd/ops/linalg.h>
#include <adjoint/autograd/ops/reduce.h>
#include <adjoint/core/base/half.h>
#include <adjoint/core/tensor/creation.h>
#include <adjoint/cpu/thread_pool.h>
#include <adjoint/data/csv.h>
#include <adjoint/data/idx.h>
#include <adjoint/data/npy.h>
#include <adjoint/data/npz.h>
#include <adjoint/data/safetensors.h>

#include "failing_memory.h"
#include "temporary_folder.h"

namespace adjoint {
namespace {

TEST(NoMemory, ToVector) {
    const Tensor x = ones({500}), spread = detached_view(ones({1}), {std::int64_t{1} << 62}, {0});
    EXPECT_GT(with_every_failure([&] { (void)x.to_vector<double>(); }, {"(500,)", "8 bytes"}), 0);
    EXPECT_GT(with_every_failure([&] { (void)x.to_vector<bool>(); }), 1);
    EXPECT_THROW((void)spread.to_vector<float>(), OutOfMemoryError);
}

TEST(NoMemory, Operators) {
    const Tensor x = ones({40, 30}, {.requires_grad = true});
    const auto step = [&] {
        x.set_grad({});
        sum(matmul(x, full({30, 20}, 2)) * 3).backward();
    };
    const Tensor flags = x.detach() > 0;
    EXPECT_GT(with_every_failure([&] { (void)nonzero(flags); }, {"nonzero"}), 2);
    EXPECT_GT(with_every_failure([&] { (void)arange(0, 100, 1); }), 1);
    step();
    EXPECT_TRUE(equal(x.grad(), full({40, 30}, 120)));
}

TEST(NoMemory, FilesThatAreRead) {
    const TemporaryFolder folder;
    const std::string csv = folder.file("a.csv", "x,y\n1,2\n3,4.5\n"), idx = folder / "a.idx.gz",
                      npy = folder / "a.npy", npz = folder / "a.npz", tensors = folder / "a.safetensors";
    const Tensor x = ones({20, 30}, {.dtype = f32});
    data::write_idx(idx, x);
    data::write_npy(npy, x);
    data::write_npz(npz, {{"x", x}, {"y", x}}, {.compress = true});
    data::save_safetensors(tensors, {{"x", x}}, {{"key", "value"}});
    const std::vector<std::int64_t> columns = {0, 1};
    EXPECT_GT(with_every_failure([&] { data::read_csv(csv); }, {csv}), 1);
    EXPECT_GT(with_every_failure(
                  [&] {
                      const data::CsvTable table = data::read_csv_table(csv);
                      (void)table.numbers(columns);
                      (void)table.categories(0);
                  },
                  {csv}),
              5);
    EXPECT_GT(with_every_failure([&] { (void)data::read_idx(idx); }, {idx}), 1);
    EXPECT_GT(with_every_failure([&] { (void)data::read_npy(npy); }, {npy}), 1);
    EXPECT_GT(with_every_failure([&] { (void)data::read_npz(npz); }, {npz}), 5);
    EXPECT_GT(with_every_failure([&] { (void)data::load_safetensors(tensors); }, {tensors}), 5);
}

TEST(NoMemory, FilesThatAreWritten) {
    const TemporaryFolder folder;
    const data::NamedTensors before = {{"x", ones({20, 30})}}, after = {{"x", zeros({3})}};
    const std::map<std::string, std::string> nothing;
    const auto stays_whole = [&](const std::string& path, auto write, auto read) {
        write(path, before);
        EXPECT_GT(with_every_failure([&] { write(path, after); }, {path}), 2) << path;
        EXPECT_TRUE(equal(read(path), after[0].second)) << path;
        write(path, before);
        EXPECT_TRUE(equal(read(path), before[0].second)) << path;
    };
    using Path = const std::string&;
    using Tensors = const data::NamedTensors&;
    const auto write_idx = [](Path path, Tensors x) { data::write_idx(path, x[0].second); };
    const auto read_idx = [](Path path) { return data::read_idx(path); };
    stays_whole(folder / "a.idx", write_idx, read_idx);
    stays_whole(folder / "a.idx.gz", write_idx, read_idx);
    stays_whole(
        folder / "a.npy", [](Path path, Tensors x) { data::write_npy(path, x[0].second); },
        [](Path path) { return data::read_npy(path); });
    stays_whole(
        folder / "a.npz", [](Path path, Tensors x) { data::write_npz(path, x, {.compress = true}); },
        [](Path path) { return data::read_npz(path)[0].second; });
    stays_whole(
        folder / "a.safetensors", [&](Path path, Tensors x) { data::save_safetensors(path, x, nothing); },
        [](Path path) { return data::load_safetensors(path)["x"]; });
}

// The workers of a pool start with the first work: where they cannot, fewer do it, and signals still arrive.
TEST(NoMemory, WorkersThatCannotStart) {
    using cpu::parallel_for;
    const int before = num_threads();
    int threads = 2;
    const auto scene = [&] {
        std::vector<int> done(64, 0);
        parallel_for(64, [&](std::int64_t i) { done[static_cast<std::size_t>(i)] = 1; });
        EXPECT_EQ(done, std::vector<int>(64, 1));
    };
    for (int n = 1; n < 6; ++n) {
        set_num_threads(++threads);  // a new pool
        {
            const FailingMemory memory(n);
            scene();
        }
        sigset_t blocked;
        pthread_sigmask(SIG_SETMASK, nullptr, &blocked);
        EXPECT_EQ(sigismember(&blocked, SIGINT), 0) << n;
        scene();
        bool other = false;  // not busy for ever: it takes work from outside of this thread
        parallel_for(2, [&](std::int64_t i) {
            if (i == 1) other = true;
        });
        EXPECT_TRUE(other);
    }
    set_num_threads(before);
}

}  // namespace
}  // namespace adjoint
